/** What of an address makes no sense, and what is shown instead. */
import { isDay, span } from "../format/days";
import { isMember, MOST_DAYS, PRESETS, zoneIn } from "./view";

export interface Fault {
  sentence: string;
  /** The parameter, and the value where only that one goes. */
  drop: readonly (readonly [name: string, value?: string])[];
}

export function faultsOf(search: URLSearchParams): Fault[] {
  const range = search.get("range");
  const zone = search.get("zone");
  const strangers = search.getAll("member").filter((id) => !isMember(id));
  const window = windowFault(search.get("from"), search.get("to"));
  const isRange = range === null || PRESETS.some(([name]) => name === range);
  return [
    window !== null && { sentence: `The link's window was ignored: ${window}`, drop: [["from"], ["to"]] as const },
    !isRange && { sentence: `The link's range “${range}” was ignored: there is none of this name.`, drop: [["range"]] as const },
    zone !== null && zoneIn(search) === null && { sentence: `The link's zone “${zone}” was ignored: there is none of this name.`, drop: [["zone"]] as const },
    strangers.length > 0 && { sentence: "A member in the link was ignored: it is not the id of one.", drop: strangers.map((id) => ["member", id] as const) },
  ].filter((fault) => fault !== false);
}

export function corrected(search: URLSearchParams, faults: readonly Fault[]): URLSearchParams {
  const next = new URLSearchParams(search);
  for (const [name, value] of faults.flatMap(({ drop }) => drop)) next.delete(name, value);
  return next;
}

function windowFault(from: string | null, to: string | null): string | null {
  if (from === null && to === null) return null;
  if (from === null || to === null) return "it needs both days, from and to.";
  const strange = [from, to].find((day) => !isDay(day));
  if (strange !== undefined) return `“${strange}” is no day.`;
  if (from > to) return "its first day comes after its last.";
  return span(from, to) > MOST_DAYS ? `at most ${MOST_DAYS} days can be shown at once.` : null;
}
