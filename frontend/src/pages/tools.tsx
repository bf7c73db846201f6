import type { components } from "../api/schema";
import { BarList } from "../charts/bar-list";
import { COUNT, DURATION, PERCENT } from "../format/numbers";
import { Card } from "../parts/card";
import { ERROR_RATE, ERRORS, figure, percentage, ranked, sum, times } from "../parts/columns";
import { Panel } from "../parts/panel";
import { type Column, DataTable } from "../parts/table";
import { type Report, useReport } from "../reports/useReport";
import { useView } from "../view/useView";

type Tool = components["schemas"]["ToolUsage"];
type Tools = components["schemas"]["ToolReport"];

const HEIGHT = 290;
const COLUMNS: readonly Column<Tool>[] = [
  { name: "Tool", value: ({ name }) => name },
  figure("Calls", COUNT, ({ call_count }) => call_count),
  ERRORS,
  ERROR_RATE,
  ...times("duration_ms"),
];

/** Which tools agents called, how fast they were, how often they failed. */
export default function ToolsPage() {
  const view = useView();
  const report = useReport("/api/v1/analytics/tools", { ...view.window, ...view.members, compare: "previous" });
  const third = { className: "third", report, height: HEIGHT, empty };
  return (
    <div className="grid">
      {report.data !== undefined || report.error === null ? <Cards report={report} /> : null}
      <Panel title="Most called" {...third}>
        {({ tools }) => <BarList columns={["Tool", "Calls"]} format={COUNT} bars={ranked(tools, ({ name, call_count: value }) => ({ name, value }))} />}
      </Panel>
      <Panel title="Most often wrong" note="Failed calls, and their share." {...third} empty={flawless}>
        {({ tools }) => <BarList columns={["Tool", "Errors", "Error rate"]} format={COUNT} noteFormat={PERCENT} bars={ranked(tools, byErrors)} />}
      </Panel>
      <Panel title="Slowest" note="95 of 100 calls took at most this long." {...third}>
        {({ tools }) => <BarList columns={["Tool", "p95"]} format={DURATION} bars={ranked(tools, ({ name, p95_duration_ms: value }) => ({ name, value }))} />}
      </Panel>
      <Panel title="Tools" note="A call counts when it started; unknown are calls that name no tool." kind="table" report={report} height={280} empty={empty}>
        {({ tools }) => <DataTable columns={COLUMNS} rows={tools} keyOf={({ name }) => name} />}
      </Panel>
    </div>
  );
}

function Cards({ report: { data, isPrevious } }: { report: Report<Tools> }) {
  const errors = data && sum(data.tools, ({ error_count }) => error_count);
  return (
    <div className="cards" data-previous={isPrevious}>
      <Card title="Calls" format={COUNT} value={data?.total_calls} before={data?.previous?.total_calls} days={null} />
      <Card title="Tools" note="That were called at least once." format={COUNT} value={data?.tools.length} days={null} />
      <Card title="Errors" format={COUNT} value={errors} days={null} />
      <Card title="Error rate" note="Of all calls." format={PERCENT} value={data && percentage(errors ?? 0, data.total_calls)} days={null} />
    </div>
  );
}

const empty = ({ tools }: Tools) => (tools.length === 0 ? "No tool was called in this window." : null);

function flawless({ tools }: Tools) {
  return empty({ tools } as Tools) ?? (tools.every(({ error_count }) => error_count === 0) ? "No call failed in this window." : null);
}

function byErrors({ name, error_count, error_rate }: Tool) {
  return { name, value: error_count, note: error_rate };
}
