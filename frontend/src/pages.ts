/** Every page: one entry each, in the order of the navigation. */
import type { ComponentType } from "react";

import type { Role } from "./session/session";
import type { Dimension } from "./view/view";

interface Bar {
  range: boolean;
  zone: boolean;
  filters: readonly Dimension[];
}

export interface Page {
  /** Also of what lies below it, such as /sessions/42, which the page tells apart itself. */
  path: string;
  title: string;
  /** The least role that sees it. */
  role: Role;
  /** Which of the shared controls it heeds; the bar shows those alone. */
  bar: Bar;
  /** The same for what lies below it, where that heeds others. */
  below?: Bar & { title?: string };
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
  {
    path: "/models",
    title: "Models",
    role: "engineer",
    bar: { range: true, zone: true, filters: ALL },
    icon: "M8 1.5 14 5v6l-6 3.5L2 11V5zM2 5l6 3.5L14 5M8 8.5v6",
    load: () => import("./pages/models"),
  },
  {
    path: "/tools",
    title: "Tools",
    role: "engineer",
    bar: { range: true, zone: true, filters: ["member"] },
    icon: "M10 2a4 4 0 0 0-3.6 5.6L2 12l2 2 4.4-4.4A4 4 0 0 0 14 6l-2.5 1.5-2-2L11 3z",
    load: () => import("./pages/tools"),
  },
  {
    path: "/users",
    title: "Members",
    role: "engineer",
    bar: { range: true, zone: true, filters: ALL },
    icon: "M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5M1.5 14v-1a4 4 0 0 1 4-4h1a4 4 0 0 1 4 4v1M10.5 2.8a2.5 2.5 0 0 1 0 4.4M12 9.3a4 4 0 0 1 2.5 3.7v1",
    load: () => import("./pages/users"),
  },
  {
    path: "/sessions",
    title: "Sessions",
    role: "engineer",
    bar: { range: true, zone: true, filters: ["model", "member"] },
    below: { title: "Session", range: false, zone: true, filters: [] },
    icon: "M2 3h12v8H7l-3 3v-3H2zM5 6h6M5 8.2h4",
    load: () => import("./pages/sessions"),
  },
  {
    path: "/flowpilot/escalations",
    title: "Escalations",
    role: "engineer",
    bar: { range: false, zone: true, filters: [] },
    icon: "M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13M8 4.5V8l2.5 2",
    load: () => import("./pages/escalations"),
  },
  {
    path: "/friction",
    title: "Friction",
    role: "engineer",
    bar: { range: true, zone: true, filters: ["member"] },
    icon: "M9 1.5 3 9h4.5L7 14.5 13 7H8.5z",
    load: () => import("./pages/friction"),
  },
  {
    path: "/me",
    title: "My stats",
    role: "viewer",
    bar: { range: false, zone: true, filters: [] },
    icon: "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6M2.5 14.5a5.5 5.5 0 0 1 11 0",
    load: () => import("./pages/me"),
  },
  {
    path: "/admin",
    title: "Admin",
    role: "admin",
    bar: { range: false, zone: true, filters: [] },
    icon: "M2 4h6M12 4h2M10 2.5v3M2 8h2M8 8h6M6 6.5v3M2 12h7M13 12h1M11 10.5v3",
    load: () => import("./pages/admin"),
  },
];

/** The page of an address; undefined where there is none. */
export function pageAt(path: string): Page | undefined {
  return PAGES.find((page) => path === page.path || (page.path !== "/" && path.startsWith(`${page.path}/`)));
}
