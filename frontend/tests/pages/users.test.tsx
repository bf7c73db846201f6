import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";

import { card, MAY, open, panel, rowsOf } from "../dashboard";

test("every member has a line, also those who did nothing", async () => {
  await open(`/users?${MAY}`);
  // Other tests invite members while this one runs: only those who were there before are looked at.
  const rows = rowsOf(await panel("Members"));
  expect(rows.filter(([name = ""]) => ["Member", "owner", "engineer", "viewer"].includes(name))).toEqual([
    ["Member", "Messages", "Sessions", "Tokens", "Cost", "Last active"],
    ["owner", "5", "2", "410", "–", expect.stringMatching(/ago$/)],
    ["engineer", "0", "0", "0", "$0.00", "–"],
    ["viewer", "0", "0", "0", "$0.00", "–"],
  ]);
});

test("the cards say how much it was, compared with the window before", async () => {
  await open("/users?from=2026-05-03&to=2026-05-04&zone=UTC");
  expect(await within(await card("Messages")).findByText("3")).toBeTruthy();
  expect(within(await card("Messages")).getByText("50%")).toBeTruthy();
  expect(within(await card("Sessions")).getByText("1")).toBeTruthy();
});

test("a click on a member filters by them, in the address too", async () => {
  const user = await open(`/users?${MAY}`);
  await user.click(within(await panel("Members")).getByRole("button", { name: "owner" }));
  await waitFor(() => expect(location.search).toMatch(/&member=[0-9a-f-]{36}$/));
});

test("members that the account does not show one by one share a line, plainly named and not to be picked", async () => {
  await open(`/users?${MAY}&agent=planner`);
  const members = await panel("Members");
  expect(rowsOf(members).slice(1)).toEqual([
    ["Other members, together", "3", expect.any(String), "390", "–", "–"],
    ["engineer", "0", "0", "0", "$0.00", "–"],
  ]);
  expect(within(members).queryByRole("button", { name: "Other members, together" })).toBeNull();
  expect(within(members).getByText(/your account shows them in one line/)).toBeTruthy();
});

test("an owner sees them one by one", async () => {
  await open(`/users?${MAY}&agent=planner`, { role: "owner" });
  expect(within(await panel("Members")).getByRole("button", { name: "owner" })).toBeTruthy();
  expect(screen.queryByText("Other members, together")).toBeNull();
});

test("a window in which nobody did anything says so", async () => {
  await open("/users?from=2025-01-01&to=2025-01-02");
  expect(await screen.findAllByText("Nobody did anything in this window.")).toHaveLength(3);
});

test("a viewer is told which role the page needs", async () => {
  await open(`/users?${MAY}`, { role: "viewer" });
  expect(await screen.findByText(/Members needs the engineer role\./)).toBeTruthy();
});
