import { useMemo } from "react";

import type { components } from "../api/schema";
import { BarList } from "../charts/bar-list";
import { ago, instant } from "../format/instants";
import { COUNT, DOLLARS, usd } from "../format/numbers";
import { Card } from "../parts/card";
import { cost, COST, figure, ranked } from "../parts/columns";
import { Panel } from "../parts/panel";
import { Pick } from "../parts/pick";
import { type Column, DataTable } from "../parts/table";
import { type Report, useReport } from "../reports/useReport";
import { useView } from "../view/useView";
import { withPicked } from "../view/view";

type Member = components["schemas"]["MemberUsage"];
type Members = components["schemas"]["MemberReport"];

const HEIGHT = 290;
const TOGETHER = "Other members, together";
const NOBODY = "No member";

/** What each member's sessions came to. */
export default function UsersPage() {
  const { edit, inZone, ...view } = useView();
  const query = { ...view.window, ...view.agents, ...view.models, ...view.members };
  const report = useReport("/api/v1/analytics/users", { ...query, compare: "previous" });
  const only = useMemo(() => (id: string) => edit(withPicked("member", [id])), [edit]);
  const columns = useMemo(() => columnsFor(only, inZone), [only, inZone]);
  const half = { className: "half", report, height: HEIGHT, empty };
  return (
    <div className="grid">
      {report.data !== undefined || report.error === null ? <Cards report={report} /> : null}
      <Panel title="Messages" note="Of every role, in each member's sessions." {...half}>
        {({ users }) => <BarList columns={["Member", "Messages"]} format={COUNT} bars={ranked(users, byMessages)} onPick={only} />}
      </Panel>
      <Panel title="Cost" note="In US dollars, of what has a known price." {...half} empty={free}>
        {({ users }) => <BarList columns={["Member", "Cost"]} format={DOLLARS} bars={ranked(users, byCost)} onPick={only} />}
      </Panel>
      <Panel title="Members" note={noteOf(report.data)} kind="table" report={report} height={280} empty={empty}>
        {({ users }) => <DataTable columns={columns} rows={users} keyOf={({ user_id, name }) => user_id ?? `(${name})`} />}
      </Panel>
    </div>
  );
}

function Cards({ report: { data, isPrevious } }: { report: Report<Members> }) {
  const before = data?.previous;
  return (
    <div className="cards" data-previous={isPrevious}>
      <Card title="Messages" note="Of every role." format={COUNT} value={data?.total_messages} before={before?.total_messages} days={null} />
      <Card title="Sessions" note="Begun in the window." format={COUNT} value={data?.total_sessions} before={before?.total_sessions} days={null} />
      <Card title="Tokens" format={COUNT} value={data?.total_tokens} before={before?.total_tokens} days={null} />
      <Card title="Cost" note="Of what has a known price." format={DOLLARS} value={data && cost(data.users)} days={null} />
    </div>
  );
}

/** Lines that are nobody's alone have no id: the API calls them `other` and `unknown`. */
function nameOf({ user_id, name }: Member): string {
  if (user_id !== null) return name;
  return name === "other" ? TOGETHER : NOBODY;
}

function noteOf(data: Members | undefined): string {
  const names = data?.users.filter(({ user_id }) => user_id === null).map(nameOf) ?? [];
  const said = ["Every member, also those who did nothing."];
  if (names.includes(TOGETHER)) said.push("So few are in this answer that your account shows them in one line.");
  if (names.includes(NOBODY)) said.push(`${NOBODY}: sessions that came in without one.`);
  return said.join(" ");
}

function columnsFor(only: (id: string) => void, zone: string): Column<Member>[] {
  return [
    {
      name: "Member",
      value: nameOf,
      show: (member) => {
        const { user_id } = member;
        return user_id === null ? nameOf(member) : <Pick className="clipped" name={member.name} onPick={() => only(user_id)} />;
      },
    },
    figure("Messages", COUNT, ({ messages }) => messages),
    figure("Sessions", COUNT, ({ sessions }) => sessions),
    figure("Tokens", COUNT, ({ tokens }) => tokens),
    COST,
    {
      name: "Last active",
      value: ({ last_active_at }) => last_active_at,
      text: ({ last_active_at }) => (last_active_at === null ? "–" : instant(last_active_at, zone)),
      show: ({ last_active_at }) => last_active_at && <span title={instant(last_active_at, zone)}>{ago(last_active_at)}</span>,
    },
  ];
}

function empty({ total_messages, total_sessions }: Members): string | null {
  return total_messages + total_sessions === 0 ? "Nobody did anything in this window." : null;
}

function free(data: Members): string | null {
  return empty(data) ?? ((cost(data.users) ?? 0) === 0 ? "Nothing with a known price was used in this window." : null);
}

function byMessages(member: Member) {
  return { name: nameOf(member), id: member.user_id, value: member.messages };
}

function byCost(member: Member) {
  return { name: nameOf(member), id: member.user_id, value: usd(member.cost_usd) };
}
