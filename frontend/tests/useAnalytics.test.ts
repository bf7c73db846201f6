import { act, cleanup, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, inject, onTestFinished, test } from "vitest";

import { ApiProblem } from "../src/api/problem";
import { Caller } from "./caller";
import { lateMessage } from "./history";
import { shown, Watched } from "./watched";

const url = inject("url");
const acme = inject("acme");
const REPORTS = 3;

const from = (text: string) => new Date(`${text}T00:00:00Z`);
const to = (text: string) => new Date(`${text}T23:59:59.999Z`);
const may = () => [from("2026-05-01"), to("2026-05-04")] as [Date, Date];
const april = () => [from("2026-04-01"), to("2026-04-30")] as [Date, Date];
const march = () => [from("2026-03-01"), to("2026-03-02")] as [Date, Date];

let watched: Watched;
beforeEach(async () => {
  watched = await Watched.of(url, acme.engineer);
});
afterEach(cleanup);

type Hook = ReturnType<typeof shown>;
const settled = ({ result }: Hook) => waitFor(() => expect(result.current.isLoading).toBe(false));
/** Longer than a loop would need to show itself. */
const aWhile = () => act(() => new Promise((resolve) => setTimeout(resolve, 300)));

describe("what it shows", () => {
  test("is what was ingested, with 0 where nothing was measured", async () => {
    const hook = shown(watched, may);
    expect(hook.result.current).toMatchObject({ data: null, isLoading: true, error: null });
    await settled(hook);
    expect(hook.result.current.error).toBeNull();
    expect(hook.result.current.data).toEqual({
      totalMessages: 5,
      totalSessions: 2,
      totalTokens: 410,
      avgResponseTime: 1500,
      usage: [
        { date: "May 1", messages: 2, tokens: 160, sessions: 1 },
        { date: "May 2", messages: 0, tokens: 0, sessions: 0 },
        { date: "May 3", messages: 3, tokens: 250, sessions: 2 },
        { date: "May 4", messages: 0, tokens: 0, sessions: 0 },
      ],
      agents: [
        { name: "planner", usageCount: 3, avgResponseTime: 1500, errorRate: 33.33 },
        { name: "unknown", usageCount: 1, avgResponseTime: 0, errorRate: 0 },
      ],
      models: [
        { name: "Claude Sonnet", usageCount: 3, tokens: 390 },
        { name: "Llama 3 8B", usageCount: 1, tokens: 10 },
      ],
    });
  });

  test("is zeros for every day where nothing happened", async () => {
    const hook = shown(watched, april);
    await settled(hook);
    expect(hook.result.current.data).toMatchObject({ totalMessages: 0, avgResponseTime: 0, agents: [], models: [] });
    expect(hook.result.current.data?.usage).toHaveLength(30);
  });

  test("is the last 30 days and today by default, also of an account that has nothing yet", async () => {
    const hook = shown(await Watched.of(url, inject("empty").engineer));
    await settled(hook);
    const { usage, ...totals } = hook.result.current.data ?? {};
    const nothing = { totalMessages: 0, totalSessions: 0, totalTokens: 0, avgResponseTime: 0, agents: [], models: [] };
    expect(totals).toEqual(nothing);
    expect(usage).toHaveLength(31);
  });

  test.each([
    ["America/Los_Angeles", 420],
    ["Asia/Kathmandu", -345],
    ["UTC", 0],
  ])("has the same days for a reader in %s", async (zone, offset) => {
    inZone(zone, offset);
    const hook = shown(watched, may);
    await settled(hook);
    expect(hook.result.current.data?.usage.map((day) => day.date)).toEqual(["May 1", "May 2", "May 3", "May 4"]);
  });
});

describe("what went wrong", () => {
  test("a role too low is an error with the sentence that names the role needed", async () => {
    const hook = shown(await Watched.of(url, acme.viewer), may);
    await settled(hook);
    expect(hook.result.current.data).toBeNull();
    expect(hook.result.current.error).toBeInstanceOf(ApiProblem);
    expect(hook.result.current.error).toMatchObject({ status: 403, message: expect.stringContaining("engineer") });
  });

  test("a token that is none is an error that says what to send", async () => {
    const hook = shown(new Watched(url, "no token"), may);
    await settled(hook);
    expect(hook.result.current.error).toMatchObject({ status: 401, message: expect.stringContaining("credentials") });
  });

  test("a date that is none is refused by the API, not by a crash", async () => {
    const hook = shown(watched, () => [new Date("yesterday")]);
    await settled(hook);
    expect(hook.result.current.error).toMatchObject({ status: 422, message: expect.stringContaining("start_date") });
  });

  test("a server away is an error, and refresh recovers from it", async () => {
    watched.send = () => Promise.reject(new TypeError("fetch failed"));
    const hook = shown(watched, may);
    await settled(hook);
    expect(hook.result.current.error?.message).toMatch(/cannot be reached/);
    watched.send = fetch;
    act(hook.result.current.refresh);
    expect(hook.result.current).toMatchObject({ isLoading: true, error: null });
    await settled(hook);
    expect(hook.result.current).toMatchObject({ error: null, data: { totalMessages: 5 } });
  });

  test("a failed refresh leaves what was shown; a failed change of window does not", async () => {
    const hook = shown(watched, may);
    await settled(hook);
    watched.send = () => Promise.resolve(new Response("", { status: 503 }));
    act(hook.result.current.refresh);
    await settled(hook);
    expect(hook.result.current).toMatchObject({ error: { status: 503 }, data: { totalMessages: 5 } });
    hook.rerender(april);
    await settled(hook);
    expect(hook.result.current).toMatchObject({ error: { status: 503 }, data: null });
  });
});

