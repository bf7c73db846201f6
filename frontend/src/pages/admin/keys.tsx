import { useRoute } from "wouter";

import { Failure, Skeleton } from "../../parts/states";
import { useReport } from "../../reports/useReport";
import { PageLink } from "../../shell/navigation";
import { Keys } from "../keys/keys";

/** One's own keys, or those of the member whom the address names. */
export default function KeysSection() {
  const [isOthers, at] = useRoute("/admin/keys/:user");
  return (
    <div className="grid">
      {isOthers ? <KeysOf key={at.user} user={at.user} /> : <Keys />}
      <p className="soft">
        The keys of others: <PageLink to="/admin">Members</PageLink>, then Keys beside the name.
      </p>
    </div>
  );
}

function KeysOf({ user }: { user: string }) {
  const { data, error, refresh } = useReport("/api/v1/users/{user_id}", {}, { at: { user_id: user } });
  if (data !== undefined) return <Keys of={data} />;
  return error === null ? <Skeleton height={280} /> : <Failure error={error} retry={refresh} />;
}
