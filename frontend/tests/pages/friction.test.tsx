import { screen, within } from "@testing-library/react";
import { expect, test } from "vitest";

import { card, open, panel, rowsOf } from "../dashboard";

const desk = { account: "desk" } as const;

test("what went wrong is counted in all and per session", async () => {
  const user = await open("/friction", desk);
  const shown = { Sessions: "2", Friction: "4", "Friction per session": "2" };
  for (const [title, value] of Object.entries(shown)) expect(await within(await card(title)).findByText(value)).toBeTruthy();
  const wrong = await panel("What went wrong");
  await user.click(within(wrong).getByRole("button", { name: "Table" }));
  expect(rowsOf(wrong)).toEqual([
    ["Kind", "In all", "Per session"],
    ["Interruptions", "2", "1"],
    ["Rejected tools", "0", "0"],
    ["API errors", "1", "0.5"],
    ["Retries", "1", "0.5"],
  ]);
});

test("sessions come most friction first, and lead to their own page", async () => {
  const user = await open("/friction", desk);
  const sessions = await panel("Sessions");
  expect(rowsOf(sessions).map((row) => [row[0], ...row.slice(3)])).toEqual([
    ["Session", "Friction", "Interruptions", "Rejected tools", "API errors", "Retries", "Compactions", "Commands", "Skills", "Sub-agents"],
    ["a", "3", "2", "0", "0", "1", "0", "0", "1", "0"],
    ["b", "1", "0", "0", "1", "0", "0", "0", "0", "0"],
  ]);
  await user.click(within(sessions).getByRole("link", { name: "a" }));
  expect(await panel("Handoffs")).toBeTruthy();
  expect(location.pathname).toMatch(/^\/sessions\//);
});

test("a window of which no log tells says that, not that nothing went wrong", async () => {
  await open("/friction?from=2025-01-01&to=2025-01-02", desk);
  expect(await screen.findAllByText("No log of a session in this window counts anything.")).toHaveLength(3);
  expect(screen.getAllByText("tally push ~/.claude")).toHaveLength(3);
});

test("a viewer is told which role the page needs", async () => {
  await open("/friction", { role: "viewer" });
  expect(await screen.findByText(/Friction needs the engineer role\./)).toBeTruthy();
});
