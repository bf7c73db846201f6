/** A Tally of the tests' own: its process, its PostgreSQL, its accounts, made and asked as an operator would. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import type { TestProject } from "vitest/node";

import { Caller } from "./caller";
import { handovers, history, pushed } from "./history";

const ROOT = resolve(import.meta.dirname, "../..");
const PYTHON = process.env["TALLY_PYTHON"] ?? join(ROOT, ".venv/bin/python");
const PATIENCE_MS = 40_000;

/** An API key for each role of an account. */
interface Keys {
  owner: string;
  engineer: string;
  viewer: string;
}

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
  const server = spawn(PYTHON, ["-m", "app.cli", "up", "--no-demo", "--port", "0"], surroundings(folder));
  const stop = async () => {
    await ended(server);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const url = await announced(server);
    const names = ["Acme", "Nobody yet", "Help desk", "Workshop"] as const;
    const [acme, empty, desk, workshop] = await Promise.all(names.map((name) => founded(name, url, folder)));
    if (!acme || !empty || !desk || !workshop) throw new Error("An account was not made.");
    const agent = await Caller.of(url, desk.owner);
    await agent.post("/api/v1/ingest/batches", handovers());
    await agent.post("/api/v1/sync/pushes", pushed);
    await (await Caller.of(url, acme.owner)).post("/api/v1/ingest/batches", history);
    project.provide("url", url);
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

/** What a developer's own shell says about databases and secrets must not reach the server. */
function surroundings(folder: string) {
  const { PATH, HOME, LANG } = process.env;
  return { cwd: folder, env: { PATH, HOME, LANG, PYTHONPATH: ROOT, TALLY_DATA_DIR: join(folder, "data") } };
}

/** The account and its owner as an operator makes them; the others as the owner does. */
async function founded(name: string, url: string, folder: string): Promise<Keys> {
  const tally = async (...command: string[]) => {
    const { stdout } = await promisify(execFile)(PYTHON, ["-m", "app.cli", ...command, "--json"], surroundings(folder));
    return JSON.parse(stdout);
  };
  const account = await tally("account", "create", name);
  const owner = await tally("user", "add", "owner@example.com", "--account", account.id, "--role", "owner");
  const { api_key } = await tally("key", "create", "--user", owner.id);
  const caller = await Caller.of(url, api_key);
  return { owner: api_key, engineer: await caller.invite("engineer"), viewer: await caller.invite("viewer") };
}

/** Where the server answers, once it says so. */
function announced(server: ChildProcess): Promise<string> {
  let said = "";
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`tally up is not ready:\n${said}`)), PATIENCE_MS).unref();
    server.on("error", () => reject(new Error(`${PYTHON} does not start: \`make install\` makes it.`)));
    server.on("exit", () => reject(new Error(`tally up ended:\n${said}`)));
    for (const stream of [server.stdout, server.stderr])
      stream?.on("data", (piece: Buffer) => {
        said += piece.toString();
        const url = /Tally is ready: (\S+)/.exec(said)?.[1];
        if (url !== undefined) resolve(url);
      });
  });
}

/** Asked to end, it stops its PostgreSQL too; killed, its PostgreSQL dies with it. */
async function ended(server: ChildProcess): Promise<void> {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, "exit");
  const force = setTimeout(() => server.kill("SIGKILL"), PATIENCE_MS);
  server.kill("SIGTERM");
  await exit;
  clearTimeout(force);
}
