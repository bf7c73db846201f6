import { useCallback, useEffect, useMemo, useState } from "react";
import { useSearchParams } from "wouter";

import { today } from "../format/days";
import { useSession } from "../session/current";
import { type Edit, type View, viewOf, zoneIn } from "./view";

export interface Looked extends View {
  /** The zone in force: the one chosen, else the account's. */
  inZone: string;
  /** For a report's query: `{ ...view.window, ...view.agents, ...view.models, ...view.members }`, whichever it takes. */
  window: { start_date: string; end_date: string; timezone?: string };
  agents: { agent?: string[] };
  models: { model?: string[] };
  members: { user_id?: string[] };
  /** Writes into the URL; the way back leads to what was shown before. */
  edit: (change: Edit) => void;
}

/** What the URL says to look at. */
export function useView(): Looked {
  const { timezone } = useSession().me;
  const [search, setSearch] = useSearchParams();
  const edit = useCallback(
    (change: Edit) =>
      setSearch((before) => {
        const next = new URLSearchParams(before);
        change(next);
        return next;
      }),
    [setSearch],
  );
  const text = search.toString();
  const inZone = useMemo(() => zoneIn(new URLSearchParams(text)), [text]) ?? timezone;
  const day = useToday(inZone);
  // `day` turns over at midnight, and the presets with it.
  return useMemo(() => {
    const current = viewOf(new URLSearchParams(text), timezone);
    const { from, to, zone, picked } = current;
    return {
      ...current,
      inZone,
      window: { start_date: from, end_date: to, ...(zone !== null && { timezone: zone }) },
      agents: some("agent", picked.agent),
      models: some("model", picked.model),
      members: some("user_id", picked.member),
      edit,
    };
  }, [text, timezone, inZone, edit, day]);
}

function some<Name extends string>(name: Name, values: readonly string[]): { [Key in Name]?: string[] } {
  return (values.length > 0 ? { [name]: [...values] } : {}) as { [Key in Name]?: string[] };
}

function useToday(zone: string): string {
  const [, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((n) => n + 1), 30_000);
    return () => clearInterval(timer);
  }, []);
  return today(zone);
}
