import { dayLong } from "../format/days";
import type { Format } from "../format/numbers";
import { colourOf, type Series } from "./series";

export function Swatch({ at }: { at: number }) {
  return <i className="swatch" style={{ background: colourOf(at) }} aria-hidden="true" />;
}

/** Nothing for one series: the heading names it. */
export function Legend({ series }: { series: readonly Series[] }) {
  if (series.length < 2) return null;
  return (
    <ul className="legend">
      {series.map(({ name }, at) => (
        <li key={name}>
          <Swatch at={at} />
          {name}
        </li>
      ))}
    </ul>
  );
}

interface DayTipProps {
  day: string;
  series: readonly Series[];
  place: number;
  format: Format;
  /** Adds a line with the sum, for what adds up. */
  total?: boolean;
}

/** A day's exact values. */
export function DayTip({ day, series, place, format, total = false }: DayTipProps) {
  const values = series.map(({ values }) => values[place] ?? null);
  return (
    <>
      <span className="tip-title">{dayLong(day)}</span>
      {series.map(({ name }, at) => (
        <span className="tip-line" key={name}>
          <Swatch at={at} />
          <span>{name}</span> <span>{format.exact(values[at] ?? null)}</span>
        </span>
      ))}
      {total && series.length > 1 && (
        <span className="tip-line">
          <span>All</span> <span>{format.exact(values.reduce<number>((sum, value) => sum + (value ?? 0), 0))}</span>
        </span>
      )}
    </>
  );
}
