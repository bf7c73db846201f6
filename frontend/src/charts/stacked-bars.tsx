import { useMemo } from "react";

import { SheetTable, usePanel } from "../parts/sheet";
import { DayTip, Legend } from "./daily";
import { round } from "./line";
import { type Area, Plot } from "./plot";
import type { Scale } from "./scales";
import { colourOf, type DailyProps, framed, type Series, sheetOf } from "./series";

const GAP = 0.2;

/** Parts that add up, day by day; one series makes plain bars. Lives in a <Panel>. */
export function StackedBars({ days, series, format }: DailyProps) {
  const sheet = useMemo(() => sheetOf({ days, series, format }), [days, series, format]);
  const panel = usePanel(sheet);
  const most = useMemo(() => highest(days.length, series), [days, series]);
  if (panel.asTable) return <SheetTable sheet={sheet} title={panel.title} height={panel.height} />;
  const room = (width: number) => width / Math.max(1, days.length);
  return (
    <div>
      <Legend series={series} />
      <Plot
        {...framed({ days, series, format }, panel, most)}
        x={(i, width) => (i + 0.5) * room(width)}
        marks={(area, y) =>
          bars(days.length, series, area, y).map((d, at) => <path key={series[at]?.name} fill={colourOf(at)} d={d} />)
        }
        over={(place, area) => (
          <rect className="plot-shade" x={place * room(area.width)} width={room(area.width)} height={area.height} />
        )}
        tip={(place) => <DayTip day={days[place] as string} series={series} place={place} format={format} total />}
      />
    </div>
  );
}

function highest(n: number, series: readonly Series[]): number {
  let most = 0;
  for (let i = 0; i < n; i += 1) most = Math.max(most, series.reduce((sum, { values }) => sum + (values[i] ?? 0), 0));
  return most;
}

/** One path a series: 3,200 rectangles of their own would be felt under the pointer. */
function bars(n: number, series: readonly Series[], { width, height }: Area, y: Scale): string[] {
  const room = width / Math.max(1, n);
  const wide = round(Math.max(room * (1 - GAP), Math.min(room, 1)));
  const below = new Array<number>(n).fill(0);
  return series.map(({ values }) => {
    const drawn: string[] = [];
    for (let i = 0; i < n; i += 1) {
      const value = values[i] ?? 0;
      if (value <= 0) continue;
      const base = below[i] ?? 0;
      below[i] = base + value;
      const top = round(y(base + value));
      const foot = Math.min(height, round(y(base)));
      drawn.push(`M${round(i * room + (room - wide) / 2)} ${foot}V${top}h${wide}V${foot}Z`);
    }
    return drawn.join("");
  });
}
