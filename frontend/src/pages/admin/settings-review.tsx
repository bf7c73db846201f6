import { answerOf } from "../../api/client";
import { Ask } from "../../parts/ask";
import { useSession } from "../../session/current";
import type { Change, Settings } from "./settings";

const NAMES: Readonly<Record<keyof Change, string>> = {
  name: "Name",
  timezone: "Time zone",
  retention_days: "Days that facts are kept",
  audit_days: "Days that the audit is kept",
  workspace_labels: "Workspaces are named by",
  member_detail: "What others below admin see of members",
  allow_raw_uploads: "Members may send raw session logs",
  keep_transcripts: "Raw session logs are kept",
  create_members: "Ingest makes members",
};

interface ReviewProps {
  before: Settings;
  change: Change;
  onDone: (sentence: string) => void;
  onClose: () => void;
}

/** What will be another, and what follows from it, before it is saved. */
export function Review({ before, change, onDone, onClose }: ReviewProps) {
  const { client } = useSession();
  const names = Object.keys(change) as (keyof Change)[];
  const warnings = warningsOf(before, change);
  return (
    <Ask
      title="Save these settings?"
      action="Save"
      isGrave={warnings.length > 0}
      send={(_, signal) => answerOf(client.PATCH("/api/v1/account", { body: change, signal }))}
      onDone={() => onDone(`Saved: ${names.map((name) => NAMES[name].toLowerCase()).join(", ")}.`)}
      onClose={onClose}
    >
      <ul>
        {names.map((name) => (
          <li key={name}>
            {NAMES[name]}: {said(before[name])} → <strong>{said(change[name])}</strong>
          </li>
        ))}
      </ul>
      {warnings.map((warning) => (
        <p key={warning}>{warning}</p>
      ))}
    </Ask>
  );
}

function said(value: string | number | boolean | undefined): string {
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

function warningsOf(before: Settings, change: Change): string[] {
  const { retention_days: facts, audit_days: audit, keep_transcripts: kept, timezone: zone } = change;
  return [
    isShorter(before.retention_days, facts) &&
      `Facts older than ${facts} days are deleted, once a day, for good. Reports keep their numbers.`,
    isShorter(before.audit_days, audit) && `Lines of the audit older than ${audit} days are deleted, once a day, for good.`,
    kept === false && "Raw session logs that are read already are deleted for good, too.",
    zone !== undefined && "Every day of every report moves, at once; a large account takes seconds.",
  ].filter((each) => each !== false);
}

function isShorter(before: number, now: number | undefined): boolean {
  return now !== undefined && now > 0 && (before === 0 || now < before);
}
