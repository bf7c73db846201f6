/** What only a browser that lays out can show: nothing is cut off, nothing jumps. */
import { expect, test } from "vitest";

import { open, turnTo } from "./window";

test.each([390, 1280])("a menu of filters lies within a window of %i pixels", async (width) => {
  const page = await open("/", "engineer", { viewport: { width, height: 800 } });
  for (const title of ["agent", "model", "member"]) {
    await page.getByRole("button", { name: `Filter by ${title}` }).click();
    await page.getByRole("checkbox").first().waitFor();
    const box = await page.getByRole("group", { name: `Filter by ${title}` }).boundingBox();
    expect(box?.x).toBeGreaterThanOrEqual(0);
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
    await page.keyboard.press("Escape");
  }
});

test.each(["de-DE", "fr-FR", "ar-EG"])("every label of an axis is whole, in %s too", async (locale) => {
  const page = await open("/", "engineer", { locale });
  for (const title of ["Overview", "Escalations"]) {
    await turnTo(page, title);
    const cut = await page.locator("svg.plot").evaluateAll((plots) =>
      plots.flatMap((plot) => {
        const { left } = plot.getBoundingClientRect();
        return [...plot.querySelectorAll(".plot-axes text")].filter((label) => label.getBoundingClientRect().left < left - 1);
      }).map((label) => label.textContent),
    );
    expect(cut).toEqual([]);
  }
});

test.each(["en-US", "de-DE", "fr-FR", "ar-EG"])("every comparison of a card is whole, in %s too", async (locale) => {
  const page = await open("/", "engineer", { locale });
  const comparisons = page.locator(".card-change");
  expect(await comparisons.count()).toBe(6);
  const cut = await comparisons.evaluateAll((lines) => lines.filter((line) => line.scrollWidth > line.clientWidth).map((line) => line.textContent));
  expect(cut).toEqual([]);
});

test("a chart's picture says what it shows, of which days and of whom", async () => {
  const page = await open("/?from=2026-10-22&to=2026-11-20&agent=research");
  await page.evaluate(() => {
    const { prototype } = CanvasRenderingContext2D;
    const { fillText } = prototype;
    prototype.fillText = function (...given) {
      document.body.dataset["drawn"] = `${document.body.dataset["drawn"] ?? ""}${given[0]}\n`;
      fillText.apply(this, given);
    };
  });
  for (const name of ["Tokens per day", "Busiest agents"]) {
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: `PNG of ${name}` }).click();
    const picture = await saved;
    expect(picture.suggestedFilename()).toMatch(/\.png$/);
    const drawn = await page.evaluate(() => document.body.dataset["drawn"]?.replace(/[^\S\n]/g, " ").split("\n"));
    expect(drawn).toEqual(expect.arrayContaining([name, "Oct 22 – Nov 20, 2026 · research"]));
  }
});

test("what is below the heading stands still from window to window", async () => {
  const page = await open("/");
  const top = () => page.locator(".cards").first().evaluate((cards) => cards.getBoundingClientRect().top);
  const before = await top();
  for (const name of ["7 days", "90 days", "This month"]) {
    await page.getByRole("button", { name }).click();
    expect(await top()).toBe(before);
  }
});

test("on a narrow screen the page that one is on is in sight in the navigation", async () => {
  const page = await open("/admin", "owner", { viewport: { width: 390, height: 800 } });
  const entry = await page.getByRole("link", { name: "Admin", exact: true }).boundingBox();
  expect((entry?.x ?? 0) + (entry?.width ?? 0)).toBeLessThanOrEqual(390);
});
