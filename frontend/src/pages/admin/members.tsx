import { useMemo, useState } from "react";

import { Badge } from "../../parts/badge";
import { instant } from "../../format/instants";
import { Panel } from "../../parts/panel";
import { useSay } from "../../parts/said";
import { type Column, DataTable } from "../../parts/table";
import { useRows } from "../../reports/useRows";
import { useSession } from "../../session/current";
import { type Me, mayChange, mayErase } from "../../session/session";
import { PageLink } from "../../shell/navigation";
import { useView } from "../../view/useView";
import { Activate, Add, Change, Erase, type Member } from "./member-changes";

const CHANGES = { change: Change, activate: Activate, erase: Erase };

interface Asked {
  what: keyof typeof CHANGES | "add";
  member?: Member;
}

/** Who belongs to the account, as what. */
export default function Members() {
  const { inZone } = useView();
  const { me } = useSession();
  const say = useSay();
  const rows = useRows("/api/v1/users", {});
  const [asked, ask] = useState<Asked | null>(null);
  const columns = useMemo(() => columnsFor(inZone, me, ask), [inZone, me]);
  const shared = { onClose: () => ask(null), onDone: say };
  const Asking = asked && asked.what !== "add" ? CHANGES[asked.what] : null;
  return (
    <>
      <Panel
        title="Members of the account"
        note="A viewer sees what is their own, an engineer all reports, an admin this page; an owner makes admins. Changes act at once."
        tools={
          <button className="button" onClick={() => ask({ what: "add" })}>
            Add a member
          </button>
        }
        kind="table"
        report={rows}
        height={300}
      >
        {(found) => <DataTable columns={columns} rows={found} keyOf={({ id }) => id} paged={rows} />}
      </Panel>
      {asked?.what === "add" && <Add {...shared} />}
      {Asking !== null && asked?.member !== undefined && <Asking member={asked.member} {...shared} />}
    </>
  );
}

function columnsFor(zone: string, me: Me, ask: (asked: Asked) => void): Column<Member>[] {
  const when = (at: string | null) => (at === null ? "never" : instant(at, zone));
  return [
    { name: "Name", value: ({ name }) => name, show: ({ id, name }) => (id === me.id ? `${name} (you)` : name) },
    { name: "E-mail", value: ({ email }) => email },
    { name: "Role", value: ({ account_role }) => account_role },
    {
      name: "State",
      value: ({ active }) => (active ? "active" : "deactivated"),
      show: ({ active }) => <Badge text={active ? "active" : "deactivated"} tone={active ? "good" : "bad"} />,
    },
    { name: "Changes", value: () => null, isActs: true, show: (member) => <Acts member={member} me={me} ask={ask} /> },
    { name: "Last sync", value: ({ last_pull_at }) => last_pull_at, text: ({ last_pull_at }) => when(last_pull_at) },
    { name: "Member since", value: ({ created_at }) => created_at, text: ({ created_at }) => when(created_at) },
  ];
}

function Acts({ member, me, ask }: { member: Member; me: Me; ask: (asked: Asked) => void }) {
  const act = (what: Asked["what"], title: string) => (
    <button className="button bare" aria-label={`${title}: ${member.name}`} onClick={() => ask({ what, member })}>
      {title}
    </button>
  );
  return (
    <div className="acts">
      {mayChange(me, member) && act("change", "Edit")}
      {mayChange(me, member) && act("activate", member.active ? "Deactivate" : "Reactivate")}
      {mayErase(me, member) && act("erase", "Erase data")}
      <PageLink to={`/admin/keys/${member.id}`} className="button bare">
        Keys <span className="unseen">of {member.name}</span>
      </PageLink>
    </div>
  );
}
