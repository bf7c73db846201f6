import { cleanup, render, screen, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, expect, test } from "vitest";

import { Histogram } from "../src/charts/histogram";
import { LineChart } from "../src/charts/line-chart";
import { alone } from "../src/charts/line";
import { labelled, upTo } from "../src/charts/scales";
import { kindOf, tickOf } from "../src/charts/series";
import { StackedBars } from "../src/charts/stacked-bars";
import { dayOnAxis, days, daysLater } from "../src/format/days";
import { COUNT, DURATION, DOLLARS, type Format, SECONDS, change, changed } from "../src/format/numbers";
import { Panel } from "../src/parts/panel";
import { csvOf } from "../src/parts/save";
import { viewOf } from "../src/view/view";

afterEach(cleanup);

const REPORT = { data: {}, error: null, isPrevious: false, refresh: () => undefined };
const DAYS = Array.from({ length: 400 }, (_, i) => daysLater("2025-01-01", i));
const EIGHT = Array.from({ length: 8 }, (_, s) => ({ name: `Series ${s}`, values: DAYS.map((_, i) => (i * (s + 1)) % 97) }));

test("an axis ends at a round number above everything", () => {
  expect(upTo(0, 100, "whole").ticks).toEqual([0, 1]);
  expect(upTo(7, 100, "whole").ticks).toEqual([0, 2, 4, 6, 8]);
  expect(upTo(0.3, 100, "any").ticks.map((tick) => tick.toFixed(1))).toEqual(["0.0", "0.1", "0.2", "0.3"]);
  expect(upTo(987_654, 100, "whole").ticks.at(-1)).toBe(1_000_000);
  expect(upTo(100, 100, "whole")(100)).toBe(0);
});

test("an axis of times is divided as a clock is, and all its ticks are written alike", () => {
  const ticks = (most: number, format: Format) => {
    const { ticks } = upTo(most, 100, kindOf(format));
    return ticks.map((tick) => tickOf(format)(tick, ticks));
  };
  expect(ticks(1100, SECONDS)).toEqual(["0", "5m", "10m", "15m", "20m"]);
  expect(ticks(200, SECONDS)).toEqual(["0", "1m", "2m", "3m", "4m"]);
  expect(ticks(3400, DURATION)).toEqual(["0", "1s", "2s", "3s", "4s"]);
  expect(ticks(20_000, SECONDS)).toEqual(["0", "2h", "4h", "6h"]);
  expect(ticks(0.007, DOLLARS)).toEqual(["$0.0000", "$0.0020", "$0.0040", "$0.0060", "$0.0080"]);
});

test("an axis over a turn of the year says which year", () => {
  expect(dayOnAxis("2026-05-03", ["2026-05-01", "2026-05-03"])).toBe("May 3");
  expect(dayOnAxis("2026-05-03", ["2025-05-01", "2026-05-03"])).toBe("May 3, 2026");
});

test("a column of money has as many decimals everywhere, one of times one kind of unit", () => {
  expect([83.88, 0.0012, null].map(DOLLARS.among!([83.88, 0.0012, null]))).toEqual(["$83.8800", "$0.0012", "–"]);
  expect([840, 1500].map(DURATION.among!([840, 1500]))).toEqual(["0.84s", "1.50s"]);
  expect([45, 200, 7500].map(SECONDS.among!([45, 200, 7500]))).toEqual(["45s", "3m 20s", "2h 5m"]);
});

test("a day that stands alone is drawn as a mark", () => {
  expect(alone([null, 3, null, 1, 2])).toEqual([1]);
  expect(alone([5])).toEqual([0]);
});

test("labels of an axis never run into each other", () => {
  expect(labelled(31, 720, 72)).toEqual([0, 4, 8, 12, 16, 20, 24, 28]);
  expect(labelled(1, 10, 72)).toEqual([0]);
});

test("eight series of 400 days are few elements, whatever the chart", () => {
  for (const Chart of [LineChart, StackedBars]) {
    const { container } = render(
      <Panel title="Many" report={REPORT} height={230}>
        {() => <Chart days={DAYS} series={EIGHT} format={COUNT} />}
      </Panel>,
    );
    expect(container.querySelectorAll("svg.plot *").length).toBeLessThan(60);
    expect(container.querySelectorAll("svg.plot path")).toHaveLength(8);
    cleanup();
  }
});