describe("when it asks", () => {
  test("dates made anew on each render are the same dates", async () => {
    const hook = shown(watched, may);
    await settled(hook);
    hook.rerender(may);
    await aWhile();
    expect(watched.sent).toHaveLength(REPORTS);
  });

  test("an end that is now, on each render another now, is asked for once a minute", async () => {
    const lastWeek = () => [new Date(Date.now() - 7 * 86_400_000), new Date()] as [Date, Date];
    const hook = shown(watched, lastWeek);
    await settled(hook);
    for (let n = 0; n < 5; n++) {
      await aWhile();
      hook.rerender(lastWeek);
    }
    const minutes = new Set(watched.sent.map((request) => new URL(request.url).searchParams.get("end_date")));
    expect(watched.sent).toHaveLength(REPORTS * minutes.size);
    expect(minutes.size).toBeLessThanOrEqual(2);
  });

  test("all three reports are asked for at once, as instants", async () => {
    watched.send = () => new Promise(() => {});
    shown(watched, may);
    await waitFor(() => expect(watched.sent).toHaveLength(REPORTS));
    const window = "start_date=2026-05-01T00%3A00%3A00.000Z&end_date=2026-05-04T23%3A59%3A59.999Z";
    const asked = watched.sent.map((request) => request.url).sort();
    expect(asked).toEqual(["agents", "models", "usage"].map((report) => `${url}/api/v1/analytics/${report}?${window}`));
  });

  test("StrictMode's second effect calls the first question off and shows the second's answer", async () => {
    const hook = shown(watched, may, { strict: true });
    await settled(hook);
    expect(hook.result.current).toMatchObject({ error: null, data: { totalMessages: 5 } });
    await aWhile();
    expect(watched.sent.filter((request) => !request.signal.aborted)).toHaveLength(REPORTS);
  });

  test("an older answer that comes after a newer one changes nothing", async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    // As a transport would that cannot be aborted.
    watched.send = (request) => {
      const answer = fetch(request.url, { headers: request.headers });
      return request.url.includes("2026-05") ? held.then(() => answer) : answer;
    };
    const hook = shown(watched, may);
    await waitFor(() => expect(watched.sent).toHaveLength(REPORTS));
    hook.rerender(april);
    await settled(hook);
    release();
    await aWhile();
    expect(hook.result.current).toMatchObject({ isLoading: false, data: { totalMessages: 0 } });
    expect(hook.seen.every(({ data }) => data?.totalMessages !== 5)).toBe(true);
  });

  test("a change of dates calls the older question off", async () => {
    watched.send = () => new Promise(() => {});
    const hook = shown(watched, may);
    await waitFor(() => expect(watched.sent).toHaveLength(REPORTS));
    hook.rerender(april);
    await waitFor(() => expect(watched.sent).toHaveLength(2 * REPORTS));
    expect(watched.sent.map((request) => request.signal.aborted)).toEqual([true, true, true, false, false, false]);
  });

  test("leaving calls the question off, and nothing is heard of it", async () => {
    const hook = shown(watched, may);
    await waitFor(() => expect(watched.sent).toHaveLength(REPORTS));
    hook.unmount();
    expect(watched.sent.every((request) => request.signal.aborted)).toBe(true);
    const renders = hook.seen.length;
    await aWhile();
    expect(hook.seen).toHaveLength(renders);
  });
});

describe("what changes while it looks", () => {
  test("refresh shows what came in meanwhile, and the older numbers until then", async () => {
    const hook = shown(watched, march);
    await settled(hook);
    const before = hook.result.current.data?.totalMessages ?? Number.NaN;
    await (await Caller.of(url, acme.owner)).post("/api/v1/ingest/batches", lateMessage(crypto.randomUUID()));
    const { refresh } = hook.result.current;
    act(refresh);
    expect(hook.result.current).toMatchObject({ isLoading: true, data: { totalMessages: before }, refresh });
    await settled(hook);
    expect(hook.result.current.data).toMatchObject({ totalMessages: before + 1, totalSessions: before + 1 });
    expect(watched.sent).toHaveLength(2 * REPORTS);
  });

  test("another window's numbers stand in, marked as loading, until the new ones are there", async () => {
    const hook = shown(watched, may);
    await settled(hook);
    hook.rerender(april);
    expect(hook.result.current).toMatchObject({ isLoading: true, data: { totalMessages: 5 } });
    await settled(hook);
    expect(hook.result.current.data?.totalMessages).toBe(0);
  });

  test("another account's numbers never do", async () => {
    const hook = shown(watched, may);
    await settled(hook);
    hook.changeClient(await Watched.of(url, inject("empty").engineer));
    expect(hook.result.current).toMatchObject({ isLoading: true, data: null });
    await settled(hook);
    expect(hook.result.current.data?.totalMessages).toBe(0);
  });
});

/** The reader's clock, until the test ends. */
function inZone(zone: string, offset: number) {
  const before = process.env["TZ"];
  onTestFinished(() => {
    process.env["TZ"] = before;
  });
  process.env["TZ"] = zone;
  expect(may()[0].getTimezoneOffset()).toBe(offset);
}
