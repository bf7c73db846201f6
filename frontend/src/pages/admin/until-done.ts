import { COUNT } from "../../format/numbers";

export type Counts = Readonly<Record<string, number>>;

interface Part {
  rows: Counts;
  done: boolean;
}

/** Calls again while a call took less than all; what went, by table. */
export async function untilDone(call: () => Promise<Part>): Promise<Counts> {
  const all: Record<string, number> = {};
  for (;;) {
    const { rows, done } = await call();
    for (const [table, count] of Object.entries(rows)) all[table] = (all[table] ?? 0) + count;
    if (done) return all;
  }
}

const NAMES: Counts | Readonly<Record<string, string>> = {
  ai_sessions: "sessions",
  ai_session_steps: "steps",
  session_handoffs: "handoffs",
  audit_log: "lines of the audit",
};

/** "1,200 messages, 30 sessions"; "nothing was there" where nothing was. */
export function rowsWritten(rows: Counts, nothing = "nothing was there"): string {
  const said = Object.entries(rows)
    .filter(([, count]) => count > 0)
    .map(([table, count]) => `${COUNT.exact(count)} ${NAMES[table] ?? table.replaceAll("_", " ")}`);
  return said.length === 0 ? nothing : said.join(", ");
}
