import { Retention } from "./retention";
import { Rollups } from "./rollups";

/** Upkeep: what is too old, and whether the sums are right. */
export default function Data() {
  return (
    <div className="grid">
      <Retention />
      <Rollups />
    </div>
  );
}
