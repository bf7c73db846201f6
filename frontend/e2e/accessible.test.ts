import axe, { type Result } from "axe-core";
import type { Page as Tab } from "playwright-core";
import { expect, inject, test } from "vitest";

import { PAGES } from "../src/pages";
import { inEachPart, open, settled, visit } from "./window";

/** Runs where the page is, and answers with what fails alone: all that holds, node by node, would take most of the time. */
const LOOK = `${axe.source}; axe.run({ resultTypes: ["violations"] }).then(({ violations }) => violations)`;

/** What axe finds in both themes, in words; every rule it has, contrast among them. */
async function found(page: Tab): Promise<string[]> {
  const all: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const { id, help, nodes } of await page.evaluate<Result[]>(LOOK))
      all.push(...nodes.map(({ html, any }) => `${colorScheme}, ${id}: ${help}: ${html.slice(0, 200)} (${any.map(({ message }) => message).join(" ")})`));
  }
  return all;
}

test("the door has nothing that axe finds, also when it refuses", async () => {
  const page = await visit("/", { expected: /401/ });
  expect(await found(page)).toEqual([]);
  await page.getByLabel("API key").fill("tly_none");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  expect(await found(page)).toEqual([]);
});

test.each(PAGES)("$title has nothing that axe finds, tab by tab, in light and in dark", async ({ path }) => {
  const page = await open(path, "owner");
  expect((await inEachPart(page, () => found(page))).flat()).toEqual([]);
});

test("what opens and what is told instead of numbers have nothing that axe finds", async () => {
  const page = await open("/", "owner");
  for (const button of await page.getByRole("button", { name: "Table" }).all()) await button.click();
  await page.getByRole("button", { name: "Filter by model" }).click();
  await page.getByRole("checkbox").first().waitFor();
  expect(await found(page)).toEqual([]);
  await page.getByRole("button", { name: "Own window" }).click();
  await page.getByLabel("First day").fill("2020-01-01");
  expect(await found(page)).toEqual([]);
  expect(await found(await open("/nowhere", "viewer"))).toEqual([]);
  expect(await found(await open("/agents", "viewer"))).toEqual([]);
});

test("what lies below a page has nothing that axe finds", async () => {
  const page = await open("/", "owner");
  let followed = 0;
  for (const { path } of PAGES.filter((one) => one.path !== "/")) {
    await page.goto(path);
    await page.getByLabel("API key").fill(inject("demo").owner);
    await page.keyboard.press("Enter");
    await page.getByRole("navigation", { name: "Pages" }).waitFor();
    await settled(page);
    const link = page.getByRole("main").locator(`a[href^="${path}/"]`).first();
    if ((await link.count()) === 0) continue;
    followed += 1;
    await link.click();
    await settled(page);
    expect(await found(page)).toEqual([]);
  }
  expect(followed).toBeGreaterThan(0);
});
