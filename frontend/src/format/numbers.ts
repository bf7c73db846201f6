/** How a kind of number is written: `exact` in tables and tooltips, `short` on axes and cards. Null is "–". */
export interface Format {
  exact: (value: number | null) => string;
  short: (value: number | null) => string;
  /** Shorter still, where little room is; default: `short`. */
  brief?: Written;
  /** What the plain number counts, for the heading of a file; left out where it counts things. */
  unit?: string;
  /** How all of a column are written alike, so that they can be compared at a glance; default: `exact`. */
  among?: (values: readonly (number | null)[]) => Written;
}

type Written = (value: number | null) => string;

export const NONE = "–";

function known(write: (value: number) => string): Written {
  return (value) => (value === null || Number.isNaN(value) ? NONE : write(value));
}

function plain(options?: Intl.NumberFormatOptions): Written {
  const format = new Intl.NumberFormat(undefined, options);
  return known((value) => format.format(value));
}

const whole = plain({ maximumFractionDigits: 2 });
const compact = plain({ notation: "compact", maximumSignificantDigits: 3 });

export const COUNT: Format = { exact: whole, short: known((n) => (Math.abs(n) < 100_000 ? whole(n) : compact(n))) };

const USD = { style: "currency", currency: "USD" } as const;
const cents = plain(USD);
const mills = plain({ ...USD, maximumFractionDigits: 6 });
const dollars = plain({ ...USD, notation: "compact", maximumSignificantDigits: 3 });

export const DOLLARS: Format = {
  exact: known((usd) => (Math.abs(usd) > 0 && Math.abs(usd) < 1 ? mills(usd) : cents(usd))),
  short: known((usd) => (Math.abs(usd) < 1000 ? cents(usd) : dollars(usd))),
  brief: known((usd) => (Math.abs(usd) < 100 ? cents(usd) : dollars(usd))),
  unit: "USD",
  among: (values) => plain({ ...USD, minimumFractionDigits: decimals(values), maximumFractionDigits: decimals(values) }),
};

/** Cents, unless something is less than one. */
function decimals(values: readonly (number | null)[]): number {
  const least = Math.min(...values.map((value) => Math.abs(value ?? 0) || 1));
  return least >= 0.01 ? 2 : least >= 0.0001 ? 4 : 6;
}

/** Of percentages as the API gives them: 3.25 is 3.25 %. */
const percents = plain({ style: "percent", maximumFractionDigits: 2 });
const percentShort = plain({ style: "percent", maximumFractionDigits: 1 });
export const PERCENT: Format = {
  exact: known((percent) => percents(percent / 100)),
  short: known((percent) => percentShort(percent / 100)),
  unit: "%",
};

const unit = (name: string, digits: number, least = 0) =>
  plain({ style: "unit", unit: name, unitDisplay: "narrow", minimumFractionDigits: least, maximumFractionDigits: digits });
const millis = unit("millisecond", 2);
const seconds = unit("second", 1);
const minutes = unit("minute", 1);
const hours = unit("hour", 1);

/** Of milliseconds. */
export const DURATION: Format = {
  exact: known((ms) => (ms < 1000 ? millis(ms) : ms < 120_000 ? unit("second", 2)(ms / 1000) : span(ms))),
  short: known(span),
  unit: "ms",
  among: (values) => spans(values.map((value) => value ?? 0)),
};

/** Of seconds. */
export const SECONDS: Format = {
  exact: known((s) => DURATION.exact(s * 1000)),
  short: known((s) => DURATION.short(s * 1000)),
  unit: "s",
  among: (values) => {
    const write = spans(values.map((value) => (value ?? 0) * 1000));
    return known((s) => write(s * 1000));
  },
};

/** All in milliseconds, or all in seconds with as many decimals, or all as hours, minutes and seconds. */
function spans(values: readonly number[]): Written {
  const most = Math.max(0, ...values);
  if (most < 1000) return unit("millisecond", most < 10 ? 2 : 0);
  if (most >= 120_000) return known(clockwise);
  const digits = [0, 1].find((n) => values.every((ms) => Number.isInteger((ms / 1000) * 10 ** n))) ?? 2;
  const write = unit("second", digits, digits);
  return known((ms) => write(ms / 1000));
}

/** "2h 5m", "3m 20s", "45s". */
function clockwise(ms: number): string {
  const s = Math.round(ms / 1000);
  const [h, m] = [Math.floor(s / 3600), Math.floor((s % 3600) / 60)];
  // Letters as English has them, digits as the reader's: some locales write "Min." and "Sek.", and no column would hold both.
  if (h > 0) return m > 0 ? `${whole(h)}h ${whole(m)}m` : `${whole(h)}h`;
  if (m > 0) return s % 60 > 0 ? `${whole(m)}m ${whole(s % 60)}s` : `${whole(m)}m`;
  return ms > 0 && ms < 1000 ? `${whole(Math.round(ms))}ms` : `${whole(s)}s`;
}

function span(ms: number): string {
  if (ms < 1000) return unit("millisecond", 0)(ms);
  if (ms < 120_000) return seconds(ms / 1000);
  return ms < 7_200_000 ? minutes(ms / 60_000) : hours(ms / 3_600_000);
}

/** The API's decimal string; null where no price is known. */
export function usd(decimal: string | null): number | null {
  return decimal === null ? null : Number(decimal);
}

/** +0.12 for 12 % more; null where there was nothing to compare with. */
export function change(now: number | null, before: number | null | undefined): number | null {
  return now === null || before === null || before === undefined || before === 0 ? null : now / before - 1;
}

const share = plain({ style: "percent", maximumFractionDigits: 0 });
const shareSmall = plain({ style: "percent", maximumFractionDigits: 1 });

/** How much more or less, without a sign: which way says an arrow or a word beside it. */
export function changed(by: number): string {
  const size = Math.abs(by);
  return size < 0.1 ? shareSmall(size) : share(size);
}
