import "./bar.css";

import type { Page } from "../pages";
import { Filters } from "./filters";
import { Range } from "./range";
import { Zone } from "./zone";

/** What the page is told to look at. */
export function Bar({ range, zone, filters }: Page["bar"]) {
  return (
    <div className="bar">
      {filters.length > 0 && <Filters dimensions={filters} />}
      {range && <Range />}
      {zone && <Zone />}
    </div>
  );
}
