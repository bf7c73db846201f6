import { useMemo } from "react";
import { useRoute } from "wouter";

import type { components } from "../api/schema";
import { COUNT, SECONDS } from "../format/numbers";
import { COST, figure } from "../parts/columns";
import { Panel } from "../parts/panel";
import { type Column, DataTable } from "../parts/table";
import { useNames } from "../reports/useNames";
import { useRows } from "../reports/useRows";
import { useView } from "../view/useView";
import { SESSION, updated } from "./sessions/listed";
import { OneSession } from "./sessions/one";

type Session = components["schemas"]["SessionLine"];

/** The sessions of a window, or one of them. */
export default function SessionsPage() {
  const [, below] = useRoute("/sessions/:id");
  return below ? <OneSession key={below.id} id={below.id} /> : <Sessions />;
}

function Sessions() {
  const { inZone, ...view } = useView();
  const rows = useRows("/api/v1/analytics/sessions", { ...view.window, ...view.models, ...view.members });
  const nameOf = useNames();
  const columns = useMemo(() => columnsFor(nameOf, inZone), [nameOf, inZone]);
  const empty = (found: readonly Session[]) => (found.length === 0 ? "No session was updated in this window." : null);
  return (
    <div className="grid">
      <Panel title="Sessions" note="Updated in the window, the latest first, with the totals of their whole life." kind="table" report={rows} height={480} empty={empty}>
        {(found) => <DataTable columns={columns} rows={found} keyOf={({ session_id }) => session_id} paged={rows} />}
      </Panel>
    </div>
  );
}

function columnsFor(nameOf: (id: string | null) => string, zone: string): Column<Session>[] {
  return [
    SESSION,
    updated(zone),
    { name: "Member", value: ({ user_id }) => user_id && nameOf(user_id) },
    { name: "Status", value: ({ status }) => status },
    figure("Messages", COUNT, (row) => row.user_messages + row.assistant_messages + row.other_messages),
    figure("Errors", COUNT, ({ error_count }) => error_count),
    figure("Tool calls", COUNT, ({ tool_calls }) => tool_calls),
    figure("Tokens", COUNT, ({ total_tokens }) => total_tokens),
    COST,
    figure("Active", SECONDS, ({ active_seconds }) => active_seconds),
  ];
}
