/** How lists of sessions name one, and say when it last changed. */
import { ago, instant } from "../../format/instants";
import { PageLink } from "../../shell/navigation";
import type { Column } from "../../parts/table";

interface Named {
  session_id: string;
  /** The producer's own name of it, where the reader may know that. */
  external_id: string | null;
}

export const SESSION: Column<Named> = {
  name: "Session",
  value: titleOf,
  show: (session) => (
    <PageLink to={`/sessions/${session.session_id}`}>
      <span className="clipped" title={titleOf(session)}>
        {titleOf(session)}
      </span>
    </PageLink>
  ),
};

export function updated(zone: string): Column<{ updated_at: string }> {
  return {
    name: "Updated",
    value: ({ updated_at }) => updated_at,
    text: ({ updated_at }) => instant(updated_at, zone),
    show: ({ updated_at }) => <span title={instant(updated_at, zone)}>{ago(updated_at)}</span>,
  };
}

function titleOf({ external_id, session_id }: Named): string {
  return external_id ?? session_id;
}
