import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, inject, test } from "vitest";

import { AnalyticsProvider } from "../src/api/provider";
import { UsageChart } from "../src/example";
import { Watched } from "./watched";

afterEach(cleanup);

async function showFor(apiKey: string) {
  const { client } = await Watched.of(inject("url"), apiKey);
  render(
    <AnalyticsProvider client={client}>
      <UsageChart />
    </AnalyticsProvider>,
  );
}

test("the example of the documentation shows 31 days", async () => {
  await showFor(inject("acme").engineer);
  expect(await screen.findAllByRole("listitem")).toHaveLength(31);
});

test("the example says why there is nothing to show", async () => {
  await showFor(inject("acme").viewer);
  expect((await screen.findByRole("alert")).textContent).toContain("engineer");
});
