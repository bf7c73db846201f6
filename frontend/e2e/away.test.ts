import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, inject, test } from "vitest";

import { Tally } from "../tests/tally";
import { open, settled, signIn, turnTo, visit } from "./window";

test("a server that goes away leaves what is shown, with its age; when it is back, so is the page", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tally-"));
  let tally = await Tally.up(folder, "--port", "0");
  try {
    const { engineer } = await tally.demoKeys();
    const address = { baseURL: tally.url, expected: /ERR_CONNECTION|Failed to load/ };
    const page = await signIn(await visit("/agents", address), engineer);
    await settled(page);
    await tally.stop();
    await page.getByRole("button", { name: "7 days" }).click();
    await page.getByRole("alert").first().waitFor();
    expect(await page.getByRole("alert").first().innerText()).toContain("No connection to Tally");
    await page.getByRole("status").filter({ hasText: "No connection" }).waitFor();
    tally = await Tally.up(folder, "--port", new URL(tally.url).port);
    await expect.poll(() => page.getByRole("alert").count(), { timeout: 30_000 }).toBe(0);
    await settled(page);
    expect(await page.getByRole("status").filter({ hasText: "No connection" }).count()).toBe(0);
  } finally {
    await tally.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a page whose script did not come opens by itself when the network is back, and one's session stays", async () => {
  const page = await visit("/agents", { expected: /ERR_|Failed to (load|fetch)|dynamically imported|Unreachable/ });
  await page.context().route(/assets\/(escalations|tools|members)-/, (route) => route.abort("internetdisconnected"));
  await signIn(page, inject("demo").owner);
  await settled(page);
  const navigation = page.getByRole("navigation", { name: "Pages" });
  await navigation.getByRole("link", { name: "Tools", exact: true }).click();
  await page.getByText("This page could not be opened").waitFor();
  await navigation.getByRole("link", { name: "Escalations", exact: true }).click();
  await page.getByText("This page could not be opened").waitFor();
  await page.context().unroute(/assets\/(escalations|tools|members)-/);
  await page.evaluate(() => window.dispatchEvent(new Event("online")));
  await page.getByRole("heading", { level: 2 }).first().waitFor();
  expect(await page.evaluate(() => [...document.styleSheets].some(({ href }) => href?.includes("escalations") ?? false))).toBe(true);
  await turnTo(page, "Tools");
  expect(await page.getByText("This page could not be opened").count()).toBe(0);
});

test("whoever is signed in has every page's script before the network goes away", async () => {
  const page = await open("/agents", "engineer", { expected: /ERR_|Failed to load/ });
  await expect.poll(() => page.evaluate(() => performance.getEntriesByType("resource").some(({ name }) => name.includes("friction-")))).toBe(true);
  await page.waitForLoadState("networkidle");
  await page.context().setOffline(true);
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Friction", exact: true }).click();
  await page.getByText("No connection to Tally").first().waitFor();
  await page.context().setOffline(false);
  await expect.poll(() => page.getByText("No connection to Tally").count(), { timeout: 30_000 }).toBe(0);
});
