import { Suspense } from "react";

import { Skeleton } from "../parts/states";
import { Fence } from "./fence";
import { bodyOf, type Load } from "./lazy";

/** What a script shows, as soon as it is there. */
export function Opened({ load, height }: { load: Load; height: string }) {
  return (
    <Fence load={load}>
      <Suspense fallback={<Skeleton height={height} />}>
        <Body load={load} />
      </Suspense>
    </Fence>
  );
}

/** Below the fence, so that it is looked up anew when the fence opens again. */
function Body({ load }: { load: Load }) {
  const Loaded = bodyOf(load);
  return <Loaded />;
}
