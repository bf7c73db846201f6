/** Days are squares of a calendar, "2026-05-03": counted in UTC, where none is longer than another. */
const DAY_MS = 86_400_000;

export function today(zone: string, now = new Date()): string {
  // Swedish is written as ISO 8601 is.
  return new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" }).format(now);
}

export function daysLater(day: string, n: number): string {
  return new Date(time(day) + n * DAY_MS).toISOString().slice(0, 10);
}

/** How many days from one to the other, both included. */
export function span(from: string, to: string): number {
  return Math.round((time(to) - time(from)) / DAY_MS) + 1;
}

export function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(time(text)) && daysLater(text, 0) === text;
}

const SHORT = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", timeZone: "UTC" });
const DATED = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric", timeZone: "UTC" });
const LONG = new Intl.DateTimeFormat(undefined, {
  weekday: "short",
  year: "numeric",
  month: "short",
  day: "numeric",
  timeZone: "UTC",
});

/** "May 3" as the reader writes it. */
export function dayShort(day: string): string {
  return SHORT.format(time(day));
}

/** Whether the same day of two years may be among them. */
export function isLong(days: readonly string[]): boolean {
  return days[0]?.slice(0, 4) !== days.at(-1)?.slice(0, 4);
}

/** A day as an axis names it: with its year where there is more than one. */
export function dayOnAxis(day: string, days: readonly string[]): string {
  return (isLong(days) ? DATED : SHORT).format(time(day));
}

/** "Sun, May 3, 2026" as the reader writes it. */
export function dayLong(day: string): string {
  return LONG.format(time(day));
}

/** "Oct 23 – Nov 21" as the reader writes it, with years where it is not all of the year of `now`. */
export function days(from: string, to: string, now: string): string {
  const isThisYear = [from, to].every((day) => day.slice(0, 4) === now.slice(0, 4));
  return isThisYear ? SHORT.formatRange(time(from), time(to)) : dated(from, to);
}

/** "Oct 23 – Nov 21, 2026" as the reader writes it. */
export function dated(from: string, to: string): string {
  return DATED.formatRange(time(from), time(to));
}

function time(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}
