import { screen, waitFor, within } from "@testing-library/react";
import { expect, inject, test } from "vitest";

import { Caller } from "../caller";
import { open, panel, rowsOf } from "../dashboard";

const url = inject("url");
const workshop = { account: "workshop", role: "owner" } as const;

type Role = "viewer" | "engineer" | "admin" | "owner";

/** A member of their own, so that what one test does is in nobody's way. */
async function member(account_role: Role) {
  const owner = await Caller.of(url, inject("workshop").owner);
  const name = `M${crypto.randomUUID().slice(0, 8)}`;
  const { id } = await owner.post("/api/v1/users", { email: `${name}@example.com`, name, account_role });
  const { api_key: key } = await owner.post("/api/v1/keys", { name: "tests", user_id: id });
  return { id, name, key, owner };
}

async function lineOf(name: string): Promise<string[] | undefined> {
  return rowsOf(await panel("Members of the account")).find(([first]) => first === name);
}

function dialog() {
  return within(screen.getByRole("dialog"));
}

test("an owner adds a member, who is in the list and told of", async () => {
  const user = await open("/admin", workshop);
  await panel("Members of the account");
  await user.click(screen.getByRole("button", { name: "Add a member" }));
  await user.type(dialog().getByLabelText("E-mail"), "nina@example.com");
  await user.type(dialog().getByLabelText("Name"), "Nina");
  await user.selectOptions(dialog().getByLabelText("Role"), "engineer");
  await user.click(dialog().getByRole("button", { name: "Add" }));
  expect(await screen.findByText(/^Nina is a member now, as engineer\./)).toBeTruthy();
  expect(screen.queryByRole("dialog")).toBeNull();
  await waitFor(async () => expect((await lineOf("Nina"))?.slice(1, 4)).toEqual(["nina@example.com", "engineer", "active"]));
});

test("what the API refuses is said in its sentence, and the dialog stays with what was typed", async () => {
  const user = await open("/admin", workshop);
  await panel("Members of the account");
  await user.click(screen.getByRole("button", { name: "Add a member" }));
  await user.type(dialog().getByLabelText("E-mail"), "owner@example.com");
  await user.type(dialog().getByLabelText("Name"), "Again");
  await user.click(dialog().getByRole("button", { name: "Add" }));
  expect((await dialog().findByRole("alert")).textContent).toBe("This account already has a member with this e-mail address.");
  expect(dialog().getByLabelText<HTMLInputElement>("Name").value).toBe("Again");
});

test("a role is changed, and acts", async () => {
  const { name, key } = await member("viewer");
  const user = await open("/admin", workshop);
  await user.click(await screen.findByRole("button", { name: `Edit: ${name}` }));
  await user.selectOptions(dialog().getByLabelText("Role"), "engineer");
  await user.click(dialog().getByRole("button", { name: "Save" }));
  expect(await screen.findByText(`Saved: ${name}, engineer.`)).toBeTruthy();
  await (await Caller.of(url, key)).get("/api/v1/analytics/summary");
});

test("an admin is offered only what an admin may", async () => {
  const { key, name: own } = await member("admin");
  const { name } = await member("viewer");
  const user = await open("/admin", { key });
  await user.click(await screen.findByRole("button", { name: `Edit: ${name}` }));
  const roles = dialog().getByLabelText<HTMLSelectElement>("Role").options;
  expect([...roles].map(({ value }) => value)).toEqual(["viewer", "engineer"]);
  await user.click(dialog().getByRole("button", { name: "Cancel" }));
  expect(screen.getByRole("button", { name: `Erase data: ${name}` })).toBeTruthy();
  expect(screen.getByRole("button", { name: `Edit: ${own}` })).toBeTruthy();
  expect(screen.queryByRole("button", { name: `Erase data: ${own}` })).toBeNull();
  const { id: above, name: owner } = await (await Caller.of(url, inject("workshop").owner)).get("/api/v1/me");
  for (const what of ["Edit", "Deactivate", "Erase data"]) expect(screen.queryByRole("button", { name: `${what}: ${owner}` })).toBeNull();
  history.pushState(null, "", `/admin/keys/${above}`);
  await panel(`Keys of ${owner}`);
  expect(screen.queryByRole("button", { name: "Make a key" })).toBeNull();
  expect(screen.queryByRole("button", { name: /^Revoke/ })).toBeNull();
});

