import type { Page } from "playwright-core";
import { expect, inject, test } from "vitest";

import { Caller } from "../tests/caller";
import { counted, MINUTE, namesIn, open, settled, signIn, visit } from "./window";

test("whoever signs in, reads and goes needs no pointer", async () => {
  const page = await visit("/");
  await page.locator("input:focus").waitFor();
  await page.keyboard.type(inject("demo").engineer);
  await page.keyboard.press("Enter");
  await page.getByRole("navigation", { name: "Pages" }).waitFor();
  await settled(page);
  await reach(page, "Skip to the content");
  await page.keyboard.press("Enter");
  await reach(page, "30 days");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  expect(new URL(page.url()).search).toBe("?range=7d");
  await reach(page, "Own window");
  await page.keyboard.press("Enter");
  await page.getByRole("group", { name: "Own window" }).waitFor();
  await page.keyboard.press("Escape");
  expect(await page.getByRole("group", { name: "Own window" }).count()).toBe(0);
  await reach(page, "Tokens per day:");
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  expect(await page.locator(":focus [role=status]").innerText()).toMatch(/\d{4}/);
  await reach(page, "Agents");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Agents" }).waitFor();
  expect(await page.locator(":focus").getAttribute("id")).toBe("main");
});

/** Presses Tab until something with this name has the focus. */
async function reach(page: Page, name: string): Promise<void> {
  for (let i = 0; i < 120; i += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement;
      return element.getAttribute("aria-label") ?? element.innerText;
    });
    if (focused.startsWith(name)) return;
  }
  throw new Error(`The Tab key never reaches ${name}.`);
}

test("a token near its end is renewed quietly, once, and who looks sees nothing of it", async () => {
  const page = await visit("/");
  await page.clock.install();
  await signIn(page, inject("demo").engineer);
  await settled(page);
  const renewals = counted(page, "/api/v1/auth/token");
  const answered = page.waitForResponse((response) => response.url().includes("/api/v1/analytics/usage"));
  await page.clock.fastForward(57 * MINUTE);
  expect((await answered).status()).toBe(200);
  await page.clock.runFor(1000);
  await settled(page);
  expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("Overview");
  expect(renewals()).toBe(1);
});

test("whose key is revoked is led to the door at the next question, and told why", async () => {
  const owner = await Caller.of(inject("url"), inject("acme").owner);
  const { id: user_id } = await owner.get("/api/v1/me");
  const { id, api_key } = await owner.post("/api/v1/keys", { name: "borrowed", user_id });
  const page = await signIn(await visit("/agents", { expected: /401/ }), api_key);
  await settled(page);
  await owner.delete(`/api/v1/keys/${id}`);
  await page.getByRole("button", { name: "90 days" }).click();
  await page.getByText("Your session ended").waitFor();
  expect(await page.getByText("acme-planner").count()).toBe(0);
});

test("two accounts in two windows of one browser never mix", async () => {
  const demo = await open("/agents");
  const acme = await signIn(await visit("/agents", { beside: demo }), inject("acme").engineer);
  for (const range of ["7 days", "90 days", "30 days"]) {
    for (const page of [demo, acme]) await page.getByRole("button", { name: range }).click();
    for (const page of [acme, demo]) await settled(page);
    expect(await namesIn(acme)).toEqual(["acme-planner"]);
    const others = await namesIn(demo);
    expect(others.length).toBeGreaterThan(1);
    expect(others).not.toContain("acme-planner");
  }
  await demo.getByRole("button", { name: "Sign out" }).click();
  await signIn(demo, inject("acme").engineer);
  await settled(demo);
  expect(await namesIn(demo)).toEqual(["acme-planner"]);
});
