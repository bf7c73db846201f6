import { cleanup, render, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, inject } from "vitest";

import { App } from "../src/app";

afterEach(cleanup);

/** All that Acme did; see history.ts. */
export const MAY = "from=2026-05-01&to=2026-05-31";

type Keys = ReturnType<typeof inject<"acme">>;
type Role = keyof Keys;

interface Door {
  role?: Role;
  account?: "acme" | "empty" | "desk" | "workshop";
  /** Instead of the role's. */
  key?: string;
}

/** Opens the dashboard at an address and signs in, as a person does: by typing a key into the page. */
export async function open(address: string, { role = "engineer", account = "acme", key }: Door = {}) {
  history.replaceState(null, "", address);
  const user = userEvent.setup();
  render(<App baseUrl={inject("url")} />);
  await signIn(user, key ?? inject(account)[role]);
  await screen.findByRole("navigation", { name: "Pages" });
  return user;
}

export async function signIn(user: ReturnType<typeof userEvent.setup>, key: string) {
  await user.click(screen.getByLabelText("API key"));
  await user.paste(key);
  await user.click(screen.getByRole("button", { name: "Sign in" }));
}

/** The panel with this heading, once its report is there. */
export async function panel(title: string): Promise<HTMLElement> {
  const found = await screen.findByRole("region", { name: title });
  await waitFor(() => {
    if (found.querySelector(".skeleton") !== null) throw new Error(`${title} is still on its way.`);
  });
  return found;
}

/** The card with this heading. */
export async function card(title: string): Promise<HTMLElement> {
  return waitFor(() => {
    const headings = screen.getAllByRole("heading", { name: title });
    const found = headings.map((heading) => heading.closest<HTMLElement>(".card")).find((one) => one !== null);
    if (!found) throw new Error(`There is no card ${title}.`);
    return found;
  });
}

/** A table's rows as they read, headings first. */
export function rowsOf(within: HTMLElement): string[][] {
  return [...within.querySelectorAll("tr")].map((row) => [...row.children].map((cell) => cell.textContent ?? ""));
}
