import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";

import { card, open, panel, rowsOf } from "../dashboard";

const ADDRESS = "/flowpilot/escalations";
const desk = { account: "desk" } as const;

async function populations() {
  const found = await screen.findByRole("region", { name: "What is measured" });
  await waitFor(() => expect(within(found).queryAllByRole("term")).toHaveLength(4));
  return within(found).getAllByRole("definition").map((count) => count.textContent);
}

test("the times to a first action and to a claim stand beside what is not claimed", async () => {
  await open(ADDRESS, desk);
  const shown = {
    "Average to action": "60s",
    "Median to action": "60s",
    "p95 to action": "90s",
    "Median to claim": "2m",
    "p95 to claim": "3m",
    Unclaimed: "1",
  };
  for (const [title, value] of Object.entries(shown)) expect(await within(await card(title)).findByText(value)).toBeTruthy();
});

test("beside the numbers stands of whom they are and what they measure, the manual baseline included", async () => {
  await open(ADDRESS, desk);
  expect(await populations()).toEqual(["3", "2", "4", "1"]);
  expect(screen.getByText(/any savings claim must be paired with a manual baseline/)).toBeTruthy();
});

test("another period is in the address, and counts what lies further back", async () => {
  const user = await open(ADDRESS, desk);
  await user.click(await screen.findByRole("button", { name: "Last 90 days" }));
  await waitFor(async () => expect(await populations()).toEqual(["4", "3", "5", "1"]));
  expect(location.search).toBe("?period=90d");
  expect(screen.getByRole("button", { name: "Last 90 days" }).getAttribute("aria-pressed")).toBe("true");
  await user.click(screen.getByRole("button", { name: "Last 30 days" }));
  expect(location.search).toBe("");
});

test("a link opens the period it names", async () => {
  await open(`${ADDRESS}?period=90d`, desk);
  expect(await within(await card("Average to action")).findByText("4m")).toBeTruthy();
});

test("a period that is none shows the usual", async () => {
  await open(`${ADDRESS}?period=1y`, desk);
  expect(await populations()).toEqual(["3", "2", "4", "1"]);
});

test("the distribution has every handoff that was acted on, in one of its bins", async () => {
  const user = await open(ADDRESS, desk);
  const chart = await panel("Time to first action");
  await user.click(within(chart).getByRole("button", { name: "Table" }));
  const rows = rowsOf(chart).slice(1);
  expect(rows.filter(([, n]) => n !== "0")).toEqual([
    ["30s–60s", "1"],
    ["60s–2m", "1"],
  ]);
  expect([rows[0]?.[0], rows.at(-1)?.[0]]).toEqual(["< 30s", "≥ 24h"]);
});

test("intents and priorities each have their times", async () => {
  await open(ADDRESS, desk);
  expect(rowsOf(await panel("By intent"))).toEqual([
    ["Intent", "Claimed", "Acted on", "Average", "Median", "p95"],
    ["refund", "2", "2", "60s", "60s", "90s"],
    ["access", "1", "0", "–", "–", "–"],
  ]);
  expect(rowsOf(await panel("By priority")).slice(1)).toEqual([
    ["low", "2", "1", "90s", "90s", "90s"],
    ["high", "1", "1", "30s", "30s", "30s"],
  ]);
});

test("every day of the period is there, and their sum is the period", async () => {
  const user = await open(`${ADDRESS}?period=7d`, desk);
  const chart = await panel("Handoffs per day");
  await user.click(within(chart).getByRole("button", { name: "Table" }));
  const [heading, ...days] = rowsOf(chart);
  expect(heading).toEqual(["Day", "Handed over", "Claimed", "Acted on"]);
  expect(days.length).toBeGreaterThanOrEqual(7);
  expect([1, 2, 3].map((i) => days.reduce((sum, day) => sum + Number(day[i]), 0))).toEqual([4, 3, 2]);
});

test("an account that hands nothing over is told so, and what to do", async () => {
  await open(ADDRESS, { account: "empty" });
  expect(await screen.findAllByText("Nothing was handed over in this period.")).toHaveLength(5);
  expect(screen.getAllByText("Choose a longer period.")).toHaveLength(5);
  expect(within(await card("Average to action")).getByText("–")).toBeTruthy();
});

test("a viewer is told which role the page needs", async () => {
  await open(ADDRESS, { role: "viewer" });
  expect(await screen.findByText(/Escalations needs the engineer role\./)).toBeTruthy();
});
