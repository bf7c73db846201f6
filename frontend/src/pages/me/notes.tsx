import { useMemo } from "react";

import type { components } from "../../api/schema";
import { details } from "../../format/details";
import { doorOf } from "../../format/doors";
import { instant } from "../../format/instants";
import { DURATION } from "../../format/numbers";
import { figure } from "../../parts/columns";
import { Outcome } from "../../parts/outcome";
import { type Column, DataTable } from "../../parts/table";
import type { Rows } from "../../reports/useRows";
import { useView } from "../../view/useView";

type Note = components["schemas"]["OwnNote"];

interface NotesProps {
  rows: Rows<Note>;
  /** How an action reads. */
  named: (action: string) => string;
}

/** What is on record of the caller, newest first. Lives in a <Panel kind="table">. */
export function Notes({ rows, named }: NotesProps) {
  const { inZone } = useView();
  const columns = useMemo(() => columnsIn(inZone, named), [inZone, named]);
  return <DataTable columns={columns} rows={rows.data ?? []} keyOf={({ id }) => id} paged={rows} />;
}

function columnsIn(zone: string, named: (action: string) => string): Column<Note>[] {
  return [
    { name: "When", value: ({ at }) => at, text: ({ at }) => instant(at, zone) },
    { name: "What", value: ({ action }) => action, text: ({ action }) => named(action) },
    { name: "With", value: ({ parameters }) => details(parameters) || null, text: ({ parameters }) => details(parameters) || "–" },
    { name: "Result", value: ({ result }) => result, show: ({ result }) => <Outcome result={result} /> },
    figure("Took", DURATION, ({ duration_ms }) => duration_ms),
    { name: "Through", value: ({ client_kind }) => doorOf(client_kind) },
    { name: "From", value: ({ ip }) => ip },
  ];
}
