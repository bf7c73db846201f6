import { useCallback, useEffect, useMemo, useState } from "react";

import { answerOf, type TallyClient } from "../api/client";
import { useClient } from "../api/provider";
import type { components } from "../api/schema";
import { dayLabel } from "./day";
import { endInstant, startInstant } from "./window";

export interface UsageDay {
  /** A day of the account's zone, such as "May 3". */
  date: string;
  messages: number;
  tokens: number;
  sessions: number;
}

export interface AgentUsage {
  name: string;
  usageCount: number;
  /** In milliseconds; 0 where nothing was measured. */
  avgResponseTime: number;
  /** In percent. */
  errorRate: number;
}

export interface ModelUsage {
  name: string;
  usageCount: number;
  tokens: number;
}

export interface AnalyticsData {
  totalMessages: number;
  totalSessions: number;
  totalTokens: number;
  /** In milliseconds; 0 where nothing was measured. */
  avgResponseTime: number;
  usage: UsageDay[];
  agents: AgentUsage[];
  models: ModelUsage[];
}

export interface Analytics {
  /** Null until the first answer. While another window loads, still that of the window before. */
  data: AnalyticsData | null;
  /** A question is under way. */
  isLoading: boolean;
  /** ApiProblem where the API refused. */
  error: Error | null;
  /** Asks again; what is shown stays until the answer is there. */
  refresh: () => void;
}

interface Question {
  client: TallyClient;
  start: string | undefined;
  end: string | undefined;
  round: number;
}

interface Answer {
  to: Question | null;
  data: AnalyticsData | null;
  error: Error | null;
}

const NOTHING: Answer = { to: null, data: null, error: null };

/** What happened from one instant to another, both included; by default in the last 30 days. */
export function useAnalytics(startDate?: Date, endDate?: Date): Analytics {
  const client = useClient();
  const start = startInstant(startDate);
  const end = endInstant(endDate);
  const [round, setRound] = useState(0);
  const [answer, setAnswer] = useState(NOTHING);
  // One object as long as nothing changes, so that an answer says by identity which question it answers.
  const question = useMemo<Question>(() => ({ client, start, end, round }), [client, start, end, round]);
  useEffect(() => ask(question, setAnswer), [question]);
  const isLoading = answer.to !== question;
  return {
    // Another client may be another account, whose numbers must never stand for this one's.
    data: answer.to?.client === client ? answer.data : null,
    isLoading,
    error: isLoading ? null : answer.error,
    refresh: useCallback(() => setRound((n) => n + 1), []),
  };
}

/** Returns what calls the question off: nothing is heard of it afterwards. */
function ask(question: Question, hear: (change: (before: Answer) => Answer) => void): () => void {
  const leaving = new AbortController();
  const settle = (change: (before: Answer) => Answer) => {
    if (!leaving.signal.aborted) hear(change);
  };
  load(question, leaving.signal).then(
    (data) => settle(() => ({ to: question, data, error: null })),
    (error: Error) => settle((before) => ({ to: question, data: kept(before, question), error })),
  );
  return () => leaving.abort();
}

/** A failed refresh leaves what was shown; a failed change of window must not leave another window's numbers. */
function kept({ to, data }: Answer, { client, start, end }: Question): AnalyticsData | null {
  return to?.client === client && to.start === start && to.end === end ? data : null;
}

async function load({ client, start, end }: Question, signal: AbortSignal): Promise<AnalyticsData> {
  const query = { ...(start && { start_date: start }), ...(end && { end_date: end }) };
  const asked = { params: { query }, signal };
  const [usage, agents, models] = await Promise.all([
    answerOf(client.GET("/api/v1/analytics/usage", asked)),
    answerOf(client.GET("/api/v1/analytics/agents", asked)),
    answerOf(client.GET("/api/v1/analytics/models", asked)),
  ]);
  return shown(usage, agents, models);
}

type Shapes = components["schemas"];

function shown(
  usage: Shapes["UsageReport"],
  { agents }: Shapes["AgentReport"],
  { models }: Shapes["ModelReport"],
): AnalyticsData {
  return {
    totalMessages: usage.total_messages,
    totalSessions: usage.total_sessions,
    totalTokens: usage.total_tokens,
    avgResponseTime: usage.avg_response_time_ms ?? 0,
    usage: usage.daily_usage.map((day) => ({
      date: dayLabel(day.date),
      messages: day.messages,
      tokens: day.tokens,
      sessions: day.sessions,
    })),
    agents: agents.map((agent) => ({
      name: agent.name,
      usageCount: agent.usage_count,
      avgResponseTime: agent.avg_response_time_ms ?? 0,
      errorRate: agent.error_rate,
    })),
    models: models.map((model) => ({
      name: model.model_name,
      usageCount: model.usage_count,
      tokens: model.total_tokens,
    })),
  };
}
