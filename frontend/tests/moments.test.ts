import { afterEach, describe, expect, test } from "vitest";

import { dayLabel } from "../src/hooks/day";
import { endInstant, startInstant } from "../src/hooks/window";

const given = process.env["TZ"];
afterEach(() => {
  process.env["TZ"] = given;
});

describe.each([
  ["America/Los_Angeles", 420],
  ["Asia/Kathmandu", -345],
  ["UTC", 0],
  // 30 December 2011 does not exist there.
  ["Pacific/Apia", -780],
])("for a reader in %s", (zone, offset) => {
  test("a day has the label of that day", () => {
    process.env["TZ"] = zone;
    expect(new Date(2026, 4, 3).getTimezoneOffset()).toBe(offset);
    const labels = ["2026-05-03", "2026-01-01", "2026-12-31", "2028-02-29", "2026-03-08", "2011-12-30"].map(dayLabel);
    expect(labels).toEqual(["May 3", "Jan 1", "Dec 31", "Feb 29", "Mar 8", "Dec 30"]);
  });

  test("the reader's own midnights are asked for as they are", () => {
    process.env["TZ"] = zone;
    expect(Date.parse(startInstant(new Date(2026, 4, 1)) ?? "")).toBe(Date.UTC(2026, 4, 1) + offset * 60_000);
    expect(Date.parse(endInstant(new Date(2026, 4, 1)) ?? "")).toBe(Date.UTC(2026, 4, 1) + offset * 60_000);
  });
});

test("an end of the day stays one", () => {
  expect(endInstant(new Date("2026-05-31T23:59:59.999Z"))).toBe("2026-05-31T23:59:59.999Z");
  expect(endInstant(new Date("2026-05-31T23:59:59Z"))).toBe("2026-05-31T23:59:59.999Z");
});

test("instants of one minute are one question", () => {
  expect(startInstant(new Date("2026-05-31T12:34:56.789Z"))).toBe("2026-05-31T12:34:00.000Z");
  expect(endInstant(new Date("2026-05-31T12:34:56.789Z"))).toBe("2026-05-31T12:34:59.999Z");
});

test("no date is no parameter", () => {
  expect(startInstant(undefined)).toBeUndefined();
  expect(endInstant(undefined)).toBeUndefined();
});
