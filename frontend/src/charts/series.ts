import { dayLong } from "../format/days";
import type { Format } from "../format/numbers";
import type { Sheet } from "../parts/sheet";

/** One value for each day. */
export interface Series {
  name: string;
  values: readonly (number | null)[];
}

export interface DailyProps {
  /** "2026-05-03", ascending. */
  days: readonly string[];
  /** Up to eight. */
  series: readonly Series[];
  format: Format;
  /** Counted in ones; false for money and times. */
  whole?: boolean;
}

export function colourOf(at: number): string {
  return `var(--series-${(at % 8) + 1})`;
}

export function sheetOf({ days, series, format }: DailyProps): Sheet {
  return {
    columns: ["Day", ...series.map(({ name }) => name)],
    rows: days.map((day, i) => [day, ...series.map(({ values }) => values[i] ?? null)]),
    write: (cell) => (typeof cell === "string" ? dayLong(cell) : format.exact(cell)),
  };
}
