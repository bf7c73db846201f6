import { render, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, inject, test } from "vitest";

import { App } from "../src/app";
import { MAY, open, panel, rowsOf, signIn } from "./dashboard";

test("a key that is none is refused with what to do", async () => {
  const user = userEvent.setup();
  render(<App baseUrl={inject("url")} />);
  await signIn(user, "tly_none");
  expect((await screen.findByRole("alert")).textContent).toContain("mistyped, revoked");
  expect(screen.getByLabelText("API key")).toBeTruthy();
});

test("a server that is away is said at the door", async () => {
  const user = userEvent.setup();
  render(<App baseUrl="http://127.0.0.1:9" />);
  await signIn(user, "tly_none");
  expect((await screen.findByRole("alert")).textContent).toContain("Tally cannot be reached");
});

test("a link leads through the door to its page, window and filters", async () => {
  await open(`/agents?${MAY}&agent=unknown`);
  expect((await screen.findByRole("heading", { level: 1 })).textContent).toBe("Agents");
  expect(rowsOf(await panel("Agents")).map(([name]) => name)).toEqual(["Agent", "unknown"]);
});

test("nothing of the key or the token is kept in storage, cookies or the address", async () => {
  await open("/");
  await panel("Busiest agents");
  expect([localStorage.length, sessionStorage.length, document.cookie]).toEqual([0, 0, ""]);
  expect(location.href).not.toMatch(/tly_|ey[A-Z]/);
});

test("signing out shows the door, and nothing of what was shown", async () => {
  const user = await open(`/?${MAY}`);
  await panel("Busiest agents");
  await user.click(screen.getByRole("button", { name: "Sign out" }));
  expect(screen.getByText("You are signed out.")).toBeTruthy();
  expect(screen.queryByText("planner")).toBeNull();
});

test("a preset goes into the address and comes along to other pages", async () => {
  const user = await open("/");
  await user.click(screen.getByRole("button", { name: "7 days" }));
  expect(location.search).toBe("?range=7d");
  await user.click(screen.getByRole("link", { name: "Agents" }));
  expect(location.pathname + location.search).toBe("/agents?range=7d");
  expect(screen.getByRole("button", { name: "7 days" }).getAttribute("aria-pressed")).toBe("true");
});

test("the way back leads to what was shown before", async () => {
  const user = await open("/agents");
  await user.click(screen.getByRole("button", { name: "90 days" }));
  history.back();
  await waitFor(() => expect(screen.getByRole("button", { name: "30 days" }).getAttribute("aria-pressed")).toBe("true"));
});

test("a window of one's own: too long is refused before anybody asks, a good one is shown", async () => {
  const user = await open("/");
  await user.click(screen.getByRole("button", { name: /Own window/ }));
  await user.clear(screen.getByLabelText("First day"));
  await user.type(screen.getByLabelText("First day"), "2024-01-01");
  expect(screen.getByRole("alert").textContent).toBe("At most 400 days can be shown at once.");
  await user.clear(screen.getByLabelText("First day"));
  await user.type(screen.getByLabelText("First day"), "2026-05-01");
  await user.click(screen.getByRole("button", { name: "Show" }));
  expect(location.search).toContain("from=2026-05-01&to=");
});

test("a filter's choices are those of the window; a choice goes into the address", async () => {
  const user = await open(`/?${MAY}`);
  await user.click(screen.getByRole("button", { name: /Filter by model/ }));
  await user.click(await screen.findByRole("checkbox", { name: "llama-3-8b.gguf" }));
  expect(new URLSearchParams(location.search).getAll("model")).toEqual(["llama-3-8b.gguf"]);
  await user.keyboard("{Escape}");
  expect(screen.queryByRole("checkbox")).toBeNull();
  await user.click(screen.getByRole("button", { name: "Clear filters" }));
  expect(location.search).toBe(`?${MAY}`);
});

test("another zone moves messages to its days", async () => {
  const user = await open("/?from=2026-05-02&to=2026-05-02&zone=America/Los_Angeles");
  const messages = await panel("Messages per day");
  await user.click(messages.querySelector("button") as HTMLButtonElement);
  expect(rowsOf(messages)[1]).toEqual(["Sat, May 2, 2026", "2", "1"]);
});

test("an address without a page says so", async () => {
  await open("/nowhere");
  expect(await screen.findByText("There is no such page")).toBeTruthy();
});

test.each([
  ["from=2026-05-31&to=2026-05-01", "its first day comes after its last"],
  ["from=2024-01-01&to=2026-05-01", "at most 400 days"],
  ["from=2026-02-30&to=2026-03-01", "“2026-02-30” is no day"],
  ["range=foo", "range “foo” was ignored"],
  ["zone=Mars/Phobos", "zone “Mars/Phobos” was ignored"],
  ["member=not-a-uuid", "A member in the link was ignored"],
])("a link with %s says what was ignored, and the address is put right", async (search, sentence) => {
  const user = await open(`/agents?${search}&model=kept`);
  expect(await screen.findByText(new RegExp(sentence))).toBeTruthy();
  expect(location.search).toBe("?model=kept");
  await user.click(screen.getByRole("button", { name: "7 days" }));
  expect(screen.queryByText(new RegExp(sentence))).toBeNull();
});

test("a filter that a page does not take is said there, and can be dropped", async () => {
  const user = await open("/tools?agent=planner&range=7d");
  expect(await screen.findByText(/^Not filtered by agent here/)).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Drop this filter" }));
  expect(location.search).toBe("?range=7d");
  expect(screen.queryByText(/^Not filtered by/)).toBeNull();
});

test("what is shown says when it was last checked, and how new its data is", async () => {
  await open(`/agents?${MAY}`);
  await panel("Agents");
  expect(await screen.findByText(/^Checked just now; newest data .*UTC$/)).toBeTruthy();
});
