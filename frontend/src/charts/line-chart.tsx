import { useMemo } from "react";

import { dayOnAxis } from "../format/days";
import { SheetTable, usePanel } from "../parts/sheet";
import { DayTip, Legend } from "./daily";
import { alone, path, round } from "./line";
import { Plot } from "./plot";
import { labelled, upTo } from "./scales";
import { colourOf, type DailyProps, kindOf, roomOf, sheetOf, tickOf } from "./series";

/** Values day by day, which need not add up. Lives in a <Panel>. */
export function LineChart({ days, series, format }: DailyProps) {
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
        below={(i) => dayOnAxis(days[i] as string, days)}
        labels={(width) => labelled(days.length, width, roomOf(days))}
        scale={(tall) => upTo(most, tall, kindOf(format))}
        tick={tickOf(format)}
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
