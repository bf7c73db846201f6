import { render, screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { beforeEach, expect, inject, test } from "vitest";

import { StackedBars } from "../src/charts/stacked-bars";
import { DOLLARS } from "../src/format/numbers";
import { Panel } from "../src/parts/panel";
import { fileName, question } from "../src/parts/save";
import { Caller } from "./caller";
import { MAY, open, panel } from "./dashboard";

let saved: { name: string; blob: Blob }[] = [];

beforeEach(() => {
  const blobs: Blob[] = [];
  saved = [];
  URL.createObjectURL = (blob) => `blob:${blobs.push(blob as Blob) - 1}`;
  URL.revokeObjectURL = () => undefined;
  HTMLAnchorElement.prototype.click = function (this: HTMLAnchorElement) {
    saved.push({ name: this.download, blob: blobs[Number(this.href.slice(5))] as Blob });
  };
});

/** The lines of the file that the panel's button gives. */
async function csv(user: ReturnType<typeof userEvent.setup>, title: string): Promise<string[]> {
  const had = saved.length;
  await user.click(within(await panel(title)).getByRole("button", { name: `CSV of ${title}` }));
  await waitFor(() => expect(saved).toHaveLength(had + 1));
  const text = (await saved[had]?.blob.text()) ?? "";
  return text.replace("\uFEFF", "").trim().split("\r\n");
}

test("the file of a list that comes page by page has every row", async () => {
  const created_at = "2025-06-10T10:00:00Z";
  const sessions = Array.from({ length: 230 }, (_, i) => ({ id: `many-${i}`, created_at }));
  await (await Caller.of(inject("url"), inject("acme").owner)).post("/api/v1/ingest/batches", { sessions });
  const user = await open("/sessions?from=2025-06-01&to=2025-06-30&zone=Asia/Tokyo");
  await panel("Sessions");
  expect(screen.getAllByRole("row")).toHaveLength(51);
  const lines = await csv(user, "Sessions");
  expect(new Set(lines).size).toBe(231);
  expect(lines[0]).toBe("Session,Updated,Member,Status,Messages,Errors,Tool calls,Tokens,Cost (USD),Active (s)");
  expect(saved[0]?.name).toBe("tally-sessions-2025-06-01-2025-06-30-asia-tokyo.csv");
  expect(screen.getAllByRole("row")).toHaveLength(51);
});

test("a file has numbers as they are, with their unit in the heading", async () => {
  const user = await open(`/models?${MAY}`);
  expect((await csv(user, "Models")).slice(0, 2)).toEqual([
    "Model,Id,Messages,Tokens,Cost (USD),Errors,Error rate (%),Average time (ms),p50 (ms),p95 (ms),p99 (ms)",
    expect.stringMatching(/^Claude Sonnet,anthropic\/claude-sonnet,3,390,,1,33\.33\d*,1500(,[\d.]+){3}$/),
  ]);
  expect(await csv(user, "Tokens and cost")).toEqual(["Model,Tokens,Cost (USD)", "anthropic/claude-sonnet,390,", "llama-3-8b.gguf,10,"]);
});

test("a distribution's file has its bounds as numbers", async () => {
  const user = await open("/flowpilot/escalations", { account: "desk" });
  expect((await csv(user, "Time to first action")).slice(0, 2)).toEqual([
    "\"Time to first action, from (s)\",\"Time to first action, below (s)\",Handoffs",
    "0,30,0",
  ]);
  expect(saved[0]?.name).toMatch(/^tally-time-to-first-action-30d-to-\d{4}-\d\d-\d\d\.csv$/);
});

test("what is only to be pressed has no column in a file", async () => {
  const user = await open("/admin", { account: "workshop", role: "owner" });
  expect((await csv(user, "Members of the account"))[0]).toBe("Name,E-mail,Role,State,Last sync,Member since");
});

test("no file is made of an earlier question's answer", () => {
  const report = { data: {}, error: null, isPrevious: true, refresh: () => undefined };
  render(
    <Panel title="Cost" report={report} height={200}>
      {() => <StackedBars days={["2026-05-01"]} series={[{ name: "Cost", values: [1] }]} format={DOLLARS} />}
    </Panel>,
  );
  for (const kind of ["CSV", "PNG"]) expect(screen.getByRole<HTMLButtonElement>("button", { name: `${kind} of Cost` }).disabled).toBe(true);
});

test("a file is named by what was asked", () => {
  const days = { start_date: "2026-10-22", end_date: "2026-11-20" };
  expect(fileName("Tokens per day", days)).toBe("tally-tokens-per-day-2026-10-22-2026-11-20");
  expect(fileName("Cost", { ...days, timezone: "Europe/Berlin", agent: ["planner", "Köchin"], compare: "previous" })).toBe(
    "tally-cost-2026-10-22-2026-11-20-europe-berlin-planner-köchin",
  );
});

test("a picture says its window and its filters", () => {
  const said = (asked?: object) => question(asked).replace(/\s/g, " ");
  const days = { start_date: "2026-10-22", end_date: "2026-11-20" };
  expect(said({ ...days, compare: "previous" })).toBe("Oct 22 – Nov 20, 2026");
  expect(said({ ...days, timezone: "Europe/Berlin", agent: ["planner", "Köchin"] })).toBe("Oct 22 – Nov 20, 2026 · Europe/Berlin · planner · Köchin");
  expect(said({ period: "7d" })).toMatch(/^7 days to \w{3} \d+, \d{4}$/);
  expect([said({ days: 90, timezone: "UTC" }), said({}), said()]).toEqual([expect.stringMatching(/^90 days to .* · UTC$/), "", ""]);
});
