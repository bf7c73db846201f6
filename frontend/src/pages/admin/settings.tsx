import { useState } from "react";

import type { TallyClient } from "../../api/client";
import type { components } from "../../api/schema";
import { Box } from "../../parts/box";
import { Check, Field, PickOne } from "../../parts/field";
import { useLeaveAsked } from "../../parts/held";
import { useSay } from "../../parts/said";
import { Failure, Skeleton } from "../../parts/states";
import { useReport } from "../../reports/useReport";
import { useMay, useSession } from "../../session/current";
import { Close } from "./close";
import { Review } from "./settings-review";

export type Settings = components["schemas"]["AccountSettings"];
export type Change = components["schemas"]["SettingsChange"];

const LABELS = [
  ["full_path", "the whole path"],
  ["basename_only", "the last folder alone"],
  ["hashed", "a hash"],
] as const;
const DETAIL = [
  ["all", "all: everybody, one by one"],
  ["groups", "groups: three or more together"],
  ["own", "own: themselves alone"],
] as const;
const ZONES = Intl.supportedValuesOf("timeZone");

/** What the account is called, how long it keeps what, and who sees whom. */
export default function SettingsSection() {
  const { data, error, refresh } = useReport("/api/v1/account", {});
  const isOwner = useMay("owner");
  const say = useSay();
  const [round, setRound] = useState(0);
  if (data === undefined) return error === null ? <Skeleton height={520} /> : <Failure error={error} retry={refresh} />;
  const renew = (sentence: string) => {
    say(sentence);
    setRound(round + 1);
  };
  return (
    <div className="grid">
      <SettingsForm key={`${round} ${JSON.stringify(data)}`} settings={data} onRenew={renew} />
      {isOwner && <Close settings={data} />}
    </div>
  );
}

interface SettingsFormProps {
  settings: Settings;
  /** Shown anew, as it is kept now. */
  onRenew: (sentence: string) => void;
}

/** What somebody typed and did not save, for as long as they are signed in: another page may be looked at meanwhile. */
const drafts = new WeakMap<TallyClient, { before: Settings; wanted: Change }>();

/** Begins with what was true when it was opened: nobody's typing is overwritten by what comes in. */
function SettingsForm({ settings, onRenew }: SettingsFormProps) {
  const { client } = useSession();
  const [{ before, wanted: typed }, setDraft] = useState(() => drafts.get(client) ?? { before: settings, wanted: {} });
  const isChanged = Object.keys(typed).length > 0;
  useLeaveAsked(isChanged);
  const [first] = useState({ ...before, ...typed });
  const note = (form: HTMLFormElement) => {
    const draft = { before, wanted: changeOf(before, new FormData(form)) };
    drafts.set(client, draft);
    setDraft(draft);
  };
  const onSaved = (sentence: string) => {
    drafts.delete(client);
    onRenew(sentence);
  };
  const [change, setChange] = useState<Change | null>(null);
  const say = useSay();
  return (
    <Box title={`Account ${before.display_code}`}>
      <form
        className="fields settings"
        onChange={({ currentTarget }) => note(currentTarget)}
        onSubmit={(event) => {
          event.preventDefault();
          const wanted = changeOf(before, new FormData(event.currentTarget));
          if (Object.keys(wanted).length === 0) say("Nothing was changed.");
          else setChange(wanted);
        }}
      >
        <Field label="Name" name="name" defaultValue={first.name} required />
        <Field
          label="Time zone of reports"
          name="timezone"
          list="zones"
          defaultValue={first.timezone}
          note="Its midnights divide the days of all reports."
          required
        />
        <datalist id="zones">
          {ZONES.map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
        <Field label="Days that facts are kept" {...DAYS} name="retention_days" defaultValue={first.retention_days} />
        <Field label="Days that the audit is kept" {...DAYS} name="audit_days" defaultValue={first.audit_days} />
        <PickOne
          label="Workspaces are named by"
          name="workspace_labels"
          options={LABELS}
          initial={first.workspace_labels}
          note="Also in sessions that are stored: what a stricter rule cuts off does not come back."
        />
        <PickOne
          label="What others below admin see of members"
          name="member_detail"
          options={DETAIL}
          initial={first.member_detail}
          note="Sums of all stay as they are."
        />
        <Check
          label="Members may send raw session logs"
          name="allow_raw_uploads"
          defaultChecked={first.allow_raw_uploads}
          note="Otherwise only the rows that their own machines read from them."
        />
        <Check
          label="Raw session logs are kept once they are read"
          name="keep_transcripts"
          defaultChecked={first.keep_transcripts}
          note="Otherwise they are deleted as soon as every processor is done."
        />
        <Check
          label="Ingest makes members of unknown e-mail addresses"
          name="create_members"
          defaultChecked={first.create_members}
          note="As viewers, when an admin's key brings in their rows; otherwise such rows are refused."
        />
        <div className="doing">
          <button className="button main">Save …</button>
          {isChanged && (
            <button type="button" className="button" onClick={() => onSaved("What was not saved is dropped.")}>
              Drop what is not saved
            </button>
          )}
          <p role="status">{isChanged && "Not saved yet; it stays here until you save or drop it."}</p>
        </div>
      </form>
      {change !== null && <Review before={before} change={change} onDone={onSaved} onClose={() => setChange(null)} />}
    </Box>
  );
}

const DAYS = { type: "number", min: 0, max: 36_500, step: 1, required: true, note: "0 keeps them for ever." } as const;

/** What differs from before: the API changes nothing that is left out. */
function changeOf(before: Settings, given: FormData): Change {
  const text = (name: string) => String(given.get(name) ?? "").trim();
  const wanted = {
    name: text("name"),
    timezone: text("timezone"),
    retention_days: Number(text("retention_days")),
    audit_days: Number(text("audit_days")),
    workspace_labels: text("workspace_labels") as Settings["workspace_labels"],
    member_detail: text("member_detail") as Settings["member_detail"],
    allow_raw_uploads: given.has("allow_raw_uploads"),
    keep_transcripts: given.has("keep_transcripts"),
    create_members: given.has("create_members"),
  };
  const names = Object.keys(wanted) as (keyof typeof wanted)[];
  return Object.fromEntries(names.filter((name) => wanted[name] !== before[name]).map((name) => [name, wanted[name]]));
}
