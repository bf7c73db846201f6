/** Windows of a browser at Tally's door, watched: what console, policy or network complain of fails the test. */
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, inject } from "vitest";

export type Role = "viewer" | "engineer" | "admin" | "owner";
export const ROLES: readonly Role[] = ["viewer", "engineer", "admin", "owner"];

/** A key or a token, wherever it should not stand. */
const SECRET = /tly_|eyJ/;
const PATIENCE_MS = 30_000;
export const MINUTE = 60_000;

let browser: Browser;
const opened: { page: Page; complaints: string[]; expected: RegExp | null }[] = [];

beforeAll(async () => {
  browser = await chromium.connect(inject("browser"));
});

afterAll(() => browser.close());

afterEach(async () => {
  const windows = opened.splice(0);
  try {
    for (const { page, complaints, expected } of windows) {
      expect(complaints.filter((complaint) => expected === null || !expected.test(complaint))).toEqual([]);
      await holdsNothing(page);
    }
  } finally {
    for (const { page } of windows) await page.context().close();
  }
});

interface Opening extends BrowserContextOptions {
  /** Where Tally answers, if not where all tests ask. */
  baseURL?: string;
  /** A further window of the same browser, which shares its cache and would share its cookies. */
  beside?: Page;
  /** Complaints that belong to what is tried, such as those of a server that is away. */
  expected?: RegExp;
}

/** A window at an address: the door, as nobody is signed in. */
export async function visit(address: string, { beside, expected, ...options }: Opening = {}): Promise<Page> {
  const context = beside?.context() ?? (await fresh(options));
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  opened.push({ page, complaints: complaintsOf(page, options.baseURL ?? inject("url")), expected: expected ?? null });
  await page.goto(address);
  return page;
}

async function fresh(options: BrowserContextOptions): Promise<BrowserContext> {
  const size = { width: 1280, height: 800 };
  const place = { locale: "en-US", timezoneId: "America/Los_Angeles", viewport: size, reducedMotion: "reduce" } as const;
  return browser.newContext({ baseURL: inject("url"), ...place, ...options });
}

function complaintsOf(page: Page, home: string): string[] {
  const complaints: string[] = [];
  page.on("console", (said) => {
    if (said.type() === "error" || said.type() === "warning") complaints.push(`${said.type()}: ${said.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`thrown: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "blob:" && url.origin !== new URL(home).origin) complaints.push(`another origin: ${url}`);
    if (SECRET.test(url.href)) complaints.push(`a secret in an address: ${url}`);
  });
  return complaints;
}

/** As a person does: the key is pasted, the button pressed. */
export async function signIn(page: Page, key: string): Promise<Page> {
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Pages" }).waitFor();
  return page;
}

/** Signed in to the demo account, at an address whose answers are there. */
export async function open(address: string, role: Role = "engineer", options: Opening = {}): Promise<Page> {
  const page = await signIn(await visit(address, options), inject("demo")[role]);
  await settled(page);
  return page;
}

/** Nothing is on its way any more. */
export async function settled(page: Page): Promise<void> {
  const waiting = page.locator('main :is(.skeleton, [data-previous="true"]):visible');
  await expect.poll(() => waiting.count(), { message: "something stays on its way" }).toBe(0);
}

/** Goes to a page as its link in the navigation does. */
export async function turnTo(page: Page, title: string): Promise<void> {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: title, exact: true }).click();
  await page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
  await settled(page);
}

/** What the page asks the API while something is done, without repetitions. */
export async function askedBy(page: Page, deed: () => Promise<unknown>): Promise<string[]> {
  const asked = new Set<string>();
  const note = (request: { url: () => string }) => {
    const { pathname, search } = new URL(request.url());
    if (pathname.startsWith("/api/")) asked.add(pathname + search);
  };
  page.on("request", note);
  await deed();
  page.off("request", note);
  return [...asked];
}

/** Looks at a page as it opens, then at each further tab or section of it. */
export async function inEachPart<Found>(page: Page, look: () => Promise<Found>): Promise<Found[]> {
  const found = [await look()];
  for (const part of (await page.locator('main :is([role="tab"], nav a)').all()).slice(1)) {
    await part.click();
    await settled(page);
    found.push(await look());
  }
  return found;
}

/** How often an address was asked for since. */
export function counted(page: Page, path: string): () => number {
  let n = 0;
  page.on("request", (request) => {
    if (new URL(request.url()).pathname === path) n += 1;
  });
  return () => n;
}

/** Whom the agents' table names. */
export function namesIn(page: Page): Promise<string[]> {
  return page.getByRole("region", { name: "Agents", exact: true }).locator("tbody td:first-child").allInnerTexts();
}

/** After a reload one signs in again: nothing of key and token stays anywhere. */
async function holdsNothing(page: Page): Promise<void> {
  const kept = await page.evaluate(async () => ({
    local: { ...localStorage },
    session: { ...sessionStorage },
    cookie: document.cookie,
    databases: await indexedDB.databases(),
    caches: await caches.keys(),
    history: history.state as unknown,
  }));
  expect(kept).toEqual({ local: {}, session: {}, cookie: "", databases: [], caches: [], history: null });
  expect(await page.context().cookies()).toEqual([]);
  expect(page.url()).not.toMatch(SECRET);
}
