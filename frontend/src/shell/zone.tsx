import { useMemo } from "react";

import { useSession } from "../session/current";
import { useView } from "../view/useView";
import { withZone } from "../view/view";

/** Whose days are shown: the account's, unless somebody chooses another. */
export function Zone() {
  const { me } = useSession();
  const { zone, inZone, edit } = useView();
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const all = useMemo(() => Intl.supportedValuesOf("timeZone"), []);
  const near = [...new Set([own, "UTC", inZone])].filter((name) => name !== me.timezone);
  return (
    <label className="zone" title="Days begin at midnight of this zone.">
      <span className="unseen">Time zone</span>
      <select
        className="field"
        data-active={zone !== null}
        value={inZone}
        onChange={({ target }) => edit(withZone(target.value === me.timezone ? null : target.value))}
      >
        <Zones label="The account's" names={[me.timezone]} />
        <Zones label="Yours and others" names={near} />
        <Zones label="All" names={all.filter((name) => name !== me.timezone && !near.includes(name))} />
      </select>
    </label>
  );
}

function Zones({ label, names }: { label: string; names: readonly string[] }) {
  return (
    <optgroup label={label}>
      {names.map((name) => (
        <option key={name} value={name}>
          {name.replaceAll("_", " ")}
        </option>
      ))}
    </optgroup>
  );
}
