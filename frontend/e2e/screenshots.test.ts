/** `make screenshots`: what docs/screenshots shows. Not taken by an ordinary run, which would change them each time. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { test } from "vitest";

import { PAGES } from "../src/pages";
import { open } from "./window";

const FOLDER = process.env["TALLY_SCREENSHOTS"];
const SHOTS = PAGES.map(({ path, title }) => ({ path, name: title.toLowerCase().replaceAll(" ", "-"), colorScheme: "light" as const }));

test.skipIf(FOLDER === undefined).each([...SHOTS, { path: "/", name: "overview-dark", colorScheme: "dark" as const }])(
  "a picture of $name",
  async ({ path, name, colorScheme }) => {
    const page = await open(path, "owner", { colorScheme, timezoneId: "Europe/Berlin" });
    await page.mouse.move(0, 0);
    mkdirSync(FOLDER as string, { recursive: true });
    await page.screenshot({ path: join(FOLDER as string, `${name}.png`), animations: "disabled" });
  },
);
