import type { components } from "../../api/schema";
import { BarList } from "../../charts/bar-list";
import { instant } from "../../format/instants";
import { COUNT, DOLLARS, SECONDS, usd } from "../../format/numbers";
import { Card } from "../../parts/card";
import { ranked } from "../../parts/columns";
import { Panel } from "../../parts/panel";
import { Failure } from "../../parts/states";
import { type Column, DataTable } from "../../parts/table";
import { useNames } from "../../reports/useNames";
import { type Report, useReport } from "../../reports/useReport";
import { useRows } from "../../reports/useRows";
import { PageLink } from "../../shell/navigation";
import { useView } from "../../view/useView";
import { callColumns, handoffColumns, messageColumns, stepColumns } from "./columns";

type One = components["schemas"]["OneSession"];
type Fact = readonly [name: string, value: string, text?: string];

const ABOUT: readonly Column<Fact>[] = [
  { name: "About", value: ([name]) => name, sortable: false },
  { name: "Value", value: ([, value]) => value, text: ([, value, text]) => text ?? value, sortable: false },
];

/** One session: what it came to, and what happened in it. */
export function OneSession({ id }: { id: string }) {
  const { inZone } = useView();
  const report = useReport("/api/v1/analytics/sessions/{session_id}", {}, { at: { session_id: id } });
  const messages = useRows("/api/v1/analytics/sessions/{session_id}/messages", {}, { session_id: id });
  const nameOf = useNames();
  const back = <PageLink to="/sessions">← All sessions</PageLink>;
  if (report.data === undefined && report.error !== null)
    return (
      <>
        {back}
        <Failure error={report.error} retry={report.refresh} />
      </>
    );
  return (
    <div className="grid">
      <p>{back}</p>
      <Cards report={report} />
      <Panel title="Session" className="half" kind="table" report={report} height={260}>
        {({ session }) => <DataTable columns={ABOUT} rows={factsOf(session, nameOf, inZone)} keyOf={([name]) => name} />}
      </Panel>
      <Panel title="Models" note="Messages of each." className="half" report={report} height={260} empty={modelless} advice={null}>
        {({ session: { models } }) => (
          <BarList columns={["Model", "Messages"]} format={COUNT} bars={ranked(Object.entries(models), ([name, value]) => ({ name, value }))} />
        )}
      </Panel>
      <Panel
        title="Messages"
        note="First to last; what was said is nowhere in Tally."
        kind="table"
        report={messages}
        height={300}
        empty={(rows) => (rows.length === 0 ? "This session has no messages." : null)}
        advice={null}
      >
        {(rows) => <DataTable columns={messageColumns(inZone)} rows={rows} keyOf={(row) => row.id} paged={messages} />}
      </Panel>
      <Belonging title="Tool calls" noun="tool_calls" columns={callColumns(inZone)} report={report} />
      <Belonging title="Steps" noun="steps" columns={stepColumns(inZone)} report={report} />
      <Belonging title="Handoffs" noun="handoffs" columns={handoffColumns(inZone, nameOf)} report={report} />
    </div>
  );
}

interface BelongingProps<Row> {
  title: string;
  noun: "tool_calls" | "steps" | "handoffs";
  columns: readonly Column<Row>[];
  report: Report<One>;
}

/** A list that comes whole, or as its beginning. */
function Belonging<Row extends { id: string }>({ title, noun, columns, report }: BelongingProps<Row>) {
  const listed = (data: One) => data[noun] as unknown as { rows: Row[]; truncated: boolean };
  const shown = report.data && listed(report.data);
  const note = shown?.truncated ? `The first ${COUNT.exact(shown.rows.length)}; there are more.` : undefined;
  return (
    <Panel
      title={title}
      note={note}
      kind="table"
      report={report}
      height={120}
      empty={(data) => (listed(data).rows.length === 0 ? `This session has no ${title.toLowerCase()}.` : null)}
      advice={null}
    >
      {(data) => <DataTable columns={columns} rows={listed(data).rows} keyOf={({ id }) => id} />}
    </Panel>
  );
}

function Cards({ report: { data } }: { report: Report<One> }) {
  const session = data?.session;
  const messages = session && session.user_messages + session.assistant_messages + session.other_messages;
  return (
    <div className="cards">
      <Card title="Messages" note="Of every role." format={COUNT} value={messages} days={null} />
      <Card title="Tokens" format={COUNT} value={session?.total_tokens} days={null} />
      <Card title="Cost" format={DOLLARS} value={session && usd(session.cost_usd)} days={null} />
      <Card title="Errors" note="Messages that failed." format={COUNT} value={session?.error_count} days={null} />
      <Card title="Tool calls" format={COUNT} value={session?.tool_calls} days={null} />
      <Card title="Active" note="Without pauses of more than ten minutes." format={SECONDS} value={session?.active_seconds} days={null} />
    </div>
  );
}

const modelless = ({ session }: One) => (Object.keys(session.models).length === 0 ? "No message of this session names a model." : null);

function factsOf(session: One["session"], nameOf: (id: string | null) => string, zone: string): Fact[] {
  const at = (name: string, when: string | null): Fact | null => (when === null ? null : [name, when, instant(when, zone)]);
  const said = (name: string, value: string | null): Fact | null => (value === null ? null : [name, value]);
  const facts = [
    said("Id", session.session_id),
    said("Id at its producer", session.external_id),
    said("Member", session.user_id && nameOf(session.user_id)),
    said("Workspace", session.workspace),
    said("Type", session.session_type),
    said("Intake", session.intake_type),
    said("Status", session.status),
    said("Confidence", session.confidence_tier),
    said("Provider", session.provider),
    said("Model", session.model),
    at("Created", session.created_at),
    at("Updated", session.updated_at),
    at("First message", session.first_activity_at),
    at("Last message", session.last_activity_at),
  ];
  return facts.filter((fact): fact is Fact => fact !== null);
}
