import { answerOf } from "../../api/client";
import type { components } from "../../api/schema";
import { Ask } from "../../parts/ask";
import { Field, PickOne } from "../../parts/field";
import { useMay, useSession } from "../../session/current";
import { may, type Role } from "../../session/session";
import { rowsWritten, untilDone } from "./until-done";

export type Member = components["schemas"]["Member"];

interface ChangeProps {
  member: Member;
  onDone: (sentence: string) => void;
  onClose: () => void;
}

const ROLES = [
  ["viewer", "viewer: what is their own"],
  ["engineer", "engineer: all reports"],
  ["admin", "admin: members, settings, upkeep"],
  ["owner", "owner: admins too"],
] as const;

/** Only owners make admins and owners; an admin may stay one. */
function useRoles(stays?: Role) {
  const isOwner = useMay("owner");
  return ROLES.filter(([role]) => isOwner || role === stays || !may(role, "admin"));
}

function text(given: FormData, name: string): string {
  return String(given.get(name) ?? "").trim();
}

export function Add({ onDone, onClose }: Omit<ChangeProps, "member">) {
  const { client } = useSession();
  const roles = useRoles();
  return (
    <Ask
      title="Add a member"
      action="Add"
      send={(given, signal) => {
        const body = { email: text(given, "email"), name: text(given, "name"), account_role: text(given, "role") as Role };
        return answerOf(client.POST("/api/v1/users", { body, signal }));
      }}
      onDone={({ name, account_role }) => onDone(`${name} is a member now, as ${account_role}. Make them a key: Keys, beside the name.`)}
      onClose={onClose}
    >
      <Field label="E-mail" name="email" inputMode="email" required />
      <Field label="Name" name="name" required />
      <PickOne label="Role" name="role" options={roles} initial="viewer" />
    </Ask>
  );
}

export function Change({ member, onDone, onClose }: ChangeProps) {
  const { client } = useSession();
  const roles = useRoles(member.account_role);
  return (
    <Ask
      title={`Edit ${member.name}`}
      action="Save"
      send={(given, signal) => {
        const [name, role] = [text(given, "name"), text(given, "role") as Role];
        const body = { ...(name !== member.name && { name }), ...(role !== member.account_role && { account_role: role }) };
        return answerOf(client.PATCH("/api/v1/users/{user_id}", { params: { path: { user_id: member.id } }, body, signal }));
      }}
      onDone={({ name, account_role }) => onDone(`Saved: ${name}, ${account_role}.`)}
      onClose={onClose}
    >
      <Field label="Name" name="name" defaultValue={member.name} required />
      <PickOne label="Role" name="role" options={roles} initial={member.account_role} note="Acts at their next request." />
    </Ask>
  );
}

export function Activate({ member, onDone, onClose }: ChangeProps) {
  const { client } = useSession();
  const active = !member.active;
  return (
    <Ask
      title={active ? `Reactivate ${member.name}?` : `Deactivate ${member.name}?`}
      action={active ? "Reactivate" : "Deactivate"}
      isGrave={!active}
      send={(_, signal) => {
        const params = { path: { user_id: member.id } };
        return answerOf(client.PATCH("/api/v1/users/{user_id}", { params, body: { active }, signal }));
      }}
      onDone={({ name }) => onDone(`${name} is ${active ? "active again" : "deactivated"}.`)}
      onClose={onClose}
    >
      <p>
        {active
          ? "Their keys open the door again, with the role they had."
          : "From now on their keys and tokens open nothing. What they did stays in the reports; you can reactivate them."}
      </p>
    </Ask>
  );
}

export function Erase({ member, onDone, onClose }: ChangeProps) {
  const { client } = useSession();
  return (
    <Ask
      title={`Erase what ${member.name} did?`}
      action="Erase for good"
      isGrave
      send={(_, signal) => {
        const params = { path: { user_id: member.id } };
        return untilDone(() => answerOf(client.DELETE("/api/v1/users/{user_id}/data", { params, signal })));
      }}
      onDone={(rows) => onDone(`Erased what ${member.name} did: ${rowsWritten(rows)}.`)}
      onClose={onClose}
    >
      <p>
        Sessions with all that belongs to them, session logs, what they read, and their share of every report go for good.
        The member and their keys stay, and so does the audit of what they changed.
      </p>
      <p className="soft">A year of work may take some minutes; closing this stops it where it is.</p>
    </Ask>
  );
}
