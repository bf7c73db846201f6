import { screen, waitFor, within } from "@testing-library/react";
import { expect, inject, test } from "vitest";

import { dayBegins } from "../../src/format/instants";
import { Caller } from "../caller";
import { open, panel, rowsOf } from "../dashboard";

const url = inject("url");
const workshop = { account: "workshop", role: "owner" } as const;

function dialog() {
  return within(screen.getByRole("dialog"));
}

async function settings() {
  return (await Caller.of(url, inject("workshop").owner)).get("/api/v1/account");
}

test("settings are reviewed with what follows from them, then saved, and nothing else is changed", async () => {
  const before = await settings();
  const user = await open("/admin/settings", workshop);
  const days = await screen.findByLabelText("Days that facts are kept");
  await user.clear(days);
  await user.type(days, "400");
  await user.click(screen.getByLabelText("Raw session logs are kept once they are read"));
  await user.click(screen.getByRole("button", { name: "Save …" }));
  expect(dialog().getAllByRole("listitem").map((item) => item.textContent)).toEqual([
    "Days that facts are kept: 0 → 400",
    "Raw session logs are kept: yes → no",
  ]);
  expect(dialog().getByText(/^Facts older than 400 days are deleted/)).toBeTruthy();
  await user.click(dialog().getByRole("button", { name: "Save" }));
  expect(await screen.findByText("Saved: days that facts are kept, raw session logs are kept.")).toBeTruthy();
  const { updated_at: _, ...after } = await settings();
  expect({ ...before, ...after }).toEqual({ ...before, retention_days: 400, keep_transcripts: false });
});

test("a zone that is none is refused in the API's sentence", async () => {
  const user = await open("/admin/settings", workshop);
  const zone = await screen.findByLabelText("Time zone of reports");
  await user.clear(zone);
  await user.type(zone, "Mars/Olympus");
  await user.click(screen.getByRole("button", { name: "Save …" }));
  await user.click(dialog().getByRole("button", { name: "Save" }));
  expect((await dialog().findByRole("alert")).textContent).toBe("timezone: must be an IANA time zone such as Europe/Berlin.");
});

test("saving what is as it was changes nothing and says so", async () => {
  const user = await open("/admin/settings", workshop);
  await user.click(await screen.findByRole("button", { name: "Save …" }));
  expect(await screen.findByText("Nothing was changed.")).toBeTruthy();
  expect(screen.queryByRole("dialog")).toBeNull();
});

test("settings that were typed and not saved stay while another page is looked at, until they are dropped", async () => {
  const user = await open("/admin/settings", workshop);
  const name = () => screen.findByLabelText<HTMLInputElement>("Name");
  const before = (await name()).value;
  await user.type(await name(), " and more");
  await user.click(screen.getByRole("link", { name: "Audit" }));
  await panel("What was done");
  await user.click(screen.getByRole("link", { name: "Settings" }));
  expect((await name()).value).toBe(`${before} and more`);
  await user.click(screen.getByRole("button", { name: "Drop what is not saved" }));
  expect((await name()).value).toBe(before);
  expect((await settings()).name).toBe(before);
});

test("an account is deleted by its owner alone, who types its code", async () => {
  const user = await open("/admin/settings", workshop);
  await user.click(await screen.findByRole("button", { name: "Delete the account …" }));
  await user.type(dialog().getByLabelText(/^To confirm, type /), "something else");
  await user.click(dialog().getByRole("button", { name: "Delete everything" }));
  expect((await dialog().findByRole("alert")).textContent).toMatch(/confirm/);
  expect((await settings()).name).toBe("Workshop");
});

test("what is too old is looked at first, and goes after a yes", async () => {
  const owner = await Caller.of(url, inject("workshop").owner);
  const at = new Date(Date.now() - 300 * 86_400_000).toISOString();
  const messages = [{ id: "old-1", session_id: "old", role: "user", created_at: at }];
  await owner.post("/api/v1/ingest/batches", { sessions: [{ id: "old", created_at: at }], messages });
  await owner.patch("/api/v1/account", { retention_days: 100 });
  const user = await open("/admin/data", workshop);
  await user.click(await screen.findByRole("button", { name: "Look what would go" }));
  expect((await screen.findByText(/^What is older than /)).textContent).toMatch(/UTC: .*1 messages/);
  await user.click(screen.getByRole("button", { name: "Delete it now …" }));
  await user.click(dialog().getByRole("button", { name: "Delete for good" }));
  expect((await screen.findByText(/^Deleted: /)).textContent).toMatch(/1 messages/);
  await user.click(screen.getByRole("button", { name: "Look what would go" }));
  expect((await screen.findByText(/^What is older than /)).textContent).toMatch(/nothing is left of it\.$/);
});

test("the sums are compared with the facts, and made anew", async () => {
  const user = await open("/admin/data", workshop);
  await user.click(await screen.findByRole("button", { name: "Compare with the facts" }));
  expect(await screen.findByText("Every sum is exact.")).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Make anew …" }));
  await user.click(dialog().getByRole("button", { name: "Make anew" }));
  expect(await screen.findByText("All sums are made anew from the facts.")).toBeTruthy();
});

test("the audit is filtered by what, result and days, in the address too", async () => {
  const owner = await Caller.of(url, inject("workshop").owner);
  await owner.post("/api/v1/keys", { name: "audited" });
  const user = await open("/admin/audit?zone=UTC", workshop);
  await panel("What was done");
  const what = () => screen.getByLabelText<HTMLSelectElement>("What");
  await waitFor(() => expect([...what().options].map(({ value }) => value)).toContain("key.create"));
  await user.selectOptions(what(), "key.create");
  expect(location.search).toBe("?zone=UTC&action=key.create");
  const whats = async () => new Set(rowsOf(await panel("What was done")).slice(1).map((cells) => cells[2]));
  await waitFor(async () => expect([...(await whats())]).toEqual(["key.create"]));
  await user.selectOptions(screen.getByLabelText("Result"), "refused");
  expect(await screen.findByText("Nothing of this kind is on record.")).toBeTruthy();
  expect(what().value).toBe("key.create");
});

test("a link to an audit of a day shows that day's", async () => {
  await open("/admin/audit?since=2020-01-01&until=2020-01-01", workshop);
  expect(await screen.findByText("Nothing of this kind is on record.")).toBeTruthy();
  expect(screen.getByLabelText<HTMLInputElement>("Last day").value).toBe("2020-01-01");
});

test.each([
  ["2026-05-03", "UTC", "2026-05-03T00:00:00.000Z"],
  ["2026-05-03", "Europe/Berlin", "2026-05-02T22:00:00.000Z"],
  // The clocks change at two in the morning of these.
  ["2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00.000Z"],
  ["2026-03-30", "Europe/Berlin", "2026-03-29T22:00:00.000Z"],
  ["2026-11-01", "America/Los_Angeles", "2026-11-01T07:00:00.000Z"],
  // There they changed between that midnight and Greenwich's.
  ["2026-04-05", "Pacific/Auckland", "2026-04-04T11:00:00.000Z"],
  ["2026-05-03", "Asia/Kathmandu", "2026-05-02T18:15:00.000Z"],
])("the day %s begins in %s at %s", (day, zone, at) => {
  expect(dayBegins(day, zone)).toBe(at);
});
