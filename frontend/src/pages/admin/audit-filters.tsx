import { useCallback, useMemo } from "react";
import { useSearchParams } from "wouter";

import type { components } from "../../api/schema";
import { daysLater, isDay } from "../../format/days";
import { doorOf } from "../../format/doors";
import { dayBegins } from "../../format/instants";
import { COUNT } from "../../format/numbers";
import { Field, PickOne } from "../../parts/field";
import type { Query } from "../../reports/paths";
import { useView } from "../../view/useView";

type Facets = components["schemas"]["Facets"];
type Asked = Omit<Query<"/api/v1/admin/audit">, "cursor">;

const NAMES = ["action", "who", "result", "through", "since", "until"] as const;
type Name = (typeof NAMES)[number];
type Said = Readonly<Record<Name, string>>;
type Edit = (name: Name, value: string) => void;

export interface Filters {
  /** As the address has them; empty where nothing is said. */
  said: Said;
  query: Asked;
}

const RESULTS = ["done", "refused", "failed"] as const;
const DOORS = ["api", "web", "cli", "worker"] as const;
const A_MEMBER = /^[0-9a-f-]{36}$/i;

/** What is looked for, from the address; what makes no sense there counts as not said. */
export function useAuditFilters(): [Filters, Edit] {
  const { inZone } = useView();
  const [search, setSearch] = useSearchParams();
  const text = search.toString();
  const filters = useMemo(() => filtersOf(new URLSearchParams(text), inZone), [text, inZone]);
  const edit = useCallback<Edit>(
    (name, value) =>
      setSearch((before) => {
        const next = new URLSearchParams(before);
        if (value === "") next.delete(name);
        else next.set(name, value);
        return next;
      }),
    [setSearch],
  );
  return [filters, edit];
}

function filtersOf(search: URLSearchParams, zone: string): Filters {
  const said = Object.fromEntries(NAMES.map((name) => [name, search.get(name) ?? ""])) as Said;
  const result = RESULTS.find((each) => each === said.result);
  const door = DOORS.find((each) => each === said.through);
  const query = {
    ...(said.action !== "" && { action: said.action }),
    ...(A_MEMBER.test(said.who) && { user_id: said.who }),
    ...(result && { result }),
    ...(door && { client_kind: door }),
    ...(isDay(said.since) && { since: dayBegins(said.since, zone) }),
    ...(isDay(said.until) && { until: dayBegins(daysLater(said.until, 1), zone) }),
  };
  return { said, query };
}

interface AuditFiltersProps {
  filters: Filters;
  /** Null until the first answer. */
  facets: Facets | null;
  edit: Edit;
}

const ANY = ["", "all"] as const;

export function AuditFilters({ filters: { said }, facets, edit }: AuditFiltersProps) {
  const pick = (name: Name) => ({ value: said[name], onPick: (value: string) => edit(name, value) });
  return (
    <form className="fields" role="search" aria-label="Audit" onSubmit={(event) => event.preventDefault()}>
      <PickOne label="What" options={withPicked(actions(facets), said.action)} {...pick("action")} />
      <PickOne label="Who" options={withPicked(members(facets), said.who)} {...pick("who")} />
      <PickOne label="Result" options={[ANY, ...RESULTS.map((each) => [each, each] as const)]} {...pick("result")} />
      <PickOne label="Through" options={[ANY, ...DOORS.map((each) => [each, doorOf(each)] as const)]} {...pick("through")} />
      <Field label="First day" name="since" type="date" value={said.since} onChange={({ target }) => edit("since", target.value)} />
      <Field label="Last day" name="until" type="date" value={said.until} onChange={({ target }) => edit("until", target.value)} />
    </form>
  );
}

type Options = (readonly [string, string])[];

/** Actions with how many there are; where several begin with one word, also all of those. */
function actions(facets: Facets | null): Options {
  const counts = new Map<string, number[]>();
  for (const { action, count } of facets?.actions ?? []) {
    const group = `${action.split(".")[0]}.`;
    counts.set(group, [...(counts.get(group) ?? []), count]);
  }
  const groups = [...counts].filter(([, each]) => each.length > 1);
  return [
    ...groups.map(([group, each]) => [group, `${group}… (${COUNT.exact(each.reduce((a, b) => a + b))})`] as const),
    ...(facets?.actions ?? []).map(({ action, count }) => [action, `${action} (${COUNT.exact(count)})`] as const),
  ];
}

function members(facets: Facets | null): Options {
  return (facets?.users ?? []).flatMap(({ user_id, name, count }) =>
    user_id === null ? [] : [[user_id, `${name ?? user_id} (${COUNT.exact(count)})`] as const],
  );
}

/** All, then the options; what is picked is among them, also where nothing of it is left. */
function withPicked(options: Options, picked: string): Options {
  const isThere = picked === "" || options.some(([value]) => value === picked);
  return [ANY, ...(isThere ? [] : [[picked, picked] as const]), ...options];
}
