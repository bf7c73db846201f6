import { useMemo } from "react";
import { useSearchParams } from "wouter";

import type { components } from "../../api/schema";
import { StackedBars } from "../../charts/stacked-bars";
import { instant } from "../../format/instants";
import { COUNT, DOLLARS, usd } from "../../format/numbers";
import { Card } from "../../parts/card";
import { Choice } from "../../parts/choice";
import { COST, figure } from "../../parts/columns";
import { Panel } from "../../parts/panel";
import { Failure } from "../../parts/states";
import { type Column, DataTable } from "../../parts/table";
import { type Report, useReport } from "../../reports/useReport";
import { useMay } from "../../session/current";
import { useView } from "../../view/useView";
import { SESSION } from "../sessions/listed";

type Own = components["schemas"]["OwnTokens"];
type Classes = Pick<components["schemas"]["TokenDay"], "input" | "output" | "cache_read" | "cache_creation" | "total">;
type ModelTokens = components["schemas"]["ModelTokens"];
type TopSession = components["schemas"]["TopSession"];

const DAYS = [
  [7, "7 days"],
  [30, "30 days"],
  [90, "90 days"],
  [365, "A year"],
] as const;
const DEFAULT = 30;

/** One's tokens: day by day, and since ever by model and by session. */
export function Tokens() {
  const [days, setDays] = useDays();
  const { inZone } = useView();
  const isOpen = useMay("engineer");
  const report = useReport("/api/v1/me/stats/tokens", { days });
  const tops = useMemo(() => topColumns(inZone, isOpen), [inZone, isOpen]);
  const empty = ({ totals }: Own) => (totals.total === 0 ? "No tokens of yours are on record yet." : null);
  const advice = "They are counted from the session logs you send and from what your programs report.";
  return (
    <div className="grid">
      <Totals report={report} />
      <Choice label="Days" options={DAYS} value={days} onChoose={setDays} />
      <Panel
        title="My tokens per day"
        note={`Days of the account's zone${report.data ? `, ${report.data.timezone}` : ""}.`}
        report={report}
        height={250}
        empty={(data) => empty(data) ?? (data.daily.every(({ total }) => total === 0) ? "No tokens of yours in these days." : null)}
        advice="Choose more days."
      >
        {(data) => <Daily data={data} />}
      </Panel>
      <Panel title="By model" note="Since ever." kind="table" report={report} height={240} empty={empty} advice={advice}>
        {({ by_model }) => <DataTable columns={BY_MODEL} rows={by_model} keyOf={({ model }) => model} />}
      </Panel>
      <Panel title="Largest sessions" note="Since ever." kind="table" report={report} height={240} empty={empty} advice={advice}>
        {({ top_sessions }) => <DataTable columns={tops} rows={top_sessions} keyOf={({ session_id }) => session_id} />}
      </Panel>
    </div>
  );
}

/** In the address, as ?days=…; anything else than these counts as not said. */
function useDays(): [(typeof DAYS)[number][0], (days: number) => void] {
  const [search, setSearch] = useSearchParams();
  const said = DAYS.find(([days]) => String(days) === search.get("days"))?.[0] ?? DEFAULT;
  const choose = (days: number) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      if (days === DEFAULT) next.delete("days");
      else next.set("days", String(days));
      return next;
    });
  return [said, choose];
}

function Totals({ report: { data, error, isPrevious, refresh } }: { report: Report<Own> }) {
  if (data === undefined && error !== null) return <Failure error={error} retry={refresh} />;
  const unpriced = data?.totals.unpriced_messages ?? 0;
  const lacking = unpriced === 0 ? "" : ` ${COUNT.exact(unpriced)} messages have no known price and are not in it.`;
  return (
    <div className="cards" data-previous={isPrevious}>
      <Card title="Sessions, since ever" format={COUNT} value={data?.totals.sessions} days={null} />
      <Card title="Tokens, since ever" format={COUNT} value={data?.totals.total} days={null} />
      <Card title="Of those, from the cache" format={COUNT} value={data?.totals.cache_read} days={null} />
      <Card title="Cost, since ever" note={`In US dollars.${lacking}`} format={DOLLARS} value={data && usd(data.totals.cost_usd)} days={null} />
    </div>
  );
}

function Daily({ data: { daily } }: { data: Own }) {
  const days = useMemo(() => daily.map(({ day }) => day), [daily]);
  const series = useMemo(
    () => [
      { name: "Cache read", values: daily.map((day) => day.cache_read) },
      { name: "Cache creation", values: daily.map((day) => day.cache_creation) },
      { name: "Input", values: daily.map((day) => day.input) },
      { name: "Output", values: daily.map((day) => day.output) },
    ],
    [daily],
  );
  return <StackedBars days={days} series={series} format={COUNT} />;
}

const CLASSES: readonly Column<Classes>[] = [
  figure("Tokens", COUNT, ({ total }) => total),
  figure("Input", COUNT, ({ input }) => input),
  figure("Output", COUNT, ({ output }) => output),
  figure("Cache read", COUNT, ({ cache_read }) => cache_read),
  figure("Cache creation", COUNT, ({ cache_creation }) => cache_creation),
];
const BY_MODEL: readonly Column<ModelTokens>[] = [
  { name: "Model", value: ({ model }) => model },
  figure("Messages", COUNT, ({ messages }) => messages),
  ...CLASSES,
  COST,
];

/** `isOpen`: sessions' own pages are for engineers. */
function topColumns(zone: string, isOpen: boolean): Column<TopSession>[] {
  const { show, ...named } = SESSION;
  return [
    isOpen ? SESSION : named,
    { name: "Begun", value: ({ started_at }) => started_at, text: ({ started_at }) => instant(started_at, zone) },
    ...CLASSES,
    COST,
    { name: "Main model", value: ({ primary_model }) => primary_model },
  ];
}
