/** From numbers to pixels and back. */

export interface Scale {
  (value: number): number;
  ticks: readonly number[];
}

const STEPS = [1, 2, 2.5, 5, 10];

/** From nought to a round number at or above `most`. `whole`: of things that come in ones. */
export function upTo(most: number, height: number, whole: boolean, wanted = 4): Scale {
  const step = roundStep((most > 0 ? most : 1) / wanted, whole);
  const top = Math.max(step, Math.ceil(most / step - 1e-9) * step);
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step);
  return Object.assign((value: number) => height - (value / top) * height, { ticks });
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
