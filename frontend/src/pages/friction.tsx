import { useMemo } from "react";

import type { components } from "../api/schema";
import { BarList } from "../charts/bar-list";
import { COUNT, type Format } from "../format/numbers";
import { Card } from "../parts/card";
import { figure } from "../parts/columns";
import { Panel } from "../parts/panel";
import { type Column, DataTable } from "../parts/table";
import { useNames } from "../reports/useNames";
import { type Report, useReport } from "../reports/useReport";
import { useView } from "../view/useView";
import { SESSION, updated } from "./sessions/listed";

type Friction = components["schemas"]["FrictionReport"];
type Session = components["schemas"]["SessionFriction"];
type Kind = readonly [field: Exclude<keyof Friction["totals"], "friction" | "sessions">, name: string];

const WRONG: readonly Kind[] = [
  ["interruptions", "Interruptions"],
  ["rejected_tools", "Rejected tools"],
  ["api_errors", "API errors"],
  ["retries", "Retries"],
];
const BESIDE: readonly Kind[] = [
  ["compactions", "Compactions"],
  ["commands", "Commands"],
  ["skills", "Skills"],
  ["sub_agents", "Sub-agents"],
];
const MOST = 100;
const HEIGHT = 150;

/** Where agents and people got into each other's way. */
export default function FrictionPage() {
  const { inZone, ...view } = useView();
  const report = useReport("/api/v1/analytics/friction", { ...view.window, ...view.members });
  const nameOf = useNames();
  const columns = useMemo(() => columnsFor(nameOf, inZone), [nameOf, inZone]);
  const half = { className: "half", report, height: HEIGHT, advice: <Advice data={report.data} /> };
  return (
    <div className="grid">
      {report.data !== undefined || report.error === null ? <Cards report={report} /> : null}
      <Panel title="What went wrong" note="In all, and per session that a log tells of: people stopped the agent or refused a tool, calls of the model failed or were tried again." {...half} empty={smooth}>
        {({ totals }) => <Kinds kinds={WRONG} totals={totals} />}
      </Panel>
      <Panel title="Beside it" note="No friction, but good to know." {...half} empty={bare}>
        {({ totals }) => <Kinds kinds={BESIDE} totals={totals} />}
      </Panel>
      <Panel title="Sessions" note={noteOf(report.data)} kind="table" report={report} height={280} empty={nothing} advice={<Advice data={report.data} />}>
        {({ sessions }) => <DataTable columns={columns} rows={sessions} keyOf={({ session_id }) => session_id} />}
      </Panel>
    </div>
  );
}

function Cards({ report: { data, isPrevious } }: { report: Report<Friction> }) {
  const totals = data?.totals;
  return (
    <div className="cards" data-previous={isPrevious}>
      <Card title="Sessions" note="Of which a log counts anything at all." format={COUNT} value={totals?.sessions} days={null} />
      <Card title="Friction" note="Interruptions, rejected tools, API errors and retries." format={COUNT} value={totals?.friction} days={null} />
      <Card title="Friction per session" format={COUNT} value={totals && each(totals.friction, totals.sessions)} days={null} />
    </div>
  );
}

function Advice({ data }: { data: Friction | undefined }) {
  if (data !== undefined && data.totals.sessions > 0) return null;
  return (
    <>
      It is counted from session logs. Whoever works with an agent sends theirs with <code>tally push ~/.claude</code>. Where
      some came in, choose another window, or another member.
    </>
  );
}

function Kinds({ kinds, totals }: { kinds: readonly Kind[]; totals: Friction["totals"] }) {
  const bars = kinds.map(([field, name]) => ({
    name,
    value: totals[field],
    note: each(totals[field], totals.sessions),
  }));
  return <BarList columns={["Kind", "In all", "Per session"]} format={COUNT} noteFormat={PER_SESSION} bars={bars} />;
}

const PER_SESSION: Format = { exact: COUNT.exact, short: (n) => `${COUNT.exact(n)} per session` };

function each(n: number, sessions: number): number | null {
  return sessions === 0 ? null : n / sessions;
}

function noteOf(data: Friction | undefined): string {
  const said = "Updated in the window, with the counts of their whole life, the most friction first.";
  return data !== undefined && data.totals.sessions > MOST ? `${said} The first ${MOST} of ${COUNT.exact(data.totals.sessions)}.` : said;
}

function columnsFor(nameOf: (id: string | null) => string, zone: string): Column<Session>[] {
  return [
    SESSION,
    { name: "Member", value: ({ user_id }) => user_id && nameOf(user_id) },
    updated(zone),
    figure("Friction", COUNT, ({ friction }) => friction),
    ...[...WRONG, ...BESIDE].map(([field, name]) => figure(name, COUNT, (row: Session) => row[field])),
  ];
}

function nothing({ totals }: Friction): string | null {
  return totals.sessions === 0 ? "No log of a session in this window counts anything." : null;
}

function smooth(data: Friction): string | null {
  return nothing(data) ?? (data.totals.friction === 0 ? "Nothing went wrong in this window." : null);
}

function bare(data: Friction): string | null {
  return nothing(data) ?? (BESIDE.every(([field]) => data.totals[field] === 0) ? "None in this window." : null);
}
