/** The most a chart is asked to draw: eight series of 400 days, as lines and as bars. */
import "../../src/style/tokens.css";
import "../../src/style/page.css";

import { createRoot } from "react-dom/client";

import { LineChart } from "../../src/charts/line-chart";
import { StackedBars } from "../../src/charts/stacked-bars";
import { daysLater } from "../../src/format/days";
import { COUNT } from "../../src/format/numbers";
import { Panel } from "../../src/parts/panel";

const DAYS = Array.from({ length: 400 }, (_, i) => daysLater("2025-01-01", i));
const SERIES = Array.from({ length: 8 }, (_, s) => ({
  name: `Series ${s + 1}`,
  values: DAYS.map((_, i) => Math.round(1000 * (1 + Math.sin(i / (7 + s))) * (s + 1))),
}));
const REPORT = { data: {}, error: null, isPrevious: false, refresh: () => undefined };

createRoot(document.getElementById("root") as HTMLElement).render(
  <div className="grid">
    {[LineChart, StackedBars].map((Chart, i) => (
      <Panel key={i} title={i === 0 ? "Lines" : "Bars"} report={REPORT} height={300}>
        {() => <Chart days={DAYS} series={SERIES} format={COUNT} />}
      </Panel>
    ))}
  </div>,
);
