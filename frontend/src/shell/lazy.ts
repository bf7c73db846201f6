import { type ComponentType, lazy } from "react";

import { Unreachable } from "../api/problem";

export type Load = () => Promise<{ default: ComponentType }>;

const known = new Map<Load, ComponentType>();
const unstyled = new Set<string>();

/** What a script shows, which comes when it is first opened. */
export function bodyOf(load: Load): ComponentType {
  const found = known.get(load) ?? lazy(() => fetched(load).catch((why: unknown) => Promise.reject(new Unreachable(why))));
  known.set(load, found);
  return found;
}

/** So that the next look asks for the script anew: React remembers a failure for ever. */
export function forget(load: Load): void {
  known.delete(load);
}

/** Fetches a script before somebody opens what it shows. */
export function foresee(load: Load): void {
  // What fails now is asked for again, and told, when it is opened.
  fetched(load).catch(() => undefined);
}

/** The script, after any style that failed before: the bundler asks for each of those but once. */
export async function fetched(load: Load): ReturnType<Load> {
  await Promise.all([...unstyled].map(styled));
  return load();
}

function styled(href: string): Promise<unknown> {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  unstyled.delete(href);
  return new Promise((settle) => {
    link.onload = settle;
    link.onerror = settle;
    document.head.append(link);
  });
}

document.addEventListener(
  "error",
  ({ target }) => {
    if (!(target instanceof HTMLLinkElement) || target.rel !== "stylesheet") return;
    unstyled.add(target.href);
    target.remove();
  },
  true,
);
