import { screen, waitFor, within } from "@testing-library/react";
import { expect, inject, test } from "vitest";

import { jobColumns } from "../../src/pages/admin/processing-columns";
import { Caller } from "../caller";
import { open, panel, rowsOf } from "../dashboard";

const url = inject("url");
const workshop = { account: "workshop", role: "owner" } as const;

test("the processors are there, and a pass by hand says what it did", async () => {
  const user = await open("/admin/processing", workshop);
  const processors = await panel("Processors");
  expect(rowsOf(processors).map(([name]) => name)).toEqual(expect.arrayContaining(["Processor", "usage", "friction"]));
  // The worker may be at it this very moment, which the API says; then once more.
  await waitFor(async () => {
    await user.click(within(processors).getByRole("button", { name: "Run now: usage" }));
    expect(await screen.findByText(/^usage: (nothing waited|\d+ of \d+ logs read)/, {}, { timeout: 3000 })).toBeTruthy();
  });
  expect(await screen.findByText("No log is set aside.")).toBeTruthy();
});

test("a next look that is past waits for a worker", () => {
  const look = jobColumns("UTC").find(({ name }) => name === "Next look");
  const at = (ms: number, running = false) =>
    look?.text?.({ name: "usage", running, last_run: null, recent_runs: [], due_at: new Date(Date.now() + ms).toISOString() } as never);
  expect(at(-1000)).toBe("waits for a worker");
  expect(at(-1000, true)).toMatch(/UTC$/);
  expect(at(60_000)).toMatch(/UTC$/);
});

test("what was set aside is released after a yes, alone or with the rest", async () => {
  const { token } = await Caller.of(url, inject("workshop").owner);
  const line = JSON.stringify({ type: "user", sessionId: "s", uuid: "u", timestamp: "2026-05-01T10:00:00Z" });
  const upload = { method: "POST", body: `${line}\n`, headers: { Authorization: `Bearer ${token}` } };
  const { id } = await (await fetch(`${url}/api/v1/transcripts?name=broken.jsonl`, upload)).json();
  const real = globalThis.fetch;
  const asked: string[] = [];
  // Five failures take an hour: the API's answer gets the line that they would leave.
  globalThis.fetch = async (request, init) => {
    const answer = await real(request, init);
    const { pathname, search } = new URL((request as Request).url);
    if (pathname.includes("/release")) asked.push(pathname + search);
    if (pathname !== "/api/v1/admin/processors") return answer;
    const jobs = await answer.json();
    const file = { transcript_id: id, user_id: id, name: "broken.jsonl", attempts: 5, last_error: "ValueError", quarantined_at: "2026-05-01T10:00:00Z" };
    const [first, ...others] = jobs.processors;
    return Response.json({ ...jobs, processors: [{ ...first, quarantined: 1, quarantined_files: [file] }, ...others] });
  };
  try {
    const user = await open("/admin/processing", workshop);
    const aside = await panel("Set aside");
    const [, processor] = rowsOf(aside)[1] ?? [];
    const release = async () => {
      await user.click(within(aside).getByRole("button", { name: `Release: broken.jsonl for ${processor}` }));
      return within(screen.getByRole("dialog"));
    };
    await user.click((await release()).getByRole("button", { name: "Release" }));
    expect(await screen.findByText(/^Released: 0\./)).toBeTruthy();
    const again = await release();
    await user.click(again.getByRole("checkbox"));
    await user.click(again.getByRole("button", { name: "Release" }));
    await waitFor(() => expect(asked).toHaveLength(2));
    const address = `/api/v1/admin/processors/${processor}/release`;
    expect(asked).toEqual([`${address}?transcript_id=${id}`, address]);
  } finally {
    globalThis.fetch = real;
  }
});
