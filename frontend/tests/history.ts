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

/** Another month, for the test that brings in more while it looks. */
export function lateMessage(id: string) {
  const at = "2026-03-02T08:00:00Z";
  return { sessions: [{ id, created_at: at }], messages: [said(id, id, at, 7, 0)] };
}
