import { screen, within } from "@testing-library/react";
import { expect, test } from "vitest";

import { card, MAY, open, panel, rowsOf } from "../dashboard";

test("each tool has its calls, errors and durations", async () => {
  await open(`/tools?${MAY}`);
  expect(rowsOf(await panel("Tools"))).toEqual([
    ["Tool", "Calls", "Errors", "Error rate", "Average time", "p50", "p95", "p99"],
    ["search", "2", "1", "50%", "200ms", "100ms", expect.stringMatching(/^(299|30\d)ms$/), expect.any(String)],
    ["edit", "1", "0", "0%", "50ms", "50ms", "50ms", "50ms"],
  ]);
});

test("the cards are the sums of the lines, compared with the window before", async () => {
  await open("/tools?from=2026-05-03&to=2026-05-04&zone=UTC");
  expect(await within(await card("Calls")).findByText("2")).toBeTruthy();
  expect(within(await card("Calls")).getByText("100%")).toBeTruthy();
  expect(within(await card("Errors")).getByText("1")).toBeTruthy();
  expect(within(await card("Error rate")).getByText("50%")).toBeTruthy();
});

test("only tools that failed stand among those that fail most often", async () => {
  const user = await open(`/tools?${MAY}`);
  const wrong = await panel("Most often wrong");
  await user.click(within(wrong).getByRole("button", { name: "Table" }));
  expect(rowsOf(wrong)).toEqual([
    ["Tool", "Errors", "Error rate"],
    ["search", "1", "50%"],
  ]);
});

test("a window in which nothing failed says that, not that nothing was called", async () => {
  await open("/tools?from=2026-05-01&to=2026-05-01&zone=UTC");
  expect(await screen.findByText("No call failed in this window.")).toBeTruthy();
  expect(rowsOf(await panel("Tools"))).toHaveLength(2);
});

test("filters that a tool call does not have are neither shown nor sent", async () => {
  await open(`/tools?${MAY}&agent=planner&model=llama-3-8b.gguf`);
  expect(rowsOf(await panel("Tools"))).toHaveLength(3);
  expect(screen.getByText("Member", { selector: "summary, button" })).toBeTruthy();
  expect(screen.queryByText(/^Agent/, { selector: "summary, button" })).toBeNull();
});

test("a window without calls says so", async () => {
  await open("/tools?from=2025-01-01&to=2025-01-02");
  expect(await screen.findAllByText("No tool was called in this window.")).toHaveLength(4);
});

test("a viewer is told which role the page needs", async () => {
  await open(`/tools?${MAY}`, { role: "viewer" });
  expect(await screen.findByText(/Tools needs the engineer role\./)).toBeTruthy();
});