test("the last owner stays one", async () => {
  const user = await open("/admin", workshop);
  const { name } = await (await Caller.of(url, inject("workshop").owner)).get("/api/v1/me");
  await user.click(await screen.findByRole("button", { name: `Deactivate: ${name}` }));
  await user.click(dialog().getByRole("button", { name: "Deactivate" }));
  expect((await dialog().findByRole("alert")).textContent).toMatch(/last owner/);
  await user.click(dialog().getByRole("button", { name: "Cancel" }));
  expect(screen.queryByRole("dialog")).toBeNull();
});

test("who is deactivated is out, and comes back as they were", async () => {
  const { name, key } = await member("engineer");
  const user = await open("/admin", workshop);
  await user.click(await screen.findByRole("button", { name: `Deactivate: ${name}` }));
  await user.click(dialog().getByRole("button", { name: "Deactivate" }));
  expect(await screen.findByText(`${name} is deactivated.`)).toBeTruthy();
  await expect(Caller.of(url, key)).rejects.toThrow("401");
  await user.click(await screen.findByRole("button", { name: `Reactivate: ${name}` }));
  await user.click(dialog().getByRole("button", { name: "Reactivate" }));
  expect(await screen.findByText(`${name} is active again.`)).toBeTruthy();
  await Caller.of(url, key);
});

test("a member's data is erased only after a yes", async () => {
  const { id, name, key } = await member("viewer");
  const self = await Caller.of(url, key);
  const at = new Date().toISOString();
  const messages = [{ id: `${id}-1`, session_id: id, role: "user", created_at: at }];
  await self.post("/api/v1/ingest/batches", { sessions: [{ id, created_at: at }], messages });
  const sessions = async () => (await self.get("/api/v1/me/stats/sessions")).total;
  const user = await open("/admin", workshop);
  await user.click(await screen.findByRole("button", { name: `Erase data: ${name}` }));
  await user.click(dialog().getByRole("button", { name: "Cancel" }));
  expect(await sessions()).toBe(1);
  await user.click(screen.getByRole("button", { name: `Erase data: ${name}` }));
  await user.click(dialog().getByRole("button", { name: "Erase for good" }));
  expect((await screen.findByText(/^Erased what /)).textContent).toMatch(/1 messages.*1 sessions|1 sessions.*1 messages/);
  expect(await sessions()).toBe(0);
});

test("another's keys are made and revoked beside their name", async () => {
  const { id, name } = await member("engineer");
  const user = await open("/admin", workshop);
  await user.click(await screen.findByRole("link", { name: `Keys of ${name}` }));
  expect(location.pathname).toBe(`/admin/keys/${id}`);
  await panel(`Keys of ${name}`);
  await user.click(screen.getByRole("button", { name: "Make a key" }));
  await user.type(dialog().getByLabelText("Name"), "robot");
  await user.click(dialog().getByRole("button", { name: "Make" }));
  const made = await screen.findByRole("dialog", { name: "The key robot" });
  const key = within(made).getByLabelText<HTMLInputElement>("API key").value;
  expect((await (await Caller.of(url, key)).get("/api/v1/me")).id).toBe(id);
});

test("an engineer is told that the page needs an admin", async () => {
  await open("/admin/audit", { account: "workshop", role: "engineer" });
  expect(await screen.findByText(/Admin needs the admin role\./)).toBeTruthy();
  expect(screen.queryByRole("link", { name: "Admin" })).toBeNull();
});

test("a member whom nobody knows, and a section that there is none of, are said so", async () => {
  const user = await open("/admin/keys/00000000-0000-4000-8000-000000000000", workshop);
  expect(await screen.findByText(/There is no member with this id in this account\./)).toBeTruthy();
  history.pushState(null, "", "/admin/nowhere");
  await user.click(screen.getByRole("link", { name: "Audit" }));
  history.back();
  expect(await screen.findByText("There is no such section")).toBeTruthy();
});
