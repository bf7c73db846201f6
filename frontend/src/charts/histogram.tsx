import { useMemo } from "react";

import { COUNT } from "../format/numbers";
import { type Sheet, SheetTable, usePanel } from "../parts/sheet";
import { round } from "./line";
import { Plot } from "./plot";
import { labelled, upTo } from "./scales";

export interface Bin {
  /** Such as "1–5 min". */
  label: string;
  count: number;
  /** Its bounds as numbers; `below` is null for the last. */
  from: number;
  below: number | null;
}

interface HistogramProps {
  /** Of the label and of the count, such as ["Time to first action", "Escalations"]. */
  columns: readonly [string, string];
  bins: readonly Bin[];
  /** Of the bounds, such as "s". */
  unit: string;
}

const ROOM = 64;

/** How often a value fell where. Lives in a <Panel>. */
export function Histogram({ columns, bins, unit }: HistogramProps) {
  const [first, second] = columns;
  const sheet = useMemo<Sheet>(
    () => ({
      columns: [first, second],
      rows: bins.map(({ label, count }) => [label, count]),
      write: (cell) => (typeof cell === "number" ? COUNT.exact(cell) : (cell ?? "")),
      plain: {
        columns: [`${first}, from`, `${first}, below`, second],
        units: [unit, unit, null],
        rows: bins.map(({ from, below, count }) => [from, below, count]),
      },
    }),
    [first, second, bins, unit],
  );
  const { asTable, title, height } = usePanel(sheet);
  if (asTable) return <SheetTable sheet={sheet} title={title} height={height} />;
  const room = (width: number) => width / Math.max(1, bins.length);
  return (
    <Plot
      label={`${title}: ${second} by ${first.toLowerCase()}`}
      height={height}
      places={bins.length}
      below={(i) => bins[i]?.label ?? null}
      labels={(width) => labelled(bins.length, width, ROOM)}
      scale={(tall) => upTo(Math.max(0, ...bins.map(({ count }) => count)), tall, "whole")}
      tick={COUNT.short}
      x={(i, width) => (i + 0.5) * room(width)}
      marks={(area, y) =>
        bins.map(({ label, count }, i) => (
          <rect
            key={label}
            fill="var(--series-1)"
            x={round(i * room(area.width) + 1)}
            width={round(Math.max(1, room(area.width) - 2))}
            y={round(y(count))}
            height={round(area.height - y(count))}
          />
        ))
      }
      over={(place, area) => (
        <rect className="plot-shade" x={place * room(area.width)} width={room(area.width)} height={area.height} />
      )}
      tip={(place) => (
        <>
          <span className="tip-title">{bins[place]?.label}</span>
          <span className="tip-line">
            <span>{second}</span> <span>{COUNT.exact(bins[place]?.count ?? null)}</span>
          </span>
        </>
      )}
    />
  );
}
