import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";

import { card, MAY, open, panel, rowsOf } from "../dashboard";

test("each model has its messages, tokens, errors and times", async () => {
  await open(`/models?${MAY}`);
  expect(rowsOf(await panel("Models"))).toEqual([
    ["Model", "Id", "Messages", "Tokens", "Cost", "Errors", "Error rate", "Average time", "p50", "p95", "p99"],
    ["Claude Sonnet", "anthropic/claude-sonnet", "3", "390", "–", "1", "33.33%", "1.5s", expect.any(String), "1.99s", "1.99s"],
    ["Llama 3 8B", "llama-3-8b.gguf", "1", "10", "–", "0", "0%", "–", "–", "–", "–"],
  ]);
});

test("the cards are the sums of the lines, compared with the window before", async () => {
  await open("/models?from=2026-05-03&to=2026-05-04&zone=UTC");
  expect(await within(await card("Messages")).findByText("3")).toBeTruthy();
  expect(within(await card("Messages")).getByText("200%")).toBeTruthy();
  expect(within(await card("Tokens")).getByText("250")).toBeTruthy();
  expect(within(await card("Error rate")).getByText("33.3%")).toBeTruthy();
  expect(within(await card("Cost")).getByText("–")).toBeTruthy();
});

test("a click on a model filters by its id, in the address too", async () => {
  const user = await open(`/models?${MAY}`);
  await user.click(within(await panel("Models")).getByRole("button", { name: "Llama 3 8B" }));
  await waitFor(async () => expect(rowsOf(await panel("Models"))).toHaveLength(2));
  expect(location.search).toBe(`?${MAY}&model=llama-3-8b.gguf`);
});

test("the charts rank models by tokens, and by time only those whose time is known", async () => {
  const user = await open(`/models?${MAY}`);
  const charts = { "Tokens and cost": ["anthropic/claude-sonnet", "llama-3-8b.gguf"], Slowest: ["anthropic/claude-sonnet"] };
  for (const [title, names] of Object.entries(charts)) {
    const chart = await panel(title);
    await user.click(within(chart).getByRole("button", { name: "Table" }));
    expect(rowsOf(chart).slice(1).map(([name]) => name)).toEqual(names);
  }
});

test("a window without models says so and what to do", async () => {
  await open("/models?from=2025-01-01&to=2025-01-02");
  expect(await screen.findAllByText("No message names a model in this window.")).toHaveLength(3);
});

test("a viewer is told which role the page needs", async () => {
  await open(`/models?${MAY}`, { role: "viewer" });
  expect(await screen.findByText(/Models needs the engineer role\./)).toBeTruthy();
});
