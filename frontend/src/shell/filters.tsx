import { useState } from "react";

import { useReport } from "../reports/useReport";
import { useView } from "../view/useView";
import { type Dimension, withPicked } from "../view/view";
import { Menu } from "./menu";

const TITLES: Readonly<Record<Dimension, string>> = { agent: "Agent", model: "Model", member: "Member" };
const SEARCHED = 8;

export function Filters({ dimensions }: { dimensions: readonly Dimension[] }) {
  const { picked, edit } = useView();
  const isFiltered = dimensions.some((dimension) => picked[dimension].length > 0);
  return (
    <>
      {dimensions.map((dimension) => (
        <Filter key={dimension} dimension={dimension} />
      ))}
      {isFiltered && (
        <button className="button bare" onClick={() => edit((search) => dimensions.forEach((one) => search.delete(one)))}>
          Clear filters
        </button>
      )}
    </>
  );
}

function Filter({ dimension }: { dimension: Dimension }) {
  const { picked } = useView();
  const title = TITLES[dimension];
  const n = picked[dimension].length;
  return (
    <Menu title={`Filter by ${title.toLowerCase()}`} isActive={n > 0} label={n === 0 ? title : `${title}: ${n}`}>
      {() => <Choices dimension={dimension} />}
    </Menu>
  );
}

interface Choice {
  value: string;
  name: string;
}

/** Asked for when somebody opens the menu; what is picked stands there also when the window has none of it. */
function Choices({ dimension }: { dimension: Dimension }) {
  const { picked, edit } = useView();
  const [wanted, setWanted] = useState("");
  const { choices, error } = useChoices(dimension);
  const values = picked[dimension];
  const gone = values.filter((value) => !choices?.some((choice) => choice.value === value));
  const all = [...gone.map((value) => ({ value, name: value })), ...(choices ?? [])];
  const shown = all.filter(({ name }) => name.toLowerCase().includes(wanted.toLowerCase()));
  const toggle = (value: string) =>
    edit(withPicked(dimension, values.includes(value) ? values.filter((one) => one !== value) : [...values, value]));
  return (
    <>
      {all.length > SEARCHED && (
        <input className="field" type="search" placeholder="Search" aria-label="Search" onChange={(e) => setWanted(e.target.value)} />
      )}
      <ul className="choices">
        {shown.map(({ value, name }) => (
          <li key={value}>
            <label>
              <input type="checkbox" checked={values.includes(value)} onChange={() => toggle(value)} />
              <span title={name}>{name}</span>
            </label>
          </li>
        ))}
      </ul>
      {choices === undefined && <p className="soft">{error?.message ?? "Loading …"}</p>}
      {choices !== undefined && shown.length === 0 && <p className="soft">None in this window.</p>}
    </>
  );
}

function useChoices(dimension: Dimension): { choices: Choice[] | undefined; error: Error | null } {
  const { window } = useView();
  const agents = useReport("/api/v1/analytics/agents", window, { enabled: dimension === "agent" });
  const models = useReport("/api/v1/analytics/models", window, { enabled: dimension === "model" });
  const members = useReport("/api/v1/analytics/users", window, { enabled: dimension === "member" });
  switch (dimension) {
    case "agent":
      return { choices: agents.data?.agents.map(({ name }) => ({ value: name, name })), error: agents.error };
    case "model":
      return { choices: models.data?.models.map(({ model_id }) => ({ value: model_id, name: model_id })), error: models.error };
    case "member":
      return { choices: members.data?.users.flatMap(({ user_id, name }) => (user_id === null ? [] : [{ value: user_id, name: name ?? user_id }])), error: members.error };
  }
}
