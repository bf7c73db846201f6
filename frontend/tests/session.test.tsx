import { act, screen } from "@testing-library/react";
import { afterEach, expect, inject, test, vi } from "vitest";

import { answerOf } from "../src/api/client";
import { may, signIn as begin } from "../src/session/session";
import { Caller } from "./caller";
import { MAY, open, panel, signIn } from "./dashboard";

const url = inject("url");

afterEach(() => {
  vi.useRealTimers();
});

/** A key of a member of Acme's, which its owner may take away again. */
async function borrowed() {
  const owner = await Caller.of(url, inject("acme").owner);
  const { id: user_id } = await owner.get("/api/v1/me");
  const { id, api_key } = await owner.post("/api/v1/keys", { name: "borrowed", user_id });
  return { api_key, revoke: () => owner.delete(`/api/v1/keys/${id}`) };
}

test("a token that grew old is renewed by the request that finds it so, unseen", async () => {
  let ends = 0;
  const { client, me } = await begin(inject("acme").engineer, () => void (ends += 1), url);
  expect(me.account_role).toBe("engineer");
  const sent = vi.spyOn(globalThis, "fetch");
  const later = Date.now() + 59 * 60_000;
  vi.useFakeTimers({ toFake: ["Date"], now: later });
  expect((await answerOf(client.GET("/api/v1/me"))).email).toBe("engineer@example.com");
  expect(sent.mock.calls.map(([request]) => new URL((request as Request).url).pathname)).toContain("/api/v1/auth/token");
  expect(ends).toBe(0);
  sent.mockRestore();
});

test("whose key is revoked is led to the door, once, and told why", async () => {
  const { api_key, revoke } = await borrowed();
  let ends = 0;
  const { client } = await begin(api_key, () => void (ends += 1), url);
  await revoke();
  for (let i = 0; i < 2; i += 1) await expect(answerOf(client.GET("/api/v1/me"))).rejects.toMatchObject({ status: 401 });
  expect(ends).toBe(1);
});

test("an open page whose key is revoked shows the door and nothing else", async () => {
  const { api_key, revoke } = await borrowed();
  const user = await open(`/?${MAY}`, { key: api_key });
  await panel("Busiest agents");
  await revoke();
  await user.click(screen.getByRole("button", { name: "90 days" }));
  expect((await screen.findByRole("status")).textContent).toContain("Your session ended");
  expect(screen.queryByText("planner")).toBeNull();
});

test("a role that is lowered takes the page away without signing out", async () => {
  const owner = await Caller.of(url, inject("acme").owner);
  const member = { email: `${crypto.randomUUID()}@example.com`, name: "Passing", account_role: "engineer" };
  const { id } = await owner.post("/api/v1/users", member);
  const { api_key } = await owner.post("/api/v1/keys", { name: "passing", user_id: id });
  await open(`/agents?${MAY}`, { key: api_key });
  await panel("Agents");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
  await owner.patch(`/api/v1/users/${id}`, { account_role: "viewer" });
  act(() => void window.dispatchEvent(new Event("visibilitychange")));
  expect(await screen.findByText(/Agents needs the engineer role\./)).toBeTruthy();
});

test("a refusal shows a lowered role at once", async () => {
  const owner = await Caller.of(url, inject("acme").owner);
  const member = { email: `${crypto.randomUUID()}@example.com`, name: "Lowered", account_role: "admin" };
  const { id } = await owner.post("/api/v1/users", member);
  const { api_key } = await owner.post("/api/v1/keys", { name: "lowered", user_id: id });
  const user = await open("/admin", { key: api_key });
  await panel("Members of the account");
  await owner.patch(`/api/v1/users/${id}`, { account_role: "viewer" });
  await user.click(screen.getByRole("link", { name: "Audit" }));
  expect(await screen.findByText(/Admin needs the admin role\./)).toBeTruthy();
  expect(screen.queryByRole("link", { name: "Admin" })).toBeNull();
});

test("who comes back to another account sees nothing of the first", async () => {
  const user = await open(`/?${MAY}`);
  await panel("Busiest agents");
  await user.click(screen.getByRole("button", { name: "Sign out" }));
  await signIn(user, inject("empty").engineer);
  expect(await screen.findByText("No agent answered in this window.")).toBeTruthy();
  expect(screen.queryByText("planner")).toBeNull();
});

test("a role may what those below it may", () => {
  expect(may("owner", "viewer") && may("admin", "engineer") && may("viewer", "viewer")).toBe(true);
  expect(may("viewer", "engineer") || may("engineer", "admin") || may("admin", "owner")).toBe(false);
});
