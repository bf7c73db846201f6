import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, inject, test } from "vitest";

import { Caller } from "../caller";
import { open, panel, rowsOf } from "../dashboard";

const url = inject("url");

/** A member of their own, so that what one test does is in nobody's way. */
async function newcomer(role: "viewer" | "engineer" = "viewer") {
  const owner = await Caller.of(url, inject("acme").owner);
  const email = `${crypto.randomUUID()}@example.com`;
  const { id } = await owner.post("/api/v1/users", { email, name: "Nora", account_role: role });
  const { api_key: key } = await owner.post("/api/v1/keys", { name: "tests", user_id: id });
  return { key, self: await Caller.of(url, key) };
}

async function worked(role: "viewer" | "engineer" = "viewer") {
  const someone = await newcomer(role);
  const id = crypto.randomUUID();
  const at = new Date(Date.now() - 3_600_000).toISOString();
  await someone.self.post("/api/v1/ingest/batches", {
    sessions: [{ id, created_at: at }],
    messages: [
      { id: `${id}-1`, session_id: id, role: "user", created_at: at },
      {
        ...{ id: `${id}-2`, session_id: id, role: "assistant", created_at: at, model_id: "claude-sonnet-4-5" },
        ...{ input_tokens: 100, output_tokens: 20, cache_read_tokens: 3000, cache_creation_tokens: 4 },
      },
    ],
  });
  return { ...someone, session: id };
}

test("a viewer lands on their own sessions, with what each came to", async () => {
  const { key, session } = await worked();
  await open("/", { key });
  expect(await screen.findByRole("heading", { level: 1, name: "My stats" })).toBeTruthy();
  const [headings, row] = rowsOf(await panel("My sessions"));
  const read = Object.fromEntries((headings ?? []).map((name, i) => [name, row?.[i]]));
  expect(read).toMatchObject({ Session: session, Yours: "1", Answers: "1", Tokens: "3,124", "Main model": "claude-sonnet-4-5" });
  expect(read["Begun"]).toMatch(/UTC$/);
  expect(await screen.findByText(/^1 in all\./)).toBeTruthy();
});

test("an uploaded log that nobody has read yet is marked so", async () => {
  const { key, self } = await newcomer();
  const line = JSON.stringify({ type: "user", sessionId: "s", uuid: "u", timestamp: "2026-04-01T10:00:00Z" });
  const upload = { method: "POST", body: `${line}\n`, headers: { Authorization: `Bearer ${self.token}` } };
  expect((await fetch(`${url}/api/v1/transcripts?name=waiting.jsonl`, upload)).status).toBe(201);
  await open("/me", { key });
  const mine = await panel("My sessions");
  expect(within(mine).getAllByText("waiting.jsonl").length).toBeGreaterThan(0);
  expect(within(mine).getByText("waits").title).toMatch(/waits to be read/);
});

test("who has done nothing is told how to begin", async () => {
  const { key } = await newcomer();
  const user = await open("/me", { key });
  expect(await screen.findByText("No session of yours is on record yet.")).toBeTruthy();
  expect(screen.getByText("tally push ~/.claude")).toBeTruthy();
  await user.click(screen.getByRole("tab", { name: "Tokens" }));
  expect(await screen.findAllByText("No tokens of yours are on record yet.")).toHaveLength(3);
});

test("the tokens are told by day and class, by model and by session", async () => {
  const { key, session } = await worked();
  const user = await open("/me?tab=tokens&days=7", { key });
  const daily = await panel("My tokens per day");
  await user.click(within(daily).getByRole("button", { name: "Table" }));
  const rows = rowsOf(daily);
  expect(rows[0]).toEqual(["Day", "Cache read", "Cache creation", "Input", "Output"]);
  expect(rows).toHaveLength(8);
  expect(rows.filter(([, read]) => read === "3,000").map((row) => row.slice(1))).toEqual([["3,000", "4", "100", "20"]]);
  expect(rowsOf(await panel("By model"))[1]?.slice(0, 2)).toEqual(["claude-sonnet-4-5", "1"]);
  expect(rowsOf(await panel("Largest sessions"))[1]?.[0]).toBe(session);
  expect(within(await panel("Largest sessions")).queryByRole("link")).toBeNull();
});

