import "./escalations.css";

import { useMemo } from "react";
import { useSearchParams } from "wouter";

import type { components } from "../api/schema";
import { Histogram } from "../charts/histogram";
import { LineChart } from "../charts/line-chart";
import { COUNT, SECONDS } from "../format/numbers";
import { Card } from "../parts/card";
import { Choice } from "../parts/choice";
import { figure } from "../parts/columns";
import { Panel } from "../parts/panel";
import { Failure, Skeleton } from "../parts/states";
import { type Column, DataTable } from "../parts/table";
import { type Report, useReport } from "../reports/useReport";
import { useView } from "../view/useView";

type Escalations = components["schemas"]["EscalationReport"];
type Period = Escalations["period"];
type Reaction = Omit<Escalations["by_intent"][number], "intent">;

const PERIODS: readonly (readonly [Period, string])[] = [
  ["7d", "Last 7 days"],
  ["30d", "Last 30 days"],
  ["90d", "Last 90 days"],
];
const DEFAULT: Period = "30d";
const HEIGHT = 230;
const FIRST = "From the claim to the first step after it.";
const LONGER = "Choose a longer period.";

/** How soon people acted on what agents handed over. */
export default function EscalationsPage() {
  const { zone } = useView();
  const [period, setPeriod] = usePeriod();
  const report = useReport("/api/v1/analytics/flowpilot/escalations", { period, ...(zone !== null && { timezone: zone }) });
  const panel = { report, height: HEIGHT, empty, advice: LONGER };
  const acted = { ...panel, empty: nobodyActed };
  return (
    <div className="grid">
      <div className="doing period">
        <Choice label="Period" options={PERIODS} value={period} onChoose={setPeriod} />
        <p className="soft">Counted back from this moment, so that the first day is a part of one.</p>
      </div>
      <Numbers report={report} />
      <Panel title="Time to first action" note="How many of the claimed handoffs saw their first action this soon." className="half" {...acted}>
        {({ distribution }) => <Distribution bins={distribution} />}
      </Panel>
      <Panel title="Median time to first action per day" note="By the day of the claim; a gap where nobody acted." className="half" {...acted}>
        {({ daily }) => <Medians daily={daily} />}
      </Panel>
      <Panel title="Handoffs per day" note="Handed over that day; claimed that day, and those of them with a later action." {...panel}>
        {({ daily }) => <Daily daily={daily} />}
      </Panel>
      <Panel title="By intent" note="Claimed in the period." kind="table" className="half" {...panel} empty={unclaimed}>
        {({ by_intent }) => <DataTable columns={BY_INTENT} rows={by_intent} keyOf={({ intent }) => intent} />}
      </Panel>
      <Panel title="By priority" note="Claimed in the period." kind="table" className="half" {...panel} empty={unclaimed}>
        {({ by_priority }) => <DataTable columns={BY_PRIORITY} rows={by_priority} keyOf={({ priority }) => priority} />}
      </Panel>
    </div>
  );
}

/** In the address, where another period than the usual is looked at. */
function usePeriod(): [Period, (period: Period) => void] {
  const [search, setSearch] = useSearchParams();
  const period = PERIODS.find(([one]) => one === search.get("period"))?.[0] ?? DEFAULT;
  const set = (next: Period) =>
    setSearch((before) => {
      const after = new URLSearchParams(before);
      if (next === DEFAULT) after.delete("period");
      else after.set("period", next);
      return after;
    });
  return [period, set];
}

/** The numbers, of whom they are, and what they measure. */
function Numbers({ report: { data, error, isPrevious, refresh } }: { report: Report<Escalations> }) {
  if (data === undefined && error !== null) return <Failure error={error} retry={refresh} />;
  const plain = { format: SECONDS, days: null };
  return (
    <>
      <div className="cards" data-previous={isPrevious}>
        <Card title="Average to action" note={FIRST} {...plain} value={data?.avg_seconds_to_first_action} />
        <Card title="Median to action" note={FIRST} {...plain} value={data?.median_seconds_to_first_action} />
        <Card title="p95 to action" note={`${FIRST} Nearest-rank.`} {...plain} value={data?.p95_seconds_to_first_action} />
        <Card title="Median to claim" note="Of those claimed in the period." {...plain} value={data?.median_seconds_to_claim} />
        <Card title="p95 to claim" note="Of those claimed in the period." {...plain} value={data?.p95_seconds_to_claim} />
        <Card title="Unclaimed" note="Handed over in the period, claimed by nobody yet." format={COUNT} days={null} value={data?.n_unclaimed} />
      </div>
      <section className="panel definition" aria-label="What is measured">
        {data === undefined ? <Skeleton height={72} /> : <Population data={data} />}
      </section>
    </>
  );
}

