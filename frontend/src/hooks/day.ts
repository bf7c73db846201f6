// "2026-05-03" is a square of a calendar, not an instant: read as one, it would be May 2 west of Greenwich.
const LABEL = new Intl.DateTimeFormat("en-US", { month: "short", day: "numeric", timeZone: "UTC" });

/** "2026-05-03" → "May 3", wherever the reader is. */
export function dayLabel(day: string): string {
  const [year, month, date] = day.split("-").map(Number) as [number, number, number];
  return LABEL.format(Date.UTC(year, month - 1, date));
}
