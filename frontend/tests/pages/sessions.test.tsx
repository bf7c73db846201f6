import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";

import { card, MAY, open, panel, rowsOf } from "../dashboard";

const AGO = expect.stringMatching(/ago$/);

test("sessions come latest first, each with its totals", async () => {
  await open(`/sessions?${MAY}`);
  await waitFor(async () => expect(rowsOf(await panel("Sessions"))[1]?.[2]).toBe("owner"));
  expect(rowsOf(await panel("Sessions"))).toEqual([
    ["Session", "Updated", "Member", "Status", "Messages", "Errors", "Tool calls", "Tokens", "Cost", "Active"],
    ["second", AGO, "owner", "–", "1", "0", "1", "10", expect.any(String), expect.any(String)],
    ["first", AGO, "owner", "–", "4", "1", "2", "400", expect.any(String), expect.any(String)],
  ]);
});

test("the server's order is the only one, so no heading offers another", async () => {
  await open(`/sessions?${MAY}`);
  const sessions = await panel("Sessions");
  expect(within(sessions).queryByRole("button", { name: "Messages" })).toBeNull();
});

test("a filter by model leaves the sessions that used it; one by agent is none of the page's", async () => {
  await open(`/sessions?${MAY}&model=llama-3-8b.gguf&agent=planner`);
  expect(rowsOf(await panel("Sessions")).slice(1).map(([name]) => name)).toEqual(["second"]);
  expect(screen.queryByText(/^Agent/, { selector: "button" })).toBeNull();
});

test("a window without sessions says so", async () => {
  await open("/sessions?from=2025-01-01&to=2025-01-02");
  expect(await screen.findByText("No session was updated in this window.")).toBeTruthy();
});

test("a session leads to its own page, and that one back, with the window as it was", async () => {
  const user = await open(`/sessions?${MAY}`);
  await user.click(within(await panel("Sessions")).getByRole("link", { name: "first" }));
  expect(await within(await card("Tokens")).findByText("400")).toBeTruthy();
  expect(location.pathname).toMatch(/^\/sessions\/[0-9a-f-]{36}$/);
  expect(screen.queryByRole("group", { name: "Window" })).toBeNull();
  await user.click(screen.getByRole("link", { name: /All sessions/ }));
  expect(rowsOf(await panel("Sessions"))).toHaveLength(3);
  expect(location.pathname + location.search).toBe(`/sessions?${MAY}`);
});

test("a session's page has its messages, calls, steps and handoffs", async () => {
  const user = await open("/sessions", { account: "desk" });
  await user.click(within(await panel("Sessions")).getByRole("link", { name: "a" }));
  const at = expect.stringMatching(/:\d\d:\d\d.*UTC$/);
  expect(rowsOf(await panel("Messages")).slice(1)).toEqual([
    [at, "user", "–", "–", "10", expect.any(String), "–", "completed", "–"],
    [at, "assistant", "planner", "anthropic/claude-sonnet", "150", expect.any(String), "1.5s", "completed", "–"],
    [at, "assistant", "–", "–", "0", expect.any(String), "–", "failed", "overloaded"],
  ]);
  expect(rowsOf(await panel("Tool calls")).slice(1)).toEqual([[at, "search", "success", "100ms"]]);
  expect(rowsOf(await panel("Steps")).slice(1)).toEqual([[at, "1", "human_action", "–", "–"]]);
  expect(rowsOf(await panel("Handoffs")).slice(1)).toEqual([[at, "–", "refund", "high", at, "–", "60s"]]);
  expect(rowsOf(await panel("Session"))).toContainEqual(["Workspace", "desk"]);
  expect(within(await panel("Models")).getByText("anthropic/claude-sonnet")).toBeTruthy();
});

test("what a session does not have is said in its place", async () => {
  const user = await open(`/sessions?${MAY}`);
  await user.click(within(await panel("Sessions")).getByRole("link", { name: "second" }));
  expect(await screen.findByText("This session has no handoffs.")).toBeTruthy();
  expect(screen.getByText("This session has no steps.")).toBeTruthy();
  expect(screen.queryByText("Choose another window, or remove a filter.")).toBeNull();
});

test("a link to a session that is not there says so once", async () => {
  await open("/sessions/00000000-0000-0000-0000-000000000000");
  expect((await screen.findAllByRole("alert")).map((alert) => alert.textContent)).toEqual([
    expect.stringContaining("There is no session with this id in this account."),
  ]);
  expect(screen.getByRole("link", { name: /All sessions/ })).toBeTruthy();
});

test("a viewer is told which role the page needs", async () => {
  await open(`/sessions?${MAY}`, { role: "viewer" });
  expect(await screen.findByText(/Sessions needs the engineer role\./)).toBeTruthy();
});
