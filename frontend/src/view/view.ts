/** What is looked at: a window of days, filters, a zone. It lives in the search parameters of the URL alone. */
import { daysLater, isDay, span, today } from "../format/days";

export type Preset = "7d" | "30d" | "90d" | "month";
export type Dimension = "agent" | "model" | "member";

export const PRESETS: readonly (readonly [Preset, string])[] = [
  ["7d", "7 days"],
  ["30d", "30 days"],
  ["90d", "90 days"],
  ["month", "This month"],
];
export const DIMENSIONS: readonly Dimension[] = ["agent", "model", "member"];
export const MOST_DAYS = 400;
const DEFAULT: Preset = "30d";
const LENGTH = { "7d": 7, "30d": 30, "90d": 90 } as const;
const KEPT = ["range", "from", "to", "zone", ...DIMENSIONS] as const;

export interface View {
  /** Null for a window of one's own. */
  preset: Preset | null;
  from: string;
  to: string;
  /** As chosen; null for the account's. */
  zone: string | null;
  picked: Readonly<Record<Dimension, readonly string[]>>;
}

/** What is not understood counts as not said: a link that somebody cut still shows something. */
export function viewOf(search: URLSearchParams, accountZone: string, now = new Date()): View {
  const zone = zoneIn(search);
  const picked = {
    agent: search.getAll("agent"),
    model: search.getAll("model"),
    member: search.getAll("member").filter(isMember),
  };
  const [from, to] = [search.get("from") ?? "", search.get("to") ?? ""];
  if (isDay(from) && isDay(to) && from <= to && span(from, to) <= MOST_DAYS)
    return { preset: null, from, to, zone, picked };
  const preset = PRESETS.find(([name]) => name === search.get("range"))?.[0] ?? DEFAULT;
  return { preset, ...daysOf(preset, today(zone ?? accountZone, now)), zone, picked };
}

export function isMember(id: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);
}

function daysOf(preset: Preset, to: string): { from: string; to: string } {
  return { from: preset === "month" ? `${to.slice(0, 8)}01` : daysLater(to, 1 - LENGTH[preset]), to };
}

/** The zone chosen; null for the account's, or for one that is none. */
export function zoneIn(search: URLSearchParams): string | null {
  const zone = search.get("zone");
  if (zone === null) return null;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone;
  } catch {
    return null;
  }
}

/** How the view reads in the URL; the default says nothing. */
export type Edit = (search: URLSearchParams) => void;

export function withPreset(preset: Preset): Edit {
  return (search) => {
    search.delete("from");
    search.delete("to");
    if (preset === DEFAULT) search.delete("range");
    else search.set("range", preset);
  };
}

export function withDays(from: string, to: string): Edit {
  return (search) => {
    search.delete("range");
    search.set("from", from);
    search.set("to", to);
  };
}

export function withPicked(dimension: Dimension, values: readonly string[]): Edit {
  return (search) => {
    search.delete(dimension);
    for (const value of values) search.append(dimension, value);
  };
}

export function withZone(zone: string | null): Edit {
  return (search) => {
    if (zone === null) search.delete("zone");
    else search.set("zone", zone);
  };
}

/** What goes along from page to page; a page's own parameters stay behind. */
export function kept(search: URLSearchParams): string {
  const next = new URLSearchParams();
  for (const name of KEPT) for (const value of search.getAll(name)) next.append(name, value);
  const text = next.toString();
  return text && `?${text}`;
}
