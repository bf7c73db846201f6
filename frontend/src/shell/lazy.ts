import { type ComponentType, lazy } from "react";

import type { Page } from "../pages";

const known = new Map<Page, ComponentType>();

/** The page's component, whose script comes when it is first opened. */
export function pageOf(page: Page): ComponentType {
  const found = known.get(page) ?? lazy(page.load);
  known.set(page, found);
  return found;
}

/** Fetches a page's script before somebody opens it. */
export function foresee(page: Page): void {
  // What fails now is asked for again, and told, when the page is opened.
  page.load().catch(() => undefined);
}
