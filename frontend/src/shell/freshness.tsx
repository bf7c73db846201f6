import { type Query, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { ago, clock, instant } from "../format/instants";
import { isPassing, MINUTE } from "../reports/rhythm";
import { useView } from "../view/useView";

/** What was not checked in the time of two refreshes is old. */
const STALE = 2 * MINUTE;
const TICK = 15_000;
const SETTLED: ReadonlySet<string> = new Set(["success", "error"]);

interface Age {
  /** When the oldest answer that is shown was last checked; null where there is none. */
  asked: number | null;
  /** When the account's facts last changed; null for never, undefined where no report says. */
  changed: string | null | undefined;
  isAway: boolean;
}

/** How old what is shown is, once for the whole page. */
export function Freshness() {
  const age = useAge();
  const { inZone } = useView();
  if (age === null) return null;
  const { asked } = age;
  if (asked === null)
    return (
      <p className="freshness stale" role="status">
        No connection: nothing could be asked yet
      </p>
    );
  if (age.isAway || Date.now() - asked > STALE)
    return (
      <p className="freshness stale" role="status" title={`What is shown was asked for ${instant(asked, inZone)}.`}>
        {age.isAway ? "No connection" : "Not refreshed"}: last checked {ago(asked)}
      </p>
    );
  if (age.changed === undefined) return null;
  if (age.changed === null) return <p className="freshness soft">No data yet</p>;
  return (
    <p className="freshness soft" title={`The account's data last changed ${instant(age.changed, inZone)}.`}>
      Checked {ago(asked)}; newest data {clock(age.changed, inZone)}
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
  // Who is signed in is known from the beginning, and is no answer that a page shows.
  const shown = watched.filter(({ queryKey }) => queryKey[0] !== "/api/v1/me");
  const answered = shown.filter(({ state }) => state.dataUpdatedAt > 0);
  const isAway = watched.some(({ state: { error } }) => error !== null && isPassing(error));
  if (answered.length === 0) return isAway ? { asked: null, changed: undefined, isAway } : null;
  const stamps = answered.flatMap(({ state }) => stampOf(state.data));
  return {
    asked: Math.min(...answered.map(({ state }) => state.dataUpdatedAt)),
    changed: stamps.sort().at(-1),
    isAway,
  };
}

function stampOf(data: unknown): (string | null)[] {
  const isDated = typeof data === "object" && data !== null && "data_as_of" in data;
  return isDated ? [data.data_as_of as string | null] : [];
}
