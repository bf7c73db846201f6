/** `tally up` as an operator starts it, in a folder of its own, and accounts of it. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import { Caller } from "./caller";

const ROOT = resolve(import.meta.dirname, "../..");
const PYTHON = process.env["TALLY_PYTHON"] ?? join(ROOT, ".venv/bin/python");
const PATIENCE_MS = 60_000;

/** An API key for each role of an account. */
export interface Keys {
  owner: string;
  engineer: string;
  viewer: string;
}

export class Tally {
  url = "";
  private said = "";
  private readonly folder: string;
  private readonly server: ChildProcess;

  private constructor(folder: string, options: readonly string[]) {
    this.folder = folder;
    this.server = spawn(PYTHON, ["-m", "app.cli", "up", ...options], surroundings(folder));
    for (const stream of [this.server.stdout, this.server.stderr])
      stream?.on("data", (piece: Buffer) => {
        this.said += piece.toString();
      });
  }

  /** Once it answers. */
  static async up(folder: string, ...options: string[]): Promise<Tally> {
    // PostgreSQL must be able to pass through: under root its data would else live elsewhere, and outlast the test.
    chmodSync(folder, 0o711);
    const tally = new Tally(folder, options);
    try {
      tally.url = await tally.hears(/Tally is ready: (\S+)/);
      return tally;
    } catch (why) {
      await tally.stop();
      throw why;
    }
  }

  /** The keys of the demo account, as they are printed. */
  async demoKeys(): Promise<Keys & { admin: string }> {
    const key = (role: string) => this.hears(new RegExp(`  ${role} +(tly_\\S+)\\n`));
    return { viewer: await key("viewer"), engineer: await key("engineer"), admin: await key("admin"), owner: await key("owner") };
  }

  /** Waits until it says so; the pattern's group. */
  hears(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`\`tally up\` never said ${pattern}:\n${this.said}`)), PATIENCE_MS);
      const listen = () => {
        const found = pattern.exec(this.said)?.[1];
        if (found === undefined) return;
        clearTimeout(late);
        resolve(found);
      };
      this.server.on("error", () => reject(new Error(`${PYTHON} does not start: \`make install\` makes it.`)));
      this.server.on("exit", () => reject(new Error(`\`tally up\` ended:\n${this.said}`)));
      for (const stream of [this.server.stdout, this.server.stderr]) stream?.on("data", listen);
      listen();
    });
  }

  /** Accounts with their owners as an operator makes them; the others as the owner does. */
  async founded<const Names extends readonly string[]>(...names: Names): Promise<{ [Each in keyof Names]: Keys }> {
    const { stdout } = await promisify(execFile)(PYTHON, ["-m", "tests.founded", ...names], surroundings(this.folder));
    const owners: string[] = JSON.parse(stdout);
    const keys = owners.map(async (owner): Promise<Keys> => {
      const caller = await Caller.of(this.url, owner);
      return { owner, engineer: await caller.invite("engineer"), viewer: await caller.invite("viewer") };
    });
    return (await Promise.all(keys)) as { [Each in keyof Names]: Keys };
  }

  /** Asked to end, it stops its PostgreSQL too; killed, its PostgreSQL dies with it. */
  async stop(): Promise<void> {
    const { server } = this;
    if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const exit = once(server, "exit");
    const force = setTimeout(() => server.kill("SIGKILL"), PATIENCE_MS);
    server.kill("SIGTERM");
    await exit;
    clearTimeout(force);
  }
}

/** What a developer's own shell says about databases and secrets must not reach the server. */
function surroundings(folder: string) {
  const { PATH, HOME, LANG } = process.env;
  return { cwd: folder, env: { PATH, HOME, LANG, PYTHONPATH: ROOT, TALLY_DATA_DIR: join(folder, "data") } };
}
