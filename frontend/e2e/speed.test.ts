/** How fast the dashboard is: printed, and written down for `make bench`. Only what no busy machine changes is asserted. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import type { Page } from "playwright-core";
import { build, preview, type PreviewServer } from "vite";
import { afterAll, beforeAll, expect, inject, test } from "vitest";

import { PAGES } from "../src/pages";
import { open, settled, signIn, visit } from "./window";

interface Figure {
  name: string;
  value: number;
  unit: string;
  aim: string;
}

const WRITTEN = process.env["TALLY_FIGURES"];
const ROUNDS = WRITTEN === undefined ? 1 : 5;
const figures: Figure[] = [];
const scratch = mkdtempSync(join(tmpdir(), "tally-"));
let many: PreviewServer;

beforeAll(async () => {
  const root = resolve(import.meta.dirname, "many");
  const config = { root, configFile: false, logLevel: "silent", build: { outDir: scratch, emptyOutDir: true } } as const;
  await build(config);
  many = await preview({ ...config, preview: { host: "127.0.0.1", port: 0 } });
});

afterAll(async () => {
  await many.close();
  rmSync(scratch, { recursive: true, force: true });
  console.log(figures.map(({ name, value, unit, aim }) => `${name}: ${value.toFixed(1)} ${unit}${aim && ` (${aim})`}`).join("\n"));
  if (WRITTEN !== undefined) writeFileSync(WRITTEN, JSON.stringify(figures));
});

function noted(name: string, values: number[], unit: string, aim = ""): number {
  const value = median(values);
  figures.push({ name, value, unit, aim });
  return value;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

test("a first load takes at most 150 kB of script, gzip", () => {
  const dist = resolve(import.meta.dirname, "../dist");
  const html = readFileSync(join(dist, "index.html"), "utf8");
  const scripts = readdirSync(join(dist, "assets")).filter((name) => name.endsWith(".js") && html.includes(name));
  const bytes = scripts.map((name) => statSync(join(dist, "assets", `${name}.gz`)).size).reduce((sum, one) => sum + one, 0);
  expect(noted("first load, script, gzip", [bytes / 1024], "kB", "≤ 150")).toBeLessThanOrEqual(150);
});

test("how soon the door can be typed at, and how soon numbers are there", async () => {
  const [door, numbers]: [number[], number[]] = [[], []];
  for (let i = 0; i < ROUNDS; i += 1) {
    // A fresh context has nothing in its cache.
    const page = await visit("about:blank");
    await page.addInitScript(() => {
      const look = () => {
        if (document.activeElement?.tagName === "INPUT") performance.mark("interactive");
        else requestAnimationFrame(look);
      };
      look();
    });
    await page.goto("/");
    await page.locator("input:focus").waitFor();
    door.push(await page.evaluate(() => performance.getEntriesByName("interactive")[0]?.startTime ?? Number.NaN));
    const began = performance.now();
    await signIn(page, inject("demo").engineer);
    await settled(page);
    numbers.push(performance.now() - began);
  }
  noted("interactive, empty cache", door, "ms", "≤ 1000");
  noted("from key to numbers", numbers, "ms");
});

test("how long a change to a page whose data is warm takes", async () => {
  const page = await open("/", "owner");
  const times: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1)
    for (const { title } of PAGES.toReversed()) {
      const ms = await page.evaluate(changed, title);
      await settled(page);
      if (round > 0) times.push(ms);
    }
  noted("page change, warm data, median", times, "ms", "≤ 200");
  noted("page change, warm data, slowest page", [Math.max(...times)], "ms");
});

/** Clicks a page's link; milliseconds until the frame that shows it whole. */
async function changed(title: string): Promise<number> {
  const links = [...document.querySelectorAll<HTMLAnchorElement>("nav a")];
  const frame = () => new Promise((next) => requestAnimationFrame(next));
  const isShown = () =>
    document.querySelector("h1")?.textContent === title &&
    [...document.querySelectorAll(".skeleton")].every((one) => !one.checkVisibility());
  const began = performance.now();
  links.find((link) => link.textContent?.trim() === title)?.click();
  do await frame();
  while (!isShown() && performance.now() - began < 20_000);
  return performance.now() - began;
}

test.each(PAGES)("$title asks for nothing in more than two rounds, sign-in included", async ({ path, title }) => {
  const page = await open(path, "owner");
  expect(noted(`waterfall to ${title}`, [await depth(page)], "rounds", "≤ 2")).toBeLessThanOrEqual(2);
});

/** The most of a page's questions of which each began after the one before had ended. */
async function depth(page: Page): Promise<number> {
  const spans = await page.evaluate(() =>
    (performance.getEntriesByType("resource") as PerformanceResourceTiming[])
      .filter(({ name }) => new URL(name).pathname.startsWith("/api/"))
      .map(({ startTime, responseEnd }) => [startTime, responseEnd] as const),
  );
  let [rounds, until] = [0, -1];
  for (const [from, to] of spans.toSorted(([, a], [, b]) => a - b)) {
    if (from < until) continue;
    rounds += 1;
    until = to;
  }
  return rounds;
}

test("eight series of 400 days stay smooth under the pointer", async () => {
  const [baseURL] = many.resolvedUrls?.local ?? [];
  const page = await visit("/", { baseURL: baseURL as string });
  await page.locator("svg.plot").last().waitFor();
  for (const [kind, at] of [["lines", 0], ["bars", 1]] as const) {
    const frames = await page.locator("svg.plot").nth(at).evaluate(hovered, 120);
    noted(`hover, 400 days × 8 ${kind}, median frame`, frames, "ms", "≤ 17");
    noted(`hover, 400 days × 8 ${kind}, 95 of 100 frames`, [frames.toSorted((a, b) => a - b)[113] as number], "ms");
    expect(await page.locator(".plot-tip").nth(0).count()).toBe(1);
    await page.locator("svg.plot").nth(at).dispatchEvent("pointerout");
  }
});

/** Moves over the whole chart, a step a frame; how long each frame took. */
async function hovered(plot: Element, steps: number): Promise<number[]> {
  const frame = () => new Promise<number>((next) => requestAnimationFrame(next));
  const { left, top, width } = plot.getBoundingClientRect();
  const frames: number[] = [];
  let before = await frame();
  for (let i = 0; i < steps; i += 1) {
    plot.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: left + (width * i) / steps, clientY: top + 20 }));
    const now = await frame();
    frames.push(now - before);
    before = now;
  }
  return frames;
}
