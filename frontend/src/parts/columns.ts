/** Columns and bars that several reports have alike. */
import type { Bar } from "../charts/bar-list";
import { COUNT, DOLLARS, DURATION, type Format, PERCENT, usd } from "../format/numbers";
import type { Column } from "./table";

const TIMES = [
  ["avg", "Average time"],
  ["p50", "p50"],
  ["p95", "p95"],
  ["p99", "p99"],
] as const;
type Timed<Noun extends string> = { [Key in `${(typeof TIMES)[number][0]}_${Noun}`]: number | null };

/** Average and percentiles, such as avg_response_time_ms. */
export function times<Noun extends string>(noun: Noun): Column<Timed<Noun>>[] {
  return TIMES.map(([which, name]) => figure(name, DURATION, (row) => row[`${which}_${noun}`]));
}

/** A column of numbers, all written alike. */
export function figure<Row>(name: string, format: Format, value: (row: Row) => number | null): Column<Row> {
  return { name, value, format };
}

export const COST = figure("Cost", DOLLARS, (row: { cost_usd: string | null }) => usd(row.cost_usd));
export const ERRORS = figure("Errors", COUNT, (row: { error_count: number }) => row.error_count);
export const ERROR_RATE = figure("Error rate", PERCENT, (row: { error_rate: number }) => row.error_rate);

/** The largest first; what is not known, or nothing, has no bar. */
export function ranked<Row>(rows: readonly Row[], bar: (row: Row) => Omit<Bar, "value"> & { value: number | null }): Bar[] {
  return rows
    .map(bar)
    .filter((one): one is Bar => one.value !== null && one.value > 0)
    .sort((a, b) => b.value - a.value);
}

export function sum<Row>(rows: readonly Row[], value: (row: Row) => number | null): number {
  return rows.reduce((total, row) => total + (value(row) ?? 0), 0);
}

/** Dollars of all lines together; not known where nothing used has a price. */
export function cost(rows: readonly { cost_usd: string | null }[]): number | null {
  return rows.length > 0 && rows.every(({ cost_usd }) => cost_usd === null) ? null : sum(rows, ({ cost_usd }) => usd(cost_usd));
}

export function percentage(part: number, whole: number): number | null {
  return whole === 0 ? null : (part / whole) * 100;
}
