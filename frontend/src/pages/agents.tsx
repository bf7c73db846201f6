import type { components } from "../api/schema";
import { BarList } from "../charts/bar-list";
import { COUNT, DOLLARS, DURATION, PERCENT, usd } from "../format/numbers";
import { Panel } from "../parts/panel";
import { type Column, DataTable } from "../parts/table";
import { useReport } from "../reports/useReport";
import { useView } from "../view/useView";
import { withPicked } from "../view/view";

type Agent = components["schemas"]["AgentUsage"];

const COLUMNS: readonly Column<Agent>[] = [
  { name: "Agent", value: ({ name }) => name },
  { name: "Answers", value: ({ usage_count }) => usage_count, text: (agent) => COUNT.exact(agent.usage_count) },
  { name: "Tokens", value: ({ total_tokens }) => total_tokens, text: (agent) => COUNT.exact(agent.total_tokens) },
  { name: "Cost", value: ({ cost_usd }) => usd(cost_usd), text: ({ cost_usd }) => DOLLARS.exact(usd(cost_usd)) },
  { name: "Errors", value: ({ error_count }) => error_count, text: (agent) => COUNT.exact(agent.error_count) },
  { name: "Error rate", value: ({ error_rate }) => error_rate, text: (agent) => PERCENT.exact(agent.error_rate) },
  ...(["avg", "p50", "p95", "p99"] as const).map(
    (which): Column<Agent> => ({
      name: which === "avg" ? "Average time" : which,
      value: (agent) => agent[`${which}_response_time_ms`],
      text: (agent) => DURATION.short(agent[`${which}_response_time_ms`]),
    }),
  ),
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
      <Panel title="Agents" note="Assistant messages alone; unknown are those that name no agent." kind="table" report={report} height={280} empty={empty}>
        {({ agents }) => <DataTable columns={COLUMNS} rows={agents} keyOf={({ name }) => name} />}
      </Panel>
      <Panel title="Answers" className="half" report={report} height={260} empty={empty}>
        {({ agents }) => (
          <BarList
            columns={["Agent", "Answers"]}
            format={COUNT}
            bars={agents.map(({ name, usage_count }) => ({ name, value: usage_count }))}
            onPick={only}
          />
        )}
      </Panel>
      <Panel title="Slowest" note="95 of 100 answers came within this time." className="half" report={report} height={260} empty={empty}>
        {({ agents }) => <BarList columns={["Agent", "p95"]} format={DURATION} bars={slowest(agents)} onPick={only} />}
      </Panel>
    </div>
  );
}

const NOBODY = "No agent answered in this window.";

function slowest(agents: readonly Agent[]) {
  return agents
    .flatMap(({ name, p95_response_time_ms: p95 }) => (p95 === null ? [] : [{ name, value: p95 }]))
    .sort((a, b) => b.value - a.value);
}
