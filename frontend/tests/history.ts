const planner = { agent_name: "planner", model_id: "anthropic/claude-sonnet" };

function said(id: string, session: string, at: string, input: number, output: number) {
  return { id, session_id: session, role: "assistant", created_at: at, input_tokens: input, output_tokens: output };
}

/** What happened at Acme (UTC) in May 2026; the numbers in the tests are counted from these rows by hand. */
export const history = {
  sessions: [
    { id: "first", created_at: "2026-05-01T10:00:00Z" },
    { id: "second", created_at: "2026-05-03T23:50:00Z" },
  ],
  messages: [
    { ...said("m1", "first", "2026-05-01T10:00:00Z", 10, 0), role: "user" },
    { ...said("m2", "first", "2026-05-01T10:00:05Z", 100, 50), ...planner, response_time_ms: 1000 },
    { ...said("m3", "first", "2026-05-03T00:30:00Z", 200, 40), ...planner, response_time_ms: 2000 },
    { ...said("m4", "first", "2026-05-03T00:31:00Z", 0, 0), ...planner, status: "failed" },
    { ...said("m5", "second", "2026-05-03T23:55:00Z", 5, 5), model_id: "llama-3-8b.gguf" },
  ],
  tool_calls: [
    { id: "c1", session_id: "first", name: "search", started_at: "2026-05-01T10:00:06Z", duration_ms: 100 },
    { id: "c2", session_id: "first", name: "search", started_at: "2026-05-03T00:30:00Z", duration_ms: 300, status: "error" },
    { id: "c3", session_id: "second", name: "edit", started_at: "2026-05-03T23:55:00Z", duration_ms: 50 },
  ],
};

const SECOND = 1000;
const HOUR = 3600 * SECOND;

/** What agents of a help desk handed over lately: claimed after so many seconds, acted on so many later. */
export function handovers(now = Date.now()) {
  const rows = [
    { id: "a", hours: 48, intent: "refund", priority: "high", claimed: 60, acted: 30 },
    { id: "b", hours: 24, intent: "refund", priority: "low", claimed: 120, acted: 90 },
    { id: "c", hours: 12, intent: "access", priority: "low", claimed: 180 },
    { id: "d", hours: 1, intent: "access", priority: "low" },
    { id: "e", hours: 60 * 24, intent: "refund", priority: "low", claimed: 60, acted: 600 },
  ].map((row) => ({ ...row, at: now - row.hours * HOUR }));
  const later = (at: number, seconds: number) => new Date(at + seconds * SECOND).toISOString();
  return {
    sessions: rows.map(({ id, at }) => ({ id, created_at: later(at, -300), workspace: "desk" })),
    handoffs: rows.map(({ id, at, intent, priority, claimed }) => ({
      id,
      session_id: id,
      created_at: later(at, 0),
      intent,
      priority,
      ...(claimed !== undefined && { claimed_at: later(at, claimed) }),
    })),
    steps: rows.flatMap(({ id, at, claimed, acted }) =>
      acted === undefined ? [] : [{ id, session_id: id, created_at: later(at, claimed + acted), step_order: 1, step_type: "human_action" }],
    ),
    messages: [
      { ...said("m1", "a", later(now - 48 * HOUR, -200), 10, 0), role: "user" },
      { ...said("m2", "a", later(now - 48 * HOUR, -190), 100, 50), ...planner, response_time_ms: 1500 },
      { ...said("m3", "a", later(now - 48 * HOUR, -180), 0, 0), status: "failed", error_kind: "overloaded" },
    ],
    tool_calls: [{ id: "c1", session_id: "a", name: "search", started_at: later(now - 48 * HOUR, -185), duration_ms: 100 }],
  };
}

/** Of the lines that tell of it: each counts once, wherever it is repeated. */
function marks(...lines: readonly number[]): string[] {
  return lines.map((line) => line.toString(16).padStart(16, "0"));
}

/** What the logs of two of these sessions count. */
export const pushed = {
  files: [
    { name: "a.jsonl", sha256: "a".repeat(64), size: 1, sessions: [{ session_id: "a", interruptions: marks(1, 2), retries: marks(3), skills: marks(4) }] },
    { name: "b.jsonl", sha256: "b".repeat(64), size: 1, sessions: [{ session_id: "b", api_errors: marks(5) }] },
  ],
};

/** Another month, for the test that brings in more while it looks. */
export function lateMessage(id: string) {
  const at = "2026-03-02T08:00:00Z";
  return { sessions: [{ id, created_at: at }], messages: [said(id, id, at, 7, 0)] };
}
