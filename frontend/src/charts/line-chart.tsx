import { useMemo } from "react";

import { SheetTable, usePanel } from "../parts/sheet";
import { DayTip, Legend } from "./daily";
import { alone, path, round } from "./line";
import { Plot } from "./plot";
import { colourOf, type DailyProps, framed, sheetOf } from "./series";

/** Values day by day, which need not add up. Lives in a <Panel>. */
export function LineChart({ days, series, format }: DailyProps) {
  const sheet = useMemo(() => sheetOf({ days, series, format }), [days, series, format]);
  const panel = usePanel(sheet);
  const most = useMemo(() => Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0))), [series]);
  if (panel.asTable) return <SheetTable sheet={sheet} title={panel.title} height={panel.height} />;
  const x = (i: number, width: number) => (days.length < 2 ? width / 2 : (i / (days.length - 1)) * width);
  return (
    <div>
      <Legend series={series} />
      <Plot
        {...framed({ days, series, format }, panel, most)}
        x={x}
        marks={({ width }, y) =>
          series.map(({ name, values }, at) => (
            <g key={name}>
              <path className="plot-line" stroke={colourOf(at)} d={path(values, (i) => x(i, width), y)} />
              {alone(values).map((i) => (
                <circle key={i} className="plot-alone" r={3.5} cx={round(x(i, width))} cy={round(y(values[i] ?? 0))} fill={colourOf(at)} />
              ))}
            </g>
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
