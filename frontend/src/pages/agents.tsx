import type { components } from "../api/schema";
import { BarList } from "../charts/bar-list";
import { COUNT, DURATION } from "../format/numbers";
import { COST, ERROR_RATE, ERRORS, figure, ranked, times } from "../parts/columns";
import { Panel } from "../parts/panel";
import { type Column, DataTable } from "../parts/table";
import { useReport } from "../reports/useReport";
import { useView } from "../view/useView";
import { withPicked } from "../view/view";

type Agent = components["schemas"]["AgentUsage"];

const COLUMNS: readonly Column<Agent>[] = [
  { name: "Agent", value: ({ name }) => name },
  figure("Answers", COUNT, ({ usage_count }) => usage_count),
  figure("Tokens", COUNT, ({ total_tokens }) => total_tokens),
  COST,
  ERRORS,
  ERROR_RATE,
  ...times("response_time_ms"),
];

/** What each agent answered, how fast, how often wrong, at what cost. */
export default function Agents() {
  const view = useView();
  const query = { ...view.window, ...view.agents, ...view.models, ...view.members };
  const report = useReport("/api/v1/analytics/agents", query);
  const empty = ({ agents }: { agents: readonly Agent[] }) => (agents.length === 0 ? NOBODY : null);
  const only = (name: string) => view.edit(withPicked("agent", [name]));
  return (
    <div className="grid">
      <Panel title="Answers" className="half" report={report} height={290} empty={empty}>
        {({ agents }) => (
          <BarList
            columns={["Agent", "Answers"]}
            format={COUNT}
            bars={agents.map(({ name, usage_count }) => ({ name, value: usage_count }))}
            onPick={only}
          />
        )}
      </Panel>
      <Panel title="Slowest" note="95 of 100 answers came within this time." className="half" report={report} height={290} empty={empty}>
        {({ agents }) => <BarList columns={["Agent", "p95"]} format={DURATION} bars={ranked(agents, (agent) => ({ name: agent.name, value: agent.p95_response_time_ms }))} onPick={only} />}
      </Panel>
      <Panel title="Agents" note="Assistant messages alone; unknown are those that name no agent." kind="table" report={report} height={280} empty={empty}>
        {({ agents }) => <DataTable columns={COLUMNS} rows={agents} keyOf={({ name }) => name} />}
      </Panel>
    </div>
  );
}

const NOBODY = "No agent answered in this window.";