test("a histogram has its numbers as a table too", async () => {
  const user = userEvent.setup();
  const bins = [
    { label: "under 1 min", count: 4, from: 0, below: 60 },
    { label: "1–5 min", count: 2, from: 60, below: 300 },
  ];
  render(
    <Panel title="Time to act" report={REPORT} height={200}>
      {() => <Histogram columns={["Time", "Escalations"]} bins={bins} unit="s" />}
    </Panel>,
  );
  await user.click(screen.getByRole("button", { name: "Table" }));
  expect(within(screen.getByRole("table")).getByRole("cell", { name: "1–5 min" })).toBeTruthy();
});

test("a panel says what failed, and asks again when told to", async () => {
  const user = userEvent.setup();
  let asked = 0;
  const report = { data: undefined, error: new Error("It broke."), isPrevious: false, refresh: () => void (asked += 1) };
  render(
    <Panel title="Broken" report={report} height={200}>
      {() => null}
    </Panel>,
  );
  expect(screen.getByRole("alert").textContent).toContain("It broke.");
  await user.click(screen.getByRole("button", { name: "Try again" }));
  expect(asked).toBe(1);
});

test("CSV is quoted, and a name never becomes a formula", () => {
  const sheet = { columns: ["Name", "n"], rows: [["a,\"b\"", 1], ["=1+1", null], ["-5", -5]], write: String };
  expect(csvOf(sheet)).toBe('\uFEFFName,n\r\n"a,""b""",1\r\n\'=1+1,\r\n\'-5,-5\r\n');
});

test("a formula full-width or behind what nobody sees is one too, and a semicolon parts nothing", () => {
  const csv = (text: string) => csvOf({ columns: [], rows: [[text]], write: String }).slice(3, -2);
  for (const sign of "=+-@＝＋－＠")
    for (const unseen of ["", " ", "\u00a0", "\u200b\u2060", "\ufeff", "\u3000", "\x00\x7f", "\u202e"])
      expect(csv(`${unseen}${sign}1`)).toBe(`'${unseen}${sign}1`);
  expect(["a;=1", "x =1", " x", "a-b"].map(csv)).toEqual(['"a;=1"', "x =1", " x", "a-b"]);
});

test("numbers are exact where they can be and short where they must", () => {
  expect([COUNT.exact(1_234_567), COUNT.short(1_234_567), COUNT.short(12_345), COUNT.exact(null)]).toEqual([
    "1,234,567",
    "1.23M",
    "12,345",
    "–",
  ]);
  expect([DURATION.short(840), DURATION.short(1500), DURATION.short(600_000)]).toEqual(["840ms", "1.5s", "10m"]);
  expect([DOLLARS.exact(0.001234), DOLLARS.exact(12.5), DOLLARS.short(null)]).toEqual(["$0.001234", "$12.50", "–"]);
  expect([changed(0.5), changed(-0.034), change(3, 0), change(3, null)]).toEqual(["50%", "3.4%", null, null]);
});

test("a window's label names the year where it is another", () => {
  expect(days("2026-10-23", "2026-11-21", "2026-11-21").replace(/\s/g, " ")).toBe("Oct 23 – Nov 21");
  expect(days("2025-10-18", "2026-11-21", "2026-11-21").replace(/\s/g, " ")).toBe("Oct 18, 2025 – Nov 21, 2026");
});

test("a link that somebody cut still shows something", () => {
  const now = new Date("2026-03-01T02:00:00Z");
  const shown = (search: string, zone = "UTC") => {
    const { from, to, preset, zone: chosen } = viewOf(new URLSearchParams(search), zone, now);
    return [from, to, preset, chosen];
  };
  expect(shown("")).toEqual(["2026-01-31", "2026-03-01", "30d", null]);
  expect(shown("", "America/New_York")).toEqual(["2026-01-30", "2026-02-28", "30d", null]);
  expect(shown("range=month")).toEqual(["2026-03-01", "2026-03-01", "month", null]);
  expect(shown("range=century&zone=Atlantis")).toEqual(["2026-01-31", "2026-03-01", "30d", null]);
  expect(shown("from=2026-02-30&to=2026-03-01")).toEqual(["2026-01-31", "2026-03-01", "30d", null]);
  expect(shown("from=2026-02-02&to=2026-02-03&zone=Asia/Tokyo")).toEqual(["2026-02-02", "2026-02-03", null, "Asia/Tokyo"]);
  expect(shown("from=2020-01-01&to=2026-02-03")[2]).toBe("30d");
});
