import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";

import { MAY, open, panel, rowsOf } from "../dashboard";

test("each agent has its answers, tokens, errors and times", async () => {
  await open(`/agents?${MAY}`);
  expect(rowsOf(await panel("Agents"))).toEqual([
    ["Agent", "Answers", "Tokens", "Cost", "Errors", "Error rate", "Average time", "p50", "p95", "p99"],
    ["planner", "3", "390", expect.any(String), "1", "33.33%", "1.5s", expect.any(String), expect.any(String), expect.any(String)],
    ["unknown", "1", "10", expect.any(String), "0", "0%", "–", "–", "–", "–"],
  ]);
});

test("a heading sorts, the other way the second time", async () => {
  const user = await open(`/agents?${MAY}`);
  const agents = await panel("Agents");
  const names = () => rowsOf(agents).map(([name]) => name);
  await user.click(within(agents).getByRole("button", { name: "Answers" }));
  expect(names()).toEqual(["Agent", "planner", "unknown"]);
  await user.click(within(agents).getByRole("button", { name: /Answers/ }));
  expect(names()).toEqual(["Agent", "unknown", "planner"]);
  expect(within(agents).getByRole("columnheader", { name: /Answers/ }).getAttribute("aria-sort")).toBe("ascending");
});

test("a click on a name filters by it, in the address too", async () => {
  const user = await open(`/agents?${MAY}`);
  await user.click(within(await panel("Answers")).getByRole("button", { name: "planner" }));
  await waitFor(async () => expect(rowsOf(await panel("Agents"))).toHaveLength(2));
  expect(location.search).toBe(`?${MAY}&agent=planner`);
});

test("a window without agents says so and what to do", async () => {
  await open("/agents?from=2025-01-01&to=2025-01-02");
  expect(await screen.findAllByText("No agent answered in this window.")).toHaveLength(3);
  expect(screen.getAllByText("Choose another window, or remove a filter.")).toHaveLength(3);
});

test("a viewer is told which role the page needs", async () => {
  await open(`/agents?${MAY}`, { role: "viewer" });
  expect(await screen.findByText(/Agents needs the engineer role\./)).toBeTruthy();
  expect(screen.queryByRole("link", { name: "Agents" })).toBeNull();
});
