/** How a kind of number is written: `exact` in tables and tooltips, `short` on axes and cards. Null is "–". */
export interface Format {
  exact: (value: number | null) => string;
  short: (value: number | null) => string;
}

export const NONE = "–";

function known(write: (value: number) => string): (value: number | null) => string {
  return (value) => (value === null || Number.isNaN(value) ? NONE : write(value));
}

function plain(options?: Intl.NumberFormatOptions): (value: number | null) => string {
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
};

/** Of percentages as the API gives them: 3.25 is 3.25 %. */
const percents = plain({ style: "percent", maximumFractionDigits: 2 });
const percentShort = plain({ style: "percent", maximumFractionDigits: 1 });
export const PERCENT: Format = {
  exact: known((percent) => percents(percent / 100)),
  short: known((percent) => percentShort(percent / 100)),
};

const unit = (name: string, digits: number) =>
  plain({ style: "unit", unit: name, unitDisplay: "narrow", maximumFractionDigits: digits });
const millis = unit("millisecond", 2);
const seconds = unit("second", 1);
const minutes = unit("minute", 1);
const hours = unit("hour", 1);

/** Of milliseconds. */
export const DURATION: Format = {
  exact: known((ms) => (ms < 1000 ? millis(ms) : ms < 120_000 ? unit("second", 2)(ms / 1000) : span(ms))),
  short: known(span),
};

/** Of seconds. */
export const SECONDS: Format = {
  exact: known((s) => DURATION.exact(s * 1000)),
  short: known((s) => DURATION.short(s * 1000)),
};

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

const signed = plain({ style: "percent", maximumFractionDigits: 0, signDisplay: "exceptZero" });
const signedSmall = plain({ style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" });

export function changed(by: number): string {
  return Math.abs(by) < 0.1 ? signedSmall(by) : signed(by);
}