test("an engineer's largest sessions lead to their own page, which is headed as one", async () => {
  const { key, session } = await worked("engineer");
  const user = await open("/me?tab=tokens", { key });
  await user.click(within(await panel("Largest sessions")).getByRole("link", { name: session }));
  expect((await screen.findByRole("heading", { level: 1 })).textContent).toBe("Session");
  expect(location.pathname).toMatch(/^\/sessions\//);
});

test("how many days are shown is in the address", async () => {
  const { key } = await worked();
  const user = await open("/me?tab=tokens", { key });
  await user.click(screen.getByRole("button", { name: "90 days" }));
  expect(location.search).toBe("?tab=tokens&days=90");
  await user.click(within(await panel("My tokens per day")).getByRole("button", { name: "Table" }));
  await waitFor(async () => expect(rowsOf(await panel("My tokens per day"))).toHaveLength(91));
});

test("a tab asks when it is first opened, and keeps what it shows when it is left", async () => {
  const { key } = await worked();
  const asked: string[] = [];
  const real = globalThis.fetch;
  globalThis.fetch = (request, init) => {
    asked.push(new URL((request as Request).url).pathname);
    return real(request, init);
  };
  try {
    const user = await open("/me", { key });
    await panel("My sessions");
    expect(asked.filter((path) => path.includes("/tokens"))).toEqual([]);
    await user.click(screen.getByRole("tab", { name: "Tokens" }));
    await user.click(within(await panel("My tokens per day")).getByRole("button", { name: "Table" }));
    await user.click(screen.getByRole("tab", { name: "Sessions" }));
    expect(location.search).toBe("");
    await user.click(screen.getByRole("tab", { name: "Tokens" }));
    // Neither asked again nor drawn anew: it still is the table that somebody chose.
    const kept = screen.getByRole("region", { name: "My tokens per day" });
    expect(within(kept).getByRole("button", { name: "Table" }).getAttribute("aria-pressed")).toBe("true");
    expect(asked.filter((path) => path.includes("/tokens"))).toHaveLength(1);
  } finally {
    globalThis.fetch = real;
  }
});

test("the arrow keys lead from tab to tab, round and round", async () => {
  const { key } = await newcomer();
  const user = await open("/me", { key });
  const tabs = await screen.findAllByRole("tab");
  expect(tabs.map((tab) => tab.tabIndex)).toEqual([0, -1, -1, -1, -1]);
  tabs[0]?.focus();
  await user.keyboard("{ArrowLeft}");
  expect(document.activeElement).toBe(tabs[4]);
  expect(screen.getByRole("tabpanel", { name: "API keys" })).toBeTruthy();
  expect(screen.queryByRole("tabpanel", { name: "Sessions" })).toBeNull();
  await user.keyboard("{ArrowRight}{ArrowRight}");
  expect(location.search).toBe("?tab=tokens");
  await user.keyboard("{End}{Home}");
  expect(document.activeElement).toBe(tabs[0]);
});

test("who read which reports is told, with the filters, and that it was the dashboard", async () => {
  const { key, self } = await newcomer("engineer");
  await self.get("/api/v1/analytics/tools?start_date=2026-05-01&end_date=2026-05-02");
  const user = await open("/agents?agent=planner", { key });
  await panel("Agents");
  // Reads are written down a moment later.
  const onRecord = async () => (await self.get("/api/v1/me/stats/queries")).rows;
  await waitFor(async () => expect((await onRecord()).length).toBeGreaterThan(1), { timeout: 15_000 });
  await user.click(screen.getByRole("link", { name: "My stats" }));
  await user.click(await screen.findByRole("tab", { name: "Data access" }));
  const read = await panel("Reports I read");
  const lines = rowsOf(read).slice(1).map((cells) => cells.slice(1, 4).concat(cells[5] ?? ""));
  expect(lines).toContainEqual(["tools", expect.stringContaining("start date 2026-05-01"), "done", "a program"]);
  expect(lines).toContainEqual(["agents", expect.stringContaining("agent planner"), "done", "the dashboard"]);
});

test("the syncs tell when a machine last asked", async () => {
  const { key, self } = await newcomer();
  await self.get("/api/v1/sync/manifest");
  await open("/me?tab=sync", { key });
  const syncs = await panel("My syncs");
  expect(await within(syncs).findByText(/^A machine of yours last asked just now/)).toBeTruthy();
  expect(rowsOf(syncs)[1]?.slice(1, 4)).toEqual(["asked what is known", "files 0", "done"]);
});

test("one's own data is downloaded as lines of JSON", async () => {
  const { key, session } = await worked();
  const saved: Blob[] = [];
  URL.createObjectURL = (blob) => `blob:${saved.push(blob as Blob)}`;
  URL.revokeObjectURL = () => undefined;
  HTMLAnchorElement.prototype.click = () => undefined;
  const user = await open("/me?tab=access", { key });
  await user.click(await screen.findByRole("button", { name: "Download my data" }));
  expect(await screen.findByText(/^Done: /)).toBeTruthy();
  const lines = (await saved[0]?.text())?.trim().split("\n").map((line) => JSON.parse(line));
  expect(lines?.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["profile", "session", "message"]));
  expect(JSON.stringify(lines)).toContain(session);
});

test("a viewer makes a key of their own, sees it once, and revokes it", async () => {
  const { key } = await newcomer();
  const user = await open("/me?tab=keys", { key });
  await panel("My keys");
  await user.click(screen.getByRole("button", { name: "Make a key" }));
  await user.type(within(screen.getByRole("dialog")).getByLabelText("Name"), "laptop");
  await user.click(screen.getByRole("button", { name: "Make" }));
  const made = await screen.findByRole("dialog", { name: "The key laptop" });
  const shown = within(made).getByLabelText<HTMLInputElement>("API key").value;
  expect((await Caller.of(url, shown)).token).toBeTruthy();
  await user.click(within(made).getByRole("button", { name: "Copy" }));
  expect(await navigator.clipboard.readText()).toBe(shown);
  // Neither Escape nor the way back takes it away: only a word that it is copied.
  fireEvent(made, new Event("cancel", { cancelable: true }));
  history.pushState(null, "", "/me");
  history.back();
  await new Promise((settle) => setTimeout(settle, 50));
  expect(screen.getByDisplayValue(shown)).toBeTruthy();
  await user.click(within(made).getByRole("button", { name: "I have copied it" }));
  expect(screen.queryByDisplayValue(shown)).toBeNull();
  await user.click(await screen.findByRole("button", { name: /^Revoke: laptop/ }));
  await user.click(screen.getByRole("button", { name: "Revoke" }));
  expect(await screen.findByText(/^The key laptop .* is revoked\.$/)).toBeTruthy();
  await expect(Caller.of(url, shown)).rejects.toThrow("401");
});
