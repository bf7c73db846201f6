import type { components } from "../../api/schema";
import { instant } from "../../format/instants";
import { COUNT, SECONDS } from "../../format/numbers";
import { Badge } from "../../parts/badge";
import { figure } from "../../parts/columns";
import type { Column } from "../../parts/table";

type Processor = components["schemas"]["ProcessorState"];
type Job = components["schemas"]["JobState"];
type Run = NonNullable<Job["last_run"]>;

export type SetAside = components["schemas"]["Quarantined"] & { processor: string };

const TONES: Readonly<Record<string, "good" | "warn" | "bad">> = { done: "good", partly: "warn", differs: "bad", failed: "bad", lost: "bad" };

/** How the last runs went; the rest in the tooltip. */
function Runs({ job: { running, last_run, recent_runs }, zone }: { job: Job; zone: string }) {
  const past = recent_runs.map((run) => `${instant(run.began_at, zone)}: ${written(run)}`).join("\n");
  if (running) return <Badge text="running" tone="warn" title={past} />;
  return last_run === null ? "never" : <Badge text={last_run.outcome} tone={TONES[last_run.outcome] ?? "plain"} title={past} />;
}

function written({ outcome, items, fault }: Run): string {
  return `${outcome}, ${COUNT.exact(items)} items${fault === null ? "" : `, ${fault}`}`;
}

/** A time that is past says that no worker came yet, not that one will. */
function nextLook(due: string | null, running: boolean, zone: string): string {
  if (due === null) return "–";
  return !running && Date.parse(due) <= Date.now() ? "waits for a worker" : instant(due, zone);
}

function runColumns(zone: string): Column<Job>[] {
  const at = (when: string | null | undefined) => (when ? instant(when, zone) : "–");
  return [
    { name: "Last run", value: ({ last_run }) => last_run?.outcome ?? null, show: (job) => <Runs job={job} zone={zone} /> },
    { name: "Begun", value: ({ last_run }) => last_run?.began_at ?? null, text: ({ last_run }) => at(last_run?.began_at) },
    figure("Items", COUNT, ({ last_run }) => last_run?.items ?? null),
    { name: "Next look", value: ({ due_at }) => due_at, text: ({ due_at, running }) => nextLook(due_at, running, zone) },
    { name: "Fault", value: ({ last_run }) => last_run?.fault ?? null },
  ];
}

export function jobColumns(zone: string): Column<Job>[] {
  return [{ name: "Job", value: ({ name }) => name.replaceAll("_", " ") }, ...runColumns(zone)];
}

export function processorColumns(zone: string, running: string | null, run: (name: string) => void): Column<Processor>[] {
  return [
    { name: "Processor", value: ({ name }) => name },
    figure("Waiting", COUNT, ({ backlog }) => backlog),
    figure("Failing", COUNT, ({ failing }) => failing),
    figure("Wait", SECONDS, ({ lag_s }) => lag_s),
    figure("Set aside", COUNT, ({ quarantined }) => quarantined),
    {
      name: "By hand",
      value: () => null,
      isActs: true,
      show: ({ name }) => (
        <button
          className="button bare"
          aria-label={`Run now: ${name}`}
          aria-disabled={running !== null}
          onClick={() => running === null && run(name)}
        >
          {running === name ? "Running …" : "Run now"}
        </button>
      ),
    },
    ...runColumns(zone),
  ];
}

export function fileColumns(zone: string, release: (file: SetAside) => void): Column<SetAside>[] {
  return [
    { name: "Log", value: ({ name }) => name },
    { name: "Processor", value: ({ processor }) => processor },
    {
      name: "Changes",
      value: () => null,
      isActs: true,
      show: (file) => (
        <button className="button bare" aria-label={`Release: ${file.name} for ${file.processor}`} onClick={() => release(file)}>
          Release
        </button>
      ),
    },
    figure("Attempts", COUNT, ({ attempts }) => attempts),
    { name: "Since", value: ({ quarantined_at }) => quarantined_at, text: ({ quarantined_at }) => instant(quarantined_at, zone) },
    { name: "Error", value: ({ last_error }) => last_error },
  ];
}
