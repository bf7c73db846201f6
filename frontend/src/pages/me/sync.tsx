import { ago, instant } from "../../format/instants";
import { Panel } from "../../parts/panel";
import { useRows } from "../../reports/useRows";
import { useView } from "../../view/useView";
import { Notes } from "./notes";

const NAMES: Readonly<Record<string, string>> = {
  "sync.trigger": "sent what was new",
  "manifest.fetch": "asked what is known",
};

/** When one's machines asked what is known and sent the rest. */
export function Sync() {
  const { inZone } = useView();
  const rows = useRows("/api/v1/me/stats/sync", {});
  const last = rows.first?.last_pull_at;
  return (
    <Panel
      title="My syncs"
      note={last ? `A machine of yours last asked ${ago(last)}, ${instant(last, inZone)}.` : last === null ? "No machine of yours has asked yet." : ""}
      kind="table"
      report={rows}
      height={200}
      empty={(found) => (found.length === 0 ? "No sync of yours is on record yet." : null)}
      advice={
        <>
          Send the session logs of your machine: <code>tally push ~/.claude</code>
        </>
      }
    >
      {() => <Notes rows={rows} named={(action) => NAMES[action] ?? action} />}
    </Panel>
  );
}
