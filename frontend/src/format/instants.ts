const SECOND = 1000;
const UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400 * SECOND],
  ["h", 3600 * SECOND],
  ["min", 60 * SECOND],
];
const NUMBER = new Intl.NumberFormat(undefined);

/** "Nov 21, 2026, 2:05 PM GMT+1": an instant in a zone, which it names. */
export function instant(at: string | number, zone: string): string {
  return written(at, { year: "numeric", month: "short", day: "numeric", timeZone: zone });
}

/** "Nov 21, 2026, 2:05:07 PM GMT+1": where what follows each other lies within a minute. */
export function moment(at: string | number, zone: string): string {
  return written(at, { year: "numeric", month: "short", day: "numeric", second: "2-digit", timeZone: zone });
}

/** "2:05 PM GMT+1". */
export function clock(at: string | number, zone: string): string {
  return written(at, { timeZone: zone });
}

function written(at: string | number, more: Intl.DateTimeFormatOptions): string {
  const options = { hour: "numeric", minute: "2-digit", timeZoneName: "short", ...more } as const;
  return new Intl.DateTimeFormat(undefined, options).format(new Date(at));
}

/** "3 min ago", in English as the sentences around it, the number as the reader writes it; under a minute "just now". */
export function ago(at: string | number, now = Date.now()): string {
  const past = now - new Date(at).getTime();
  const unit = UNITS.find(([, length]) => past >= length);
  return unit === undefined ? "just now" : `${NUMBER.format(Math.floor(past / unit[1]))} ${unit[0]} ago`;
}

/** The instant at which a day begins in a zone. */
export function dayBegins(day: string, zone: string): string {
  const there = Date.parse(`${day}T00:00:00Z`);
  // Where clocks change that day, the first answer may be that of the other side.
  const near = there - offset(there, zone);
  return new Date(there - offset(near, zone)).toISOString();
}

function offset(at: number, zone: string): number {
  const parts = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" }).formatToParts(at);
  const said = /([+-])(\d\d):(\d\d)/.exec(parts.find(({ type }) => type === "timeZoneName")?.value ?? "");
  if (said === null) return 0;
  const ms = (Number(said[2]) * 60 + Number(said[3])) * 60 * SECOND;
  return said[1] === "-" ? -ms : ms;
}
