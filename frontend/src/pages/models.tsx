import { useMemo } from "react";

import type { components } from "../api/schema";
import { BarList } from "../charts/bar-list";
import { COUNT, DOLLARS, DURATION, PERCENT, usd } from "../format/numbers";
import { Card } from "../parts/card";
import { cost, COST, ERROR_RATE, ERRORS, figure, percentage, ranked, sum, times } from "../parts/columns";
import { Panel } from "../parts/panel";
import { Pick } from "../parts/pick";
import { type Column, DataTable } from "../parts/table";
import { type Report, useReport } from "../reports/useReport";
import { useView } from "../view/useView";
import { withPicked } from "../view/view";

type Model = components["schemas"]["ModelUsage"];
type Models = components["schemas"]["ModelReport"];

const HEIGHT = 290;

/** Which models were used, how fast, how often wrong, at what cost. */
export default function ModelsPage() {
  const { edit, ...view } = useView();
  const query = { ...view.window, ...view.agents, ...view.models, ...view.members };
  const report = useReport("/api/v1/analytics/models", { ...query, compare: "previous" });
  const only = useMemo(() => (id: string) => edit(withPicked("model", [id])), [edit]);
  const columns = useMemo(() => columnsFor(only), [only]);
  const half = { className: "half", report, height: HEIGHT, empty };
  return (
    <div className="grid">
      {report.data !== undefined || report.error === null ? <Cards report={report} /> : null}
      <Panel title="Tokens and cost" note="Tokens of each model, and what they cost." {...half}>
        {({ models }) => <BarList columns={["Model", "Tokens", "Cost"]} format={COUNT} noteFormat={DOLLARS} bars={ranked(models, byTokens)} onPick={only} />}
      </Panel>
      <Panel title="Slowest" note="95 of 100 of a model's messages took at most this long." {...half}>
        {({ models }) => <BarList columns={["Model", "p95"]} format={DURATION} bars={ranked(models, byTime)} onPick={only} />}
      </Panel>
      <Panel title="Models" note="Messages of any role that name a model." kind="table" report={report} height={280} empty={empty}>
        {({ models }) => <DataTable columns={columns} rows={models} keyOf={({ model_id }) => model_id} />}
      </Panel>
    </div>
  );
}

function Cards({ report: { data, isPrevious } }: { report: Report<Models> }) {
  const models = data?.models;
  return (
    <div className="cards" data-previous={isPrevious}>
      <Card
        title="Messages"
        note="That name a model."
        format={COUNT}
        value={data?.total_usage}
        before={data?.previous?.total_usage}
        days={null}
      />
      <Card title="Tokens" format={COUNT} value={models && sum(models, ({ total_tokens }) => total_tokens)} days={null} />
      <Card title="Cost" note="Of the models whose price is known." format={DOLLARS} value={models && cost(models)} days={null} />
      <Card
        title="Error rate"
        note="Of all these messages."
        format={PERCENT}
        value={data && models && percentage(sum(models, ({ error_count }) => error_count), data.total_usage)}
        days={null}
      />
    </div>
  );
}

function columnsFor(only: (id: string) => void): Column<Model>[] {
  return [
    {
      name: "Model",
      value: ({ model_name }) => model_name,
      show: ({ model_name, model_id }) => <Pick className="clipped" name={model_name} onPick={() => only(model_id)} />,
    },
    { name: "Id", value: ({ model_id }) => model_id },
    figure("Messages", COUNT, ({ usage_count }) => usage_count),
    figure("Tokens", COUNT, ({ total_tokens }) => total_tokens),
    COST,
    ERRORS,
    ERROR_RATE,
    ...times("response_time_ms"),
  ];
}

const empty = ({ models }: Models) => (models.length === 0 ? "No message names a model in this window." : null);

function byTokens({ model_id, total_tokens, cost_usd }: Model) {
  return { name: model_id, value: total_tokens, note: usd(cost_usd) };
}

function byTime({ model_id, p95_response_time_ms }: Model) {
  return { name: model_id, value: p95_response_time_ms };
}
