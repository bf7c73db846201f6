import type { Page } from "playwright-core";
import { expect, inject, test } from "vitest";

import { counted, MINUTE, settled, signIn, visit } from "./window";

test("a page asks again each minute while it is seen, rests while it is not, and asks at once when seen again", async () => {
  const page = await visit("/agents");
  await page.clock.install();
  await signIn(page, inject("demo").engineer);
  await settled(page);
  const asked = counted(page, "/api/v1/analytics/agents");
  const answered = page.waitForResponse((one) => new URL(one.url()).pathname === "/api/v1/analytics/agents");
  await page.clock.fastForward(MINUTE + 1000);
  // An answer that came after three minutes of its clock would be too young to be asked for again.
  await (await answered).finished();
  await expect.poll(asked).toBe(1);
  await seen(page, "hidden");
  for (let i = 0; i < 3; i += 1) await page.clock.fastForward(MINUTE + 1000);
  await page.waitForTimeout(300);
  expect(asked()).toBe(1);
  await seen(page, "visible");
  await expect.poll(asked).toBe(2);
});

/** What the browser tells a page when another window covers it. */
async function seen(page: Page, state: "visible" | "hidden"): Promise<void> {
  await page.evaluate((now) => {
    Object.defineProperty(document, "visibilityState", { value: now, configurable: true });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  }, state);
}

test("what did not change is answered 304, and stays as it is shown", async () => {
  const page = await visit("/agents?from=2026-01-01&to=2026-01-31");
  const network = await page.context().newCDPSession(page);
  const statuses: number[] = [];
  await network.send("Network.enable");
  network.on("Network.responseReceivedExtraInfo", ({ statusCode }) => statuses.push(statusCode));
  await page.clock.install();
  await signIn(page, inject("acme").engineer);
  await settled(page);
  expect(statuses).not.toContain(304);
  await page.clock.fastForward(MINUTE + 1000);
  await expect.poll(() => statuses).toContain(304);
  await settled(page);
  expect(await page.getByText("No agent answered in this window.").count()).toBeGreaterThan(0);
});
