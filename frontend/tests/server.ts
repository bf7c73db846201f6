/** A Tally of the tests' own: its process, its PostgreSQL, its accounts, made and asked as an operator would. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { TestProject } from "vitest/node";

import { Caller } from "./caller";
import { handovers, history, pushed } from "./history";
import { type Keys, Tally } from "./tally";

declare module "vitest" {
  interface ProvidedContext {
    url: string;
    acme: Keys;
    empty: Keys;
    desk: Keys;
    /** Whose settings and members tests change. */
    workshop: Keys;
  }
}

export default async function setup(project: TestProject) {
  const folder = mkdtempSync(join(tmpdir(), "tally-"));
  const tally = await Tally.up(folder, "--no-demo", "--port", "0");
  const stop = async () => {
    await tally.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const [acme, empty, desk, workshop] = await tally.founded("Acme", "Nobody yet", "Help desk", "Workshop");
    const agent = await Caller.of(tally.url, desk.owner);
    await agent.post("/api/v1/ingest/batches", handovers());
    await agent.post("/api/v1/sync/pushes", pushed);
    await (await Caller.of(tally.url, acme.owner)).post("/api/v1/ingest/batches", history);
    project.provide("url", tally.url);
    project.provide("acme", acme);
    project.provide("empty", empty);
    project.provide("desk", desk);
    project.provide("workshop", workshop);
  } catch (why) {
    await stop();
    throw why;
  }
  return stop;
}
