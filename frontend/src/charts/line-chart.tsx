import { useMemo } from "react";

import { dayShort } from "../format/days";
import { SheetTable, usePanel } from "../parts/sheet";
import { DayTip, Legend } from "./daily";
import { path, round } from "./line";
import { Plot } from "./plot";
import { labelled, upTo } from "./scales";
import { colourOf, type DailyProps, sheetOf } from "./series";

const ROOM = 72;

/** Values day by day, which need not add up. Lives in a <Panel>. */
export function LineChart({ days, series, format, whole = true }: DailyProps) {
  const sheet = useMemo(() => sheetOf({ days, series, format }), [days, series, format]);
  const { asTable, title, height } = usePanel(sheet);
  const most = useMemo(() => Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0))), [series]);
  if (asTable) return <SheetTable sheet={sheet} title={title} height={height} />;
  const x = (i: number, width: number) => (days.length < 2 ? width / 2 : (i / (days.length - 1)) * width);
  return (
    <div>
      <Legend series={series} />
      <Plot
        label={`${title}: ${series.map(({ name }) => name).join(", ")}`}
        height={height - (series.length > 1 ? 26 : 0)}
        places={days.length}
        below={(i) => dayShort(days[i] as string)}
        labels={(width) => labelled(days.length, width, ROOM)}
        scale={(tall) => upTo(most, tall, whole)}
        tick={format.short}
        x={x}
        marks={({ width }, y) =>
          series.map(({ name, values }, at) => (
            <path key={name} className="plot-line" stroke={colourOf(at)} d={path(values, (i) => x(i, width), y)} />
          ))
        }
        over={(place, area, y) => (
          <>
            <line className="plot-cursor" x1={x(place, area.width)} x2={x(place, area.width)} y2={area.height} />
            {series.map(({ name, values }, at) => {
              const value = values[place] ?? null;
              if (value === null) return null;
              return <circle key={name} className="plot-dot" r={4.5} cx={round(x(place, area.width))} cy={round(y(value))} fill={colourOf(at)} />;
            })}
          </>
        )}
        tip={(place) => <DayTip day={days[place] as string} series={series} place={place} format={format} />}
      />
    </div>
  );
}
