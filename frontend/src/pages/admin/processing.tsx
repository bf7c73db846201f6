import { useMemo, useState } from "react";

import { answerOf } from "../../api/client";
import type { components } from "../../api/schema";
import { COUNT } from "../../format/numbers";
import { Panel } from "../../parts/panel";
import { Refusal, useSay } from "../../parts/said";
import { DataTable } from "../../parts/table";
import { useChange } from "../../parts/useChange";
import { useReport } from "../../reports/useReport";
import { useSession } from "../../session/current";
import { useView } from "../../view/useView";
import { fileColumns, jobColumns, processorColumns, type SetAside } from "./processing-columns";
import { Release } from "./release";

type Details = components["schemas"]["PassDetails"];

/** What waits to be read from session logs, what was set aside, and how the worker's jobs went. */
export default function Processing() {
  const { inZone } = useView();
  const report = useReport("/api/v1/admin/processors", {});
  const [releasing, release] = useState<SetAside | null>(null);
  const pass = usePass();
  const running = pass.isPending ? (pass.variables ?? null) : null;
  const processors = useMemo(() => processorColumns(inZone, running, pass.begin), [inZone, running, pass.begin]);
  const files = useMemo(() => fileColumns(inZone, release), [inZone]);
  const jobs = useMemo(() => jobColumns(inZone), [inZone]);
  return (
    <div className="grid">
      <Panel
        title="Processors"
        note="Each reads every session log that comes in; the worker does so all the time. Waiting counts logs, the wait is of the oldest."
        kind="table"
        report={report}
        height={140}
      >
        {(data) => <DataTable columns={processors} rows={data.processors} keyOf={({ name }) => name} />}
      </Panel>
      <Refusal of={pass.error} />
      <Panel
        title="Set aside"
        note="Logs on which a processor failed five times. Released, they are tried again; the first hundred of each."
        kind="table"
        report={report}
        height={140}
        empty={(data) => (data.processors.every(({ quarantined }) => quarantined === 0) ? "No log is set aside." : null)}
        advice="A log comes here when a processor fails on it five times."
      >
        {(data) => <DataTable columns={files} rows={setAside(data)} keyOf={(file) => file.processor + file.transcript_id} />}
      </Panel>
      <Panel
        title="Other jobs of the worker"
        note="Those that have run for this account."
        kind="table"
        report={report}
        height={160}
        empty={(data) => (data.jobs.length === 0 ? "No job has run for this account yet." : null)}
        advice="A worker runs them; tally up has one."
      >
        {(data) => <DataTable columns={jobs} rows={data.jobs} keyOf={({ name }) => name} />}
      </Panel>
      {releasing !== null && <Release file={releasing} onClose={() => release(null)} />}
    </div>
  );
}

/** A pass by hand; what it did is said, and everything that it may have changed asked anew. */
function usePass() {
  const { client } = useSession();
  const say = useSay();
  return useChange(
    (processor: string) => answerOf(client.POST("/api/v1/admin/run-session-processor", { params: { query: { processor } } })),
    { onDone: ({ details }) => say(summary(details)) },
  );
}

function summary({ processor, scanned, processed, skipped, errors, items_extracted: items }: Details): string {
  if (scanned === 0) return `${processor}: nothing waited.`;
  const parts = [`${COUNT.exact(processed)} of ${COUNT.exact(scanned)} logs read, ${COUNT.exact(items)} items found`];
  if (skipped > 0) parts.push(`${COUNT.exact(skipped)} left for the next pass`);
  if (errors > 0) parts.push(`${COUNT.exact(errors)} failed`);
  return `${processor}: ${parts.join(", ")}.`;
}

function setAside({ processors }: components["schemas"]["Jobs"]): SetAside[] {
  return processors.flatMap(({ name, quarantined_files }) => quarantined_files.map((file) => ({ ...file, processor: name })));
}
