/** What every test of the browser meets: `tally up` with its demo, two more accounts, and a Chromium. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";
import type { TestProject } from "vitest/node";

import { Caller } from "../tests/caller";
import { type Keys, Tally } from "../tests/tally";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];

declare module "vitest" {
  interface ProvidedContext {
    url: string;
    demo: Keys & { admin: string };
    acme: Keys;
    empty: Keys;
    browser: string;
  }
}

export default async function setup(project: TestProject) {
  if (!existsSync(CHROMIUM)) throw new Error(`There is no ${CHROMIUM}: install Chromium, or name it in CHROMIUM.`);
  const folder = mkdtempSync(join(tmpdir(), "tally-"));
  const browser = await chromium.launchServer({ executablePath: CHROMIUM, args: FLAGS });
  const stopping = [() => browser.close(), () => Promise.resolve(rmSync(folder, { recursive: true, force: true }))];
  const stop = async () => {
    for (const step of stopping) await step();
  };
  try {
    const tally = await Tally.up(folder, "--port", "0");
    stopping.unshift(() => tally.stop());
    const [acme, empty] = await tally.founded("Acme", "Nobody yet");
    await (await Caller.of(tally.url, acme.owner)).post("/api/v1/ingest/batches", justNow());
    project.provide("url", tally.url);
    project.provide("demo", await tally.demoKeys());
    project.provide("acme", acme);
    project.provide("empty", empty);
    project.provide("browser", browser.wsEndpoint());
    await tally.hears(/(demo data is loaded)/);
  } catch (why) {
    await stop();
    throw why;
  }
  return stop;
}

/** All that Acme ever did: one answer, of an agent that nobody else has. */
function justNow() {
  const created_at = new Date(Date.now() - 60_000).toISOString();
  const message = { session_id: "only", id: "m1", role: "assistant", created_at, agent_name: "acme-planner", input_tokens: 7 };
  return { sessions: [{ id: "only", created_at }], messages: [{ ...message, model_id: "anthropic/claude-sonnet", output_tokens: 3 }] };
}
