import { useMemo, useState } from "react";

import { answerOf } from "../../api/client";
import type { components } from "../../api/schema";
import { instant } from "../../format/instants";
import { Ask } from "../../parts/ask";
import { Badge } from "../../parts/badge";
import { Field } from "../../parts/field";
import { useHold } from "../../parts/held";
import { Panel } from "../../parts/panel";
import { useSay } from "../../parts/said";
import { type Column, DataTable } from "../../parts/table";
import { useRows } from "../../reports/useRows";
import { useSession } from "../../session/current";
import { mayChange, type Role } from "../../session/session";
import { useView } from "../../view/useView";
import { ShownOnce } from "./shown-once";

type Key = components["schemas"]["Key"];

interface KeysProps {
  /** Whose; default: one's own. */
  of?: { id: string; name: string; account_role: Role };
}

/** Somebody's keys: made, shown once, revoked. */
export function Keys({ of }: KeysProps) {
  const { client, me } = useSession();
  const isMine = of === undefined || mayChange(me, of);
  const { inZone } = useView();
  const say = useSay();
  const rows = useRows("/api/v1/keys", of === undefined ? {} : { user_id: of.id });
  const [isNew, setNew] = useState(false);
  const hold = useHold();
  const [going, setGoing] = useState<Key | null>(null);
  const columns = useMemo(() => columnsFor(inZone, isMine ? setGoing : null), [inZone, isMine]);
  return (
    <>
      <Panel
        title={of === undefined ? "My keys" : `Keys of ${of.name}`}
        note="A program exchanges its key for short-lived tokens. With a key for each program or machine you can revoke one alone."
        tools={
          isMine && (
            <button className="button" onClick={() => setNew(true)}>
              Make a key
            </button>
          )
        }
        kind="table"
        report={rows}
        height={200}
        empty={(found) => (found.length === 0 ? "There is no key yet." : null)}
        advice="Make one for each program or machine."
      >
        {(found) => <DataTable columns={columns} rows={found} keyOf={({ id }) => id} paged={rows} />}
      </Panel>
      {isNew && (
        <Ask
          title={of === undefined ? "Make a key" : `Make a key for ${of.name}`}
          action="Make"
          send={(given, signal) => {
            const body = { name: String(given.get("name")).trim(), ...(of !== undefined && { user_id: of.id }) };
            return answerOf(client.POST("/api/v1/keys", { body, signal }));
          }}
          onDone={(made) => hold((close) => <ShownOnce made={made} onClose={close} />)}
          onClose={() => setNew(false)}
        >
          <Field label="Name" name="name" placeholder="laptop" note="Of the program or machine that will use it." required />
        </Ask>
      )}
      {going !== null && (
        <Ask
          title={`Revoke the key ${going.name} ${going.hint}?`}
          action="Revoke"
          isGrave
          send={(_, signal) => answerOf(client.DELETE("/api/v1/keys/{key_id}", { params: { path: { key_id: going.id } }, signal }))}
          onDone={() => say(`The key ${going.name} ${going.hint} is revoked.`)}
          onClose={() => setGoing(null)}
        >
          <p>Whoever uses it, in a program or signed in here, is out at once. It cannot be taken back; a new key can be made.</p>
        </Ask>
      )}
    </>
  );
}

function columnsFor(zone: string, revoke: ((key: Key) => void) | null): Column<Key>[] {
  const when = (at: string | null, never: string) => (at === null ? never : instant(at, zone));
  return [
    { name: "Name", value: ({ name }) => name },
    { name: "Ends with", value: ({ hint }) => hint },
    { name: "Made", value: ({ created_at }) => created_at, text: ({ created_at }) => when(created_at, "–") },
    { name: "Last used", value: ({ last_used_at }) => last_used_at, text: ({ last_used_at }) => when(last_used_at, "never") },
    {
      name: "State",
      value: ({ revoked_at }) => (revoked_at === null ? "works" : "revoked"),
      show: ({ revoked_at }) =>
        revoked_at === null ? <Badge text="works" tone="good" /> : <Badge text="revoked" tone="bad" title={instant(revoked_at, zone)} />,
    },
    {
      name: "Changes",
      value: () => null,
      isActs: true,
      show: (key) =>
        key.revoked_at === null && revoke !== null && (
          <button className="button bare" aria-label={`Revoke: ${key.name} ${key.hint}`} onClick={() => revoke(key)}>
            Revoke
          </button>
        ),
    },
  ];
}
