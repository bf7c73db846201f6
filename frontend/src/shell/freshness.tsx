import { type Query, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { ago, clock, instant } from "../format/instants";
import { isPassing, MINUTE } from "../reports/rhythm";
import { useView } from "../view/useView";

/** What is older than two refreshes was not refreshed. */
const STALE = 2.5 * MINUTE;
const TICK = 15_000;
const SETTLED: ReadonlySet<string> = new Set(["success", "error"]);

interface Age {
  /** Of the oldest answer that is shown. */
  asked: number;
  /** When the account's facts last changed; null for never, undefined where no report says. */
  changed: string | null | undefined;
  isAway: boolean;
}

/** How old what is shown is, once for the whole page. */
export function Freshness() {
  const age = useAge();
  const { inZone } = useView();
  if (age === null) return null;
  if (age.isAway || Date.now() - age.asked > STALE)
    return (
      <p className="freshness stale" role="status" title={`What is shown was asked for ${instant(age.asked, inZone)}.`}>
        {age.isAway ? "No connection" : "Not refreshed"}: shown as of {ago(age.asked)}
      </p>
    );
  if (age.changed === undefined) return null;
  if (age.changed === null) return <p className="freshness soft">No data yet</p>;
  return (
    <p className="freshness soft" title={`The account's data last changed ${instant(age.changed, inZone)}.`}>
      Data as of {clock(age.changed, inZone)}, {ago(age.changed)}
    </p>
  );
}

function useAge(): Age | null {
  const cache = useQueryClient().getQueryCache();
  const [, setRound] = useState(0);
  useEffect(() => {
    const again = () => setRound((n) => n + 1);
    const leave = cache.subscribe((event) => {
      // Not what happens while a page renders, which would begin anew each time.
      if (event.type === "updated" ? SETTLED.has(event.action.type) : event.type === "observerRemoved") again();
    });
    const timer = setInterval(again, TICK);
    return () => {
      leave();
      clearInterval(timer);
    };
  }, [cache]);
  return ageOf(cache.getAll().filter((query) => query.getObserversCount() > 0));
}

function ageOf(watched: readonly Query[]): Age | null {
  const answered = watched.filter(({ state }) => state.dataUpdatedAt > 0);
  if (answered.length === 0) return null;
  const stamps = answered.flatMap(({ state }) => stampOf(state.data));
  return {
    asked: Math.min(...answered.map(({ state }) => state.dataUpdatedAt)),
    changed: stamps.sort().at(-1),
    isAway: watched.some(({ state: { error } }) => error !== null && isPassing(error)),
  };
}

function stampOf(data: unknown): (string | null)[] {
  const isDated = typeof data === "object" && data !== null && "data_as_of" in data;
  return isDated ? [data.data_as_of as string | null] : [];
}
