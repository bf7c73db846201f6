import { dayLong, dayOnAxis, isLong } from "../format/days";
import { COUNT, type Format } from "../format/numbers";
import type { Sheet } from "../parts/sheet";
import { type Kind, labelled, upTo } from "./scales";

/** Room, in pixels: of the line above the plot, and of a day's name on the axis. */
const LEGEND = 26;
const [SHORT_DAY, LONG_DAY] = [72, 104];

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
}

/** What the axis is divided by: clocks go by sixty, money has cents, all else comes in ones. */
export function kindOf({ unit }: Format): Kind {
  if (unit === "s" || unit === "ms") return { perSecond: unit === "s" ? 1 : 1000 };
  return unit === undefined ? "whole" : "any";
}

/** Ticks are written alike; nought needs no unit of time, which would be a smaller one than the others'. */
export function tickOf({ unit, short, among }: Format): (value: number, ticks: readonly number[]) => string {
  return (value, ticks) => {
    const isTime = unit === "s" || unit === "ms";
    if (isTime && value === 0) return COUNT.short(0);
    const isAlike = among !== undefined && (isTime || (ticks.at(-1) ?? 0) < 1000);
    return (isAlike ? among(ticks) : short)(value);
  };
}

export function colourOf(at: number): string {
  return `var(--series-${(at % 8) + 1})`;
}

export function sheetOf({ days, series, format }: DailyProps): Sheet {
  return {
    units: [null, ...series.map(() => format.unit ?? null)],
    columns: ["Day", ...series.map(({ name }) => name)],
    rows: days.map((day, i) => [day, ...series.map(({ values }) => values[i] ?? null)]),
    write: (cell) => (typeof cell === "string" ? dayLong(cell) : format.exact(cell)),
  };
}

/** The frame, the days along it and the values up to `most` beside it, whatever is drawn in between. */
export function framed({ days, series, format }: DailyProps, { title, height }: { title: string; height: number }, most: number) {
  return {
    label: `${title}: ${series.map(({ name }) => name).join(", ")}`,
    height: height - (series.length > 1 ? LEGEND : 0),
    places: days.length,
    below: (place: number) => dayOnAxis(days[place] as string, days),
    labels: (width: number) => labelled(days.length, width, isLong(days) ? LONG_DAY : SHORT_DAY),
    scale: (tall: number) => upTo(most, tall, kindOf(format)),
    tick: tickOf(format),
  };
}
