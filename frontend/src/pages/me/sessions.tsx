import { useMemo } from "react";

import type { components } from "../../api/schema";
import { instant } from "../../format/instants";
import { COUNT, SECONDS } from "../../format/numbers";
import { Badge } from "../../parts/badge";
import { COST, figure } from "../../parts/columns";
import { Panel } from "../../parts/panel";
import { type Column, DataTable } from "../../parts/table";
import { useRows } from "../../reports/useRows";
import { useMay } from "../../session/current";
import { PageLink } from "../../shell/navigation";
import { useView } from "../../view/useView";

type Session = components["schemas"]["OwnSession"];

const NONE_YET = "No session of yours is on record yet.";

/** One's sessions, newest first, and the logs that wait to be read. */
export function Sessions() {
  const { inZone } = useView();
  const rows = useRows("/api/v1/me/stats/sessions", {});
  const columns = useMemo(() => columnsIn(inZone), [inZone]);
  const total = rows.first?.total;
  return (
    <Panel
      title="My sessions"
      note={total !== undefined && `${COUNT.exact(total)} in all. Active time leaves out pauses of more than ten minutes.`}
      kind="table"
      report={rows}
      height={420}
      empty={(found) => (found.length === 0 ? NONE_YET : null)}
      advice={
        <>
          Send the session logs of your machine: <code>tally push ~/.claude</code>
        </>
      }
    >
      {(found) => <DataTable columns={columns} rows={found} keyOf={keyOf} paged={rows} />}
    </Panel>
  );
}

function keyOf({ session_id, session_file, started_at }: Session): string {
  return session_id ?? `${session_file} ${started_at}`;
}

function nameOf({ external_id, session_file, session_id }: Session): string {
  return external_id ?? session_file ?? session_id ?? "–";
}

function columnsIn(zone: string): Column<Session>[] {
  return [
    { name: "Session", value: nameOf, show: (session) => <Name session={session} /> },
    { name: "Begun", value: ({ started_at }) => started_at, text: ({ started_at }) => instant(started_at, zone) },
    figure("Active", SECONDS, ({ active_seconds }) => active_seconds),
    figure("In all", SECONDS, ({ wall_seconds }) => wall_seconds),
    figure("Yours", COUNT, ({ user_messages }) => user_messages),
    figure("Answers", COUNT, ({ assistant_messages }) => assistant_messages),
    figure("Tool calls", COUNT, ({ tool_calls }) => tool_calls),
    figure("Failed", COUNT, ({ tool_errors }) => tool_errors),
    figure("Tokens", COUNT, ({ tokens_total }) => tokens_total),
    COST,
    { name: "Main model", value: ({ primary_model }) => primary_model },
    { name: "Log", value: ({ session_file }) => session_file },
  ];
}

function Name({ session }: { session: Session }) {
  const isOpen = useMay("engineer") && session.session_id !== null;
  const name = (
    <span className="clipped" title={nameOf(session)}>
      {nameOf(session)}
    </span>
  );
  return (
    <span className="named">
      {isOpen ? <PageLink to={`/sessions/${session.session_id}`}>{name}</PageLink> : name}
      {!session.processed && <Badge tone="warn" title="A log of it waits to be read: what is shown is not all yet." text="waits" />}
    </span>
  );
}
