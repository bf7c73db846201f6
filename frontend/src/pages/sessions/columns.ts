import type { components } from "../../api/schema";
import { moment } from "../../format/instants";
import { COUNT, DURATION, SECONDS } from "../../format/numbers";
import { COST, figure } from "../../parts/columns";
import type { Column } from "../../parts/table";

type Schemas = components["schemas"];
type Names = (id: string | null) => string;

function at<Row>(name: string, zone: string, value: (row: Row) => string | null): Column<Row> {
  return {
    name,
    value,
    text: (row) => {
      const known = value(row);
      return known === null ? "–" : moment(known, zone);
    },
  };
}

export function messageColumns(zone: string): Column<Schemas["SessionMessage"]>[] {
  return [
    at("At", zone, ({ created_at }) => created_at),
    { name: "Role", value: ({ role }) => role },
    { name: "Agent", value: ({ agent_name }) => agent_name },
    { name: "Model", value: ({ model_id }) => model_id },
    figure("Tokens", COUNT, ({ total_tokens }) => total_tokens),
    COST,
    figure("Time", DURATION, ({ response_time_ms }) => response_time_ms),
    { name: "Status", value: ({ status }) => status },
    { name: "Error", value: ({ is_error, error_kind }) => (is_error ? (error_kind ?? "yes") : null) },
  ];
}

export function callColumns(zone: string): Column<Schemas["SessionToolCall"]>[] {
  return [
    at("At", zone, ({ occurred_at }) => occurred_at),
    { name: "Tool", value: ({ name }) => name ?? "unknown" },
    { name: "Status", value: ({ status, is_error }) => (is_error ? "error" : status) },
    figure("Time", DURATION, ({ duration_ms }) => duration_ms),
  ];
}

export function stepColumns(zone: string): Column<Schemas["SessionStep"]>[] {
  return [
    at("At", zone, ({ created_at }) => created_at),
    figure("Number", COUNT, ({ step_order }) => step_order),
    { name: "Type", value: ({ step_type }) => step_type },
    figure("Confidence", COUNT, ({ confidence_at_step }) => confidence_at_step),
    { name: "Marks", value: marksOf },
  ];
}

export function handoffColumns(zone: string, nameOf: Names): Column<Schemas["Handoff"]>[] {
  return [
    at("Handed over", zone, ({ created_at }) => created_at),
    { name: "By", value: ({ handed_off_by }) => handed_off_by && nameOf(handed_off_by) },
    { name: "Intent", value: ({ intent }) => intent },
    { name: "Priority", value: ({ priority }) => priority },
    at("Claimed", zone, ({ claimed_at }) => claimed_at),
    { name: "Claimed by", value: ({ claimed_by }) => claimed_by && nameOf(claimed_by) },
    figure("Waited", SECONDS, waited),
  ];
}

function marksOf({ is_fork_point, was_free_text, was_skipped }: Schemas["SessionStep"]): string | null {
  const marks = [is_fork_point && "fork", was_free_text && "free text", was_skipped && "skipped"];
  return marks.filter(Boolean).join(", ") || null;
}

function waited({ created_at, claimed_at }: Schemas["Handoff"]): number | null {
  return claimed_at === null ? null : Math.max(0, (Date.parse(claimed_at) - Date.parse(created_at)) / 1000);
}
