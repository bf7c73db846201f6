import { Panel } from "../../parts/panel";
import { useRows } from "../../reports/useRows";
import { Export } from "./export";
import { Notes } from "./notes";

/** Which reports one has read, as the account's audit has it; and all that is held, to take along. */
export function Queries() {
  const rows = useRows("/api/v1/me/stats/queries", {});
  return (
    <div className="grid">
      <Panel
        title="Reports I read"
        note="Admins of the account see these lines too. Each appears within a second."
        kind="table"
        report={rows}
        height={200}
        empty={(found) => (found.length === 0 ? "You have not read any report yet." : null)}
        advice="What you read in the dashboard or by program appears here."
      >
        {() => <Notes rows={rows} named={named} />}
      </Panel>
      <Export />
    </div>
  );
}

function named(action: string): string {
  return action.replace(/^query\./, "").replaceAll("_", " ");
}
