import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { Tally } from "../tests/tally";
import { settled, signIn, visit } from "./window";

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
