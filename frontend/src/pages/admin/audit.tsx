import { useMemo } from "react";

import type { components } from "../../api/schema";
import { details } from "../../format/details";
import { instant } from "../../format/instants";
import { COUNT, DURATION } from "../../format/numbers";
import { doorOf } from "../../format/doors";
import { figure } from "../../parts/columns";
import { Outcome } from "../../parts/outcome";
import { Panel } from "../../parts/panel";
import { type Column, DataTable } from "../../parts/table";
import { useRows } from "../../reports/useRows";
import { useView } from "../../view/useView";
import { AuditFilters, useAuditFilters } from "./audit-filters";

type Row = components["schemas"]["AuditRow"];

/** Who read and changed what, who was refused, who signed in. */
export default function Audit() {
  const { inZone } = useView();
  const [filters, edit] = useAuditFilters();
  const rows = useRows("/api/v1/admin/audit", filters.query);
  const columns = useMemo(() => columnsIn(inZone), [inZone]);
  const counted = rows.first?.facets?.counted;
  return (
    <div className="grid">
      <AuditFilters filters={filters} facets={rows.first?.facets ?? null} edit={edit} />
      <Panel
        title="What was done"
        note={counted !== undefined && `${COUNT.exact(counted)}${counted >= 10_000 ? " and more" : ""} match, newest first.`}
        kind="table"
        report={rows}
        height={420}
        empty={(found) => (found.length === 0 ? "Nothing of this kind is on record." : null)}
        advice="Remove a filter, or choose other days."
      >
        {(found) => <DataTable columns={columns} rows={found} keyOf={({ id }) => id} paged={rows} />}
      </Panel>
    </div>
  );
}

function columnsIn(zone: string): Column<Row>[] {
  return [
    { name: "When", value: ({ at }) => at, text: ({ at }) => instant(at, zone) },
    { name: "Who", value: ({ user_name, user_id }) => user_name ?? user_id },
    { name: "What", value: ({ action }) => action },
    { name: "Result", value: ({ result }) => result, show: ({ result }) => <Outcome result={result} /> },
    { name: "Status", value: ({ status }) => (status === null ? null : String(status)) },
    { name: "With", value: ({ parameters }) => details(parameters) || null, show: ({ parameters }) => <Clipped text={details(parameters)} /> },
    { name: "Of what", value: ({ resource }) => resource, show: ({ resource }) => <Clipped text={resource ?? ""} /> },
    figure("Took", DURATION, ({ duration_ms }) => duration_ms),
    { name: "Through", value: ({ client_kind }) => doorOf(client_kind) },
    { name: "From", value: ({ ip }) => ip },
    { name: "Request", value: ({ request_id }) => request_id },
  ];
}

function Clipped({ text }: { text: string }) {
  if (text === "") return "–";
  return (
    <span className="clipped" title={text}>
      {text}
    </span>
  );
}
