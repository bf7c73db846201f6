import { createTallyClient, type TallyClient } from "../api/client";
import { ApiProblem } from "../api/problem";
import type { components } from "../api/schema";
import { exchanged, renewing } from "../api/token";

export type Me = components["schemas"]["Profile"];
export type Role = Me["account_role"];

/** Somebody who is signed in. The key and the token live in the closure of `client`, and nowhere else. */
export interface Session {
  client: TallyClient;
  me: Me;
}

/** So that the audit tells what was read in the dashboard from what a program read. */
const HEADERS = { "X-Tally-Client": "web" };
const LADDER: readonly Role[] = ["viewer", "engineer", "admin", "owner"];

export function may(role: Role, needed: Role): boolean {
  return LADDER.indexOf(role) >= LADDER.indexOf(needed);
}

/** Whose member one may change: other admins, and owners, are an owner's business. */
export function mayChange(me: Pick<Me, "id" | "account_role">, member: { id: string; account_role: Role }): boolean {
  return me.account_role === "owner" || member.id === me.id || !may(member.account_role, "admin");
}

/** Not an admin's own either: what is erased was theirs to answer for. */
export function mayErase(me: Pick<Me, "account_role">, member: { account_role: Role }): boolean {
  return me.account_role === "owner" || !may(member.account_role, "admin");
}

/**
 * Exchanges the key for a token, which is renewed whenever a request finds it old. `onEnd` hears, once, when the key or
 * its member opens the door no more.
 */
export async function signIn(apiKey: string, onEnd: () => void, baseUrl?: string): Promise<Session> {
  let ended = false;
  const end = () => {
    if (!ended) onEnd();
    ended = true;
  };
  const first = await exchanged(apiKey, baseUrl, HEADERS);
  const tokens = [first];
  const token = renewing(async () => tokens.pop() ?? exchanged(apiKey, baseUrl, HEADERS));
  // Its life is counted from now, whenever the first question comes.
  await token();
  const client = createTallyClient({
    ...(baseUrl !== undefined && { baseUrl }),
    headers: HEADERS,
    token: () => token().catch((why: unknown) => refused(why, end)),
  });
  client.use({
    onResponse({ response }) {
      if (response.status === 401) end();
    },
  });
  return { client, me: first.me };
}

function refused(why: unknown, end: () => void): never {
  if (why instanceof ApiProblem && why.status === 401) end();
  throw why;
}
