/** From numbers to pixels and back. */

export interface Scale {
  (value: number): number;
  ticks: readonly number[];
}

const STEPS = [1, 2, 2.5, 5, 10];
/** Of a clock: seconds from one up to a day. */
const CLOCK = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** What an axis counts: things that come in ones, numbers of any kind, or times in these many a second. */
export type Kind = "whole" | "any" | { perSecond: number };

/** From nought to a round number at or above `most`. */
export function upTo(most: number, height: number, kind: Kind, wanted = 4): Scale {
  const step = stepOf((most > 0 ? most : 1) / wanted, kind);
  const top = Math.max(step, Math.ceil(most / step - 1e-9) * step);
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step);
  return Object.assign((value: number) => height - (value / top) * height, { ticks });
}

function stepOf(rough: number, kind: Kind): number {
  if (typeof kind === "string") return roundStep(rough, kind === "whole");
  const seconds = rough / kind.perSecond;
  if (seconds <= 0.5) return roundStep(rough, false);
  const onClock = CLOCK.find((step) => step >= seconds - 1e-12);
  return (onClock ?? roundStep(seconds / 86_400, true) * 86_400) * kind.perSecond;
}

function roundStep(rough: number, whole: boolean): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = (STEPS.find((factor) => factor * power >= rough - 1e-12) ?? 10) * power;
  return whole ? Math.max(1, Math.ceil(step)) : step;
}

/** Which of n labels fit, evenly: each takes `room` of `width`. */
export function labelled(n: number, width: number, room: number): number[] {
  const every = Math.max(1, Math.ceil(n / Math.max(1, Math.floor(width / room))));
  return Array.from({ length: Math.ceil(n / every) }, (_, i) => i * every);
}
