import { useMemo } from "react";

import type { components } from "../api/schema";
import { BarList } from "../charts/bar-list";
import { LineChart } from "../charts/line-chart";
import { StackedBars } from "../charts/stacked-bars";
import { COUNT, DOLLARS, DURATION, PERCENT, usd } from "../format/numbers";
import { Card } from "../parts/card";
import { Panel } from "../parts/panel";
import { Failure } from "../parts/states";
import { type Report, useReport } from "../reports/useReport";
import { useView } from "../view/useView";
import { withPicked } from "../view/view";

type Usage = components["schemas"]["UsageReport"];

const HEIGHT = 230;
const BARS_HEIGHT = 290;

/** How much, at what cost, by whom: of the window that is chosen, and how it changed. */
export default function Overview() {
  const view = useView();
  const query = { ...view.window, ...view.agents, ...view.models, ...view.members };
  const usage = useReport("/api/v1/analytics/usage", { ...query, compare: "previous" });
  const agents = useReport("/api/v1/analytics/agents", query);
  const models = useReport("/api/v1/analytics/models", query);
  return (
    <div className="grid">
      <Cards usage={usage} />
      <Days usage={usage} />
      <Panel
        title="Busiest agents"
        note="Answers of each, and their cost."
        className="half"
        report={agents}
        height={BARS_HEIGHT}
        empty={({ agents }) => (agents.length === 0 ? "No agent answered in this window." : null)}
      >
        {({ agents }) => (
          <BarList
            columns={["Agent", "Answers", "Cost"]}
            format={COUNT}
            noteFormat={DOLLARS}
            bars={agents.map(({ name, usage_count, cost_usd }) => ({
              name,
              value: usage_count,
              note: usd(cost_usd),
            }))}
            onPick={(name) => view.edit(withPicked("agent", [name]))}
          />
        )}
      </Panel>
      <Panel
        title="Models"
        note="Tokens of each, and their cost."
        className="half"
        report={models}
        height={BARS_HEIGHT}
        empty={({ models }) => (models.length === 0 ? "No message names a model in this window." : null)}
      >
        {({ models }) => (
          <BarList
            columns={["Model", "Tokens", "Cost"]}
            format={COUNT}
            noteFormat={DOLLARS}
            bars={models
              .map(({ model_id, total_tokens, cost_usd }) => ({
                name: model_id,
                value: total_tokens,
                note: usd(cost_usd),
              }))
              .sort((a, b) => b.value - a.value)}
            onPick={(name) => view.edit(withPicked("model", [name]))}
          />
        )}
      </Panel>
    </div>
  );
}

function Cards({ usage }: { usage: Report<Usage> }) {
  const { data, error } = usage;
  if (data === undefined && error !== null) return <Failure error={error} retry={usage.refresh} />;
  const before = data?.previous;
  const days = data?.daily_usage;
  return (
    <div className="cards" data-previous={usage.isPrevious}>
      <Card
        title="Messages"
        note="Of every role."
        format={COUNT}
        value={data?.total_messages}
        before={before?.total_messages}
        days={days?.map(({ messages }) => messages)}
      />
      <Card
        title="Sessions"
        note="Begun in the window; its course counts those with a message that day."
        format={COUNT}
        value={data?.total_sessions}
        before={before?.total_sessions}
        days={days?.map(({ sessions }) => sessions)}
      />
      <Card
        title="Tokens"
        note="Input, output, cache read and cache creation."
        format={COUNT}
        value={data?.total_tokens}
        before={before?.total_tokens}
        days={days?.map(({ tokens }) => tokens)}
      />
      <Card
        title="Cost"
        note={unpriced(data)}
        format={DOLLARS}
        value={data && usd(data.cost_usd)}
        before={before && usd(before.cost_usd)}
        days={days?.map(({ cost_usd }) => usd(cost_usd))}
      />
      <Card
        title="Error rate"
        note="Of all messages."
        format={PERCENT}
        good="down"
        value={data && rate(data.error_count, data.total_messages)}
        before={before && rate(before.error_count, before.total_messages)}
        days={days?.map(({ error_count, messages }) => rate(error_count, messages))}
      />
      <Card
        title="Response time"
        note="The average, of messages whose time is known."
        format={DURATION}
        good="down"
        value={data?.avg_response_time_ms}
        before={before?.avg_response_time_ms}
        days={days?.map(({ avg_response_time_ms }) => avg_response_time_ms)}
      />
    </div>
  );
}

function unpriced(data: Usage | undefined): string {
  const n = data?.unpriced_messages ?? 0;
  return n === 0 ? "In US dollars." : `In US dollars; ${COUNT.exact(n)} messages have no known price and are not in it.`;
}

function rate(errors: number, messages: number): number | null {
  return messages === 0 ? null : (errors / messages) * 100;
}

function Days({ usage }: { usage: Report<Usage> }) {
  const empty = (data: Usage) => (data.total_messages === 0 ? "Nothing happened in this window." : null);
  const panel = { report: usage, height: HEIGHT, empty };
  return (
    <>
      <Panel title="Tokens per day" note="By class; the four are disjoint." {...panel}>
        {(data) => <Tokens data={data} />}
      </Panel>
      <Panel title="Messages per day" note="And the sessions they were in." className="half" {...panel}>
        {(data) => <Messages data={data} />}
      </Panel>
      <Panel title="Cost per day" note={unpriced(usage.data)} className="half" {...panel}>
        {(data) => <Cost data={data} />}
      </Panel>
    </>
  );
}

function Tokens({ data: { daily_usage: daily } }: { data: Usage }) {
  const days = useMemo(() => daily.map(({ date }) => date), [daily]);
  const series = useMemo(
    () => [
      { name: "Cache read", values: daily.map((day) => day.cache_read_tokens) },
      { name: "Cache creation", values: daily.map((day) => day.cache_creation_tokens) },
      { name: "Input", values: daily.map((day) => day.input_tokens) },
      { name: "Output", values: daily.map((day) => day.output_tokens) },
    ],
    [daily],
  );
  return <StackedBars days={days} series={series} format={COUNT} />;
}

function Messages({ data: { daily_usage: daily } }: { data: Usage }) {
  const days = useMemo(() => daily.map(({ date }) => date), [daily]);
  const series = useMemo(
    () => [
      { name: "Messages", values: daily.map(({ messages }) => messages) },
      { name: "Sessions", values: daily.map(({ sessions }) => sessions) },
    ],
    [daily],
  );
  return <LineChart days={days} series={series} format={COUNT} />;
}

function Cost({ data: { daily_usage: daily } }: { data: Usage }) {
  const days = useMemo(() => daily.map(({ date }) => date), [daily]);
  const series = useMemo(() => [{ name: "Cost", values: daily.map(({ cost_usd }) => usd(cost_usd)) }], [daily]);
  return <StackedBars days={days} series={series} format={DOLLARS} />;
}
