/** Every page: one entry each, in the order of the navigation. */
import type { ComponentType } from "react";

import type { Role } from "./session/session";
import type { Dimension } from "./view/view";

export interface Page {
  /** Also of what lies below it, such as /sessions/42, which the page tells apart itself. */
  path: string;
  title: string;
  /** The least role that sees it. */
  role: Role;
  /** Which of the shared controls it heeds; the bar shows those alone. */
  bar: { range: boolean; zone: boolean; filters: readonly Dimension[] };
  /** Of a 16 × 16 icon: an outline of one path. */
  icon: string;
  load: () => Promise<{ default: ComponentType }>;
}

const ALL: readonly Dimension[] = ["agent", "model", "member"];

export const PAGES: readonly Page[] = [
  {
    path: "/",
    title: "Overview",
    role: "engineer",
    bar: { range: true, zone: true, filters: ALL },
    icon: "M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM9 9h5v5H9z",
    load: () => import("./pages/overview"),
  },
  {
    path: "/agents",
    title: "Agents",
    role: "engineer",
    bar: { range: true, zone: true, filters: ALL },
    icon: "M3 6h10v7H3zM8 6V3M5.5 9v1.5M10.5 9v1.5M1 9v2M15 9v2",
    load: () => import("./pages/agents"),
  },
];

/** The page of an address; undefined where there is none. */
export function pageAt(path: string): Page | undefined {
  return PAGES.find((page) => path === page.path || (page.path !== "/" && path.startsWith(`${page.path}/`)));
}
