import { expect, test } from "vitest";

import { askedBy, namesIn, open, settled, turnTo } from "./window";

test("a link leads through the door to its page, window and filter", async () => {
  const page = await open("/agents?range=7d&agent=unknown");
  expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("Agents");
  expect(await page.getByRole("button", { name: "7 days" }).getAttribute("aria-pressed")).toBe("true");
  expect(await page.getByRole("button", { name: "Filter by agent" }).innerText()).toContain("1");
  expect(new URL(page.url()).search).toBe("?range=7d&agent=unknown");
});

test("window, zone and filter stand in the address, come along to other pages, and the way back undoes them", async () => {
  const page = await open("/agents");
  await page.getByRole("button", { name: "7 days" }).click();
  await settled(page);
  await page.getByRole("button", { name: "Filter by agent" }).click();
  const first = page.getByRole("checkbox").first();
  await first.check();
  await settled(page);
  await page.keyboard.press("Escape");
  const [agent] = new URL(page.url()).searchParams.getAll("agent");
  expect(await namesIn(page)).toEqual([agent]);
  await page.getByLabel("Time zone").selectOption("Asia/Tokyo");
  const chosen = new URL(page.url()).search;
  expect(new URLSearchParams(chosen).toString()).toBe(new URLSearchParams({ range: "7d", agent: agent as string, zone: "Asia/Tokyo" }).toString());
  const asked = await askedBy(page, () => turnTo(page, "Overview"));
  expect(sorted(page.url())).toEqual(sorted(new URL(chosen, page.url()).href));
  const reports = asked.filter((address) => address.includes("/analytics/"));
  expect(reports.length).toBeGreaterThan(0);
  expect(reports.filter((address) => !address.includes("timezone=Asia%2FTokyo"))).toEqual([]);
  for (const search of [chosen, chosen.replace("&zone=Asia%2FTokyo", ""), "?range=7d", ""]) {
    await page.goBack();
    await expect.poll(() => new URL(page.url()).search).toBe(search);
  }
  await settled(page);
  expect((await namesIn(page)).length).toBeGreaterThan(1);
  await page.goForward();
  await expect.poll(() => page.getByRole("button", { name: "7 days" }).getAttribute("aria-pressed")).toBe("true");
});

/** What an address says, in whichever order. */
function sorted(address: string): string[] {
  return [...new URL(address).searchParams].map(([name, value]) => `${name}=${value}`).sort();
}
