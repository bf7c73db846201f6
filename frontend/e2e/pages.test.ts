/** Every page of the list, for every role: a page that is added to `src/pages.ts` is held to this without a word here. */
import type { Page as Tab } from "playwright-core";
import { describe, expect, inject, test } from "vitest";

import { type Page, PAGES } from "../src/pages";
import { may } from "../src/session/session";
import { Caller } from "../tests/caller";
import { askedBy, inEachPart, open, type Role, ROLES, settled, signIn, turnTo, visit } from "./window";

/** Anybody may ask these, wherever they are. */
const OPEN_TO_ALL = /^\/api\/v1\/(me\b|account$|keys\b|auth\/token)/;

test.each(ROLES)("a %s sees the pages of their role, each with its answers, and no link to another", async (role) => {
  const mine = PAGES.filter((page) => may(role, page.role));
  const page = await open("/", role);
  const links = page.getByRole("navigation", { name: "Pages" }).getByRole("link");
  expect(await links.allInnerTexts()).toEqual(mine.map(({ title }) => title));
  for (const { title } of mine) {
    await turnTo(page, title);
    expect(await page.title()).toBe(`${title} · Tally`);
    await inEachPart(page, () => isWhole(page));
  }
});

/** Something is shown, nothing failed. */
async function isWhole(page: Tab): Promise<void> {
  const main = page.getByRole("main");
  expect(await main.getByRole("alert").allInnerTexts()).toEqual([]);
  expect(await main.getByRole("heading", { level: 2 }).count()).toBeGreaterThan(0);
  expect(await main.innerText()).not.toMatch(/\b(NaN|undefined|null|Invalid Date|\[object)\b/);
}

describe.each(PAGES.filter(({ role }) => role !== "viewer"))("$title", ({ path, title, role }) => {
  const below = ROLES.filter((one) => !may(one, role));

  test("is told to whose role is too low, and asks nothing for them", async () => {
    const page = await visit(path);
    const asked = await askedBy(page, async () => {
      await signIn(page, inject("demo")[below.at(-1) as Role]);
      if (path !== "/") await page.getByText(`${title} needs the ${role} role.`).waitFor();
      await settled(page);
    });
    expect(asked.filter((address) => !OPEN_TO_ALL.test(address))).toEqual([]);
  });

  test("what it asks is refused by the API to whose role is too low", async () => {
    const page = await visit(path);
    const asked = await askedBy(page, async () => {
      await signIn(page, inject("demo").owner);
      await settled(page);
      await inEachPart(page, () => Promise.resolve());
    });
    const own = asked.filter((address) => !OPEN_TO_ALL.test(address));
    expect(own).not.toEqual([]);
    for (const lower of below) {
      const { token } = await Caller.of(inject("url"), inject("demo")[lower]);
      const statuses = await Promise.all(own.map((address) => statusOf(address, token)));
      expect(Object.fromEntries(own.map((address, at) => [address, statuses[at]]))).toEqual(
        Object.fromEntries(own.map((address) => [address, 403])),
      );
    }
  });
});

async function statusOf(address: string, token: string): Promise<number> {
  return (await fetch(inject("url") + address, { headers: { Authorization: `Bearer ${token}` } })).status;
}

test("an account in which nothing happened yet is told so on every page, and what to do", async () => {
  const page = await signIn(await visit("/"), inject("empty").owner);
  for (const { title } of PAGES) {
    await turnTo(page, title);
    await inEachPart(page, () => isWhole(page));
  }
});

test.each(PAGES)("$title fits a screen of 320 pixels", async (one: Page) => {
  const page = await open(one.path, "owner", { viewport: { width: 320, height: 640 } });
  for (const scroll of await inEachPart(page, () => page.evaluate(() => document.documentElement.scrollWidth)))
    expect(scroll).toBeLessThanOrEqual(320);
});
