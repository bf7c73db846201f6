/** Through the points; a gap where a value is not known, and a dot of no length for one that stands alone. */
export function path(values: readonly (number | null)[], x: (i: number) => number, y: (value: number) => number): string {
  let isDown = false;
  return values
    .map((value, i) => {
      if (value === null) {
        isDown = false;
        return "";
      }
      const point = `${round(x(i))} ${round(y(value))}`;
      const move = isDown ? `L${point}` : `M${point}h0`;
      isDown = true;
      return move;
    })
    .join("");
}

export function round(pixels: number): number {
  return Math.round(pixels * 100) / 100;
}

/** Which points have no neighbour: a line alone would hardly show them. */
export function alone(values: readonly (number | null)[]): number[] {
  return values.flatMap((value, i) => (value !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null ? [i] : []));
}
