import "./bar.css";

import type { Page } from "../pages";
import { Filters } from "./filters";
import { useView } from "../view/useView";
import { DIMENSIONS } from "../view/view";
import { Ignored } from "./ignored";
import { Range } from "./range";
import { Zone } from "./zone";

/** Filters go along from page to page; one that a page does not take is said, for it shows the numbers of all. */
function NotTaken({ filters }: Pick<Page["bar"], "filters">) {
  const { picked, edit } = useView();
  const others = DIMENSIONS.filter((one) => picked[one].length > 0 && !filters.includes(one));
  if (others.length === 0) return null;
  return (
    <p className="soft">
      Not filtered by {others.join(" or ")} here{" "}
      <button className="button bare" onClick={() => edit((search) => others.forEach((one) => search.delete(one)))}>
        Drop this filter
      </button>
    </p>
  );
}

/** What the page is told to look at. */
export function Bar({ range, zone, filters }: Page["bar"]) {
  return (
    <div className="bar">
      <NotTaken filters={filters} />
      {filters.length > 0 && <Filters dimensions={filters} />}
      {range && <Range />}
      {zone && <Zone />}
      <Ignored />
    </div>
  );
}