function Population({ data }: { data: Escalations }) {
  const counts = [
    ["Claimed in the period", data.n_handoffs_claimed],
    ["of these with a later action", data.n_handoffs_with_action],
    ["Handed over in the period", data.n_handoffs_total],
    ["of these unclaimed", data.n_unclaimed],
  ] as const;
  return (
    <>
      <dl>
        {counts.map(([name, n]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="number">{COUNT.exact(n)}</dd>
          </div>
        ))}
      </dl>
      <p className="soft">{data.metric_definition}</p>
    </>
  );
}

function Distribution({ bins }: { bins: Escalations["distribution"] }) {
  const labelled = useMemo(() => bins.map((bin) => ({ label: labelOf(bin), count: bin.n_handoffs, from: bin.from_seconds, below: bin.below_seconds })), [bins]);
  return <Histogram columns={["Time to first action", "Handoffs"]} bins={labelled} unit="s" />;
}

function labelOf({ from_seconds: low, below_seconds: high }: Escalations["distribution"][number]): string {
  if (low === 0 && high !== null) return `< ${SECONDS.short(high)}`;
  return high === null ? `≥ ${SECONDS.short(low)}` : `${SECONDS.short(low)}–${SECONDS.short(high)}`;
}

function Medians({ daily }: { daily: Escalations["daily"] }) {
  const days = useMemo(() => daily.map(({ date }) => date), [daily]);
  const series = useMemo(() => [{ name: "Median", values: daily.map((day) => day.median_seconds_to_first_action) }], [daily]);
  return <LineChart days={days} series={series} format={SECONDS} />;
}

function Daily({ daily }: { daily: Escalations["daily"] }) {
  const days = useMemo(() => daily.map(({ date }) => date), [daily]);
  const series = useMemo(
    () => [
      { name: "Handed over", values: daily.map((day) => day.n_handoffs_total) },
      { name: "Claimed", values: daily.map((day) => day.n_handoffs_claimed) },
      { name: "Acted on", values: daily.map((day) => day.n_handoffs_with_action) },
    ],
    [daily],
  );
  return <LineChart days={days} series={series} format={COUNT} />;
}

const REACTION: readonly Column<Reaction>[] = [
  figure("Claimed", COUNT, (row) => row.n_handoffs_claimed),
  figure("Acted on", COUNT, (row) => row.n_handoffs_with_action),
  figure("Average", SECONDS, (row) => row.avg_seconds_to_first_action),
  figure("Median", SECONDS, (row) => row.median_seconds_to_first_action),
  figure("p95", SECONDS, (row) => row.p95_seconds_to_first_action),
];
const BY_INTENT: readonly Column<Escalations["by_intent"][number]>[] = [{ name: "Intent", value: ({ intent }) => intent }, ...REACTION];
const BY_PRIORITY: readonly Column<Escalations["by_priority"][number]>[] = [
  { name: "Priority", value: ({ priority }) => priority },
  ...REACTION,
];

function empty({ n_handoffs_total, n_handoffs_claimed }: Escalations): string | null {
  return n_handoffs_total + n_handoffs_claimed === 0 ? "Nothing was handed over in this period." : null;
}

function unclaimed(data: Escalations): string | null {
  return empty(data) ?? (data.n_handoffs_claimed === 0 ? "Nobody claimed a handoff in this period." : null);
}

function nobodyActed(data: Escalations): string | null {
  return unclaimed(data) ?? (data.n_handoffs_with_action === 0 ? "No action followed a claim in this period." : null);
}
