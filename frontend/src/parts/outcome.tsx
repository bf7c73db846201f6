import { Badge } from "./badge";

const TONES: Readonly<Record<string, "good" | "bad" | "warn">> = { done: "good", refused: "warn", failed: "bad" };

/** How something ended: done, refused, failed. */
export function Outcome({ result }: { result: string }) {
  return <Badge text={result} tone={TONES[result] ?? "plain"} />;
}
