import { screen, within } from "@testing-library/react";
import { expect, test } from "vitest";

import { card, MAY, open, panel, rowsOf } from "../dashboard";

test("the cards say what happened, and how it changed", async () => {
  await open(`/?${MAY}`);
  expect(await within(await card("Messages")).findByText("5")).toBeTruthy();
  expect(await within(await card("Tokens")).findByText("410")).toBeTruthy();
  expect(await within(await card("Error rate")).findByText("20%")).toBeTruthy();
  expect(await within(await card("Messages")).findByText("nothing before")).toBeTruthy();
});

test("the tokens of a day are told by class, in the chart's table", async () => {
  const user = await open("/?from=2026-05-01&to=2026-05-03&zone=UTC");
  const tokens = await panel("Tokens per day");
  await user.click(within(tokens).getByRole("button", { name: "Table" }));
  expect(rowsOf(tokens)).toEqual([
    ["Day", "Cache read", "Cache creation", "Input", "Output"],
    ["Fri, May 1, 2026", "0", "0", "110", "50"],
    ["Sat, May 2, 2026", "0", "0", "0", "0"],
    ["Sun, May 3, 2026", "0", "0", "205", "45"],
  ]);
});

test("the arrow keys read a chart day by day, exactly", async () => {
  const user = await open("/?from=2026-05-01&to=2026-05-03&zone=UTC");
  const plot = within(await panel("Messages per day")).getByRole("group");
  plot.focus();
  await user.keyboard("{End}");
  expect(within(plot).getByRole("status").textContent).toBe("Sun, May 3, 2026Messages 3Sessions 2");
  await user.keyboard("{Home}");
  expect(within(plot).getByRole("status").textContent).toBe("Fri, May 1, 2026Messages 2Sessions 1");
});

test("an account without data says that there is nothing, not nought", async () => {
  await open("/", { account: "empty" });
  expect(await screen.findAllByText("Nothing happened in this window.")).toHaveLength(3);
  expect(await screen.findByText("No agent answered in this window.")).toBeTruthy();
});
