import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";

import { open, panel } from "./dashboard";
import { sent } from "./sent";

const workshop = { account: "workshop", role: "owner" } as const;

test("a form that is sent twice before the answer changes something once", async () => {
  const posts = sent("POST");
  const user = await open("/admin", workshop);
  await panel("Members of the account");
  await user.click(screen.getByRole("button", { name: "Add a member" }));
  const dialog = within(screen.getByRole("dialog"));
  await user.type(dialog.getByLabelText("E-mail"), `${crypto.randomUUID()}@example.com`);
  await user.type(dialog.getByLabelText("Name"), "Once");
  const form = screen.getByRole("dialog").querySelector("form") as HTMLFormElement;
  for (let i = 0; i < 3; i += 1) fireEvent.submit(form);
  await screen.findByText(/^Once is a member now/);
  expect(posts).toEqual(["/api/v1/users"]);
});

test("a form that was refused can be sent again", async () => {
  const user = await open("/admin", workshop);
  await panel("Members of the account");
  await user.click(screen.getByRole("button", { name: "Add a member" }));
  const dialog = within(screen.getByRole("dialog"));
  await user.type(dialog.getByLabelText("E-mail"), "owner@example.com");
  await user.type(dialog.getByLabelText("Name"), "Again");
  await user.click(dialog.getByRole("button", { name: "Add" }));
  await dialog.findByRole("alert");
  await user.clear(dialog.getByLabelText("E-mail"));
  await user.type(dialog.getByLabelText("E-mail"), `${crypto.randomUUID()}@example.com`);
  await user.click(dialog.getByRole("button", { name: "Add" }));
  expect(await screen.findByText(/^Again is a member now/)).toBeTruthy();
});

test("a pass by hand that is asked for twice before the answer runs once", async () => {
  const posts = sent("POST");
  await open("/admin/processing", workshop);
  const run = await within(await panel("Processors")).findByRole("button", { name: "Run now: usage" });
  for (let i = 0; i < 3; i += 1) fireEvent.click(run);
  await waitFor(() => expect(run.getAttribute("aria-disabled")).toBe("false"));
  expect(posts).toEqual(["/api/v1/admin/run-session-processor"]);
});
