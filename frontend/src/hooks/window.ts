const MINUTE = 60_000;

/**
 * Instants for the API, on whole minutes: a component that says `new Date()` in its body says another instant on each
 * render, and must not ask again each time. A start goes back to its minute's first millisecond, an end on to its last.
 */
export function startInstant(date: Date | undefined): string | undefined {
  return date && instant(Math.floor(date.getTime() / MINUTE) * MINUTE);
}

/** An end on the full minute stays: midnight must not bring a minute of the next day. */
export function endInstant(date: Date | undefined): string | undefined {
  return date && instant(Math.ceil(date.getTime() / MINUTE) * MINUTE - (date.getTime() % MINUTE === 0 ? 0 : 1));
}

/** What is no date is said as such, so that the API's sentence about it reaches the reader. */
function instant(time: number): string {
  return Number.isNaN(time) ? "Invalid Date" : new Date(time).toISOString();
}
