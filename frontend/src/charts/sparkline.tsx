import { alone, path } from "./line";

const WIDTH = 100;
const HEIGHT = 28;

/** A course without figures, for the eye alone. */
export function Sparkline({ values }: { values: readonly (number | null)[] }) {
  const top = Math.max(...values.map((value) => value ?? 0), 0) || 1;
  const x = (i: number) => (values.length < 2 ? WIDTH / 2 : (i / (values.length - 1)) * WIDTH);
  const y = (value: number) => HEIGHT - 1 - (value / top) * (HEIGHT - 2);
  const line = path(values, x, y);
  const filled = path(values.map((value) => value ?? 0), x, y);
  return (
    <svg className="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      {values.length > 1 && <path className="sparkline-area" d={`${filled}L${WIDTH} ${HEIGHT}L0 ${HEIGHT}Z`} />}
      <path d={line} />
      {alone(values).map((i) => (
        <path key={i} className="sparkline-alone" d={`M${x(i)} ${y(values[i] ?? 0)}h0`} />
      ))}
    </svg>
  );
}
