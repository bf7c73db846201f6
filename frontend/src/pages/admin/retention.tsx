import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { answerOf } from "../../api/client";
import type { components } from "../../api/schema";
import { instant } from "../../format/instants";
import { Ask } from "../../parts/ask";
import { Box } from "../../parts/box";
import { Refusal, useSay } from "../../parts/said";
import { useSession } from "../../session/current";
import { PageLink } from "../../shell/navigation";
import { useView } from "../../view/useView";
import { rowsWritten, untilDone } from "./until-done";

type Report = components["schemas"]["RetentionReport"];

/** What is older than the account keeps it: looked at, and deleted now rather than at the worker's next round. */
export function Retention() {
  const { client } = useSession();
  const { inZone } = useView();
  const say = useSay();
  const [isAsking, setAsking] = useState(false);
  const look = useMutation({ networkMode: "always", mutationFn: () => answerOf(client.GET("/api/v1/account/retention")) });
  const isThere = Object.values(look.data?.rows ?? {}).some((count) => count > 0);
  return (
    <Box
      title="What is too old"
      note={
        <>
          The worker deletes facts that are older than the account keeps them, once a day. Reports keep their numbers. How
          long that is, you say in <PageLink to="/admin/settings">Settings</PageLink>.
        </>
      }
    >
      <div className="doing">
        <button className="button" aria-disabled={look.isPending} onClick={() => look.isPending || look.mutate()}>
          {look.isPending ? "Looking …" : "Look what would go"}
        </button>
        {isThere && (
          <button className="button grave" onClick={() => setAsking(true)}>
            Delete it now …
          </button>
        )}
        <p role="status">{look.data && preview(look.data, inZone)}</p>
        <Refusal of={look.error} />
      </div>
      {isAsking && look.data && (
        <Ask
          title="Delete what is too old?"
          action="Delete for good"
          isGrave
          send={(_, signal) => untilDone(() => answerOf(client.POST("/api/v1/account/retention", { signal })))}
          onDone={(rows) => {
            say(`Deleted: ${rowsWritten(rows, "nothing, for it was gone already")}.`);
            look.reset();
          }}
          onClose={() => setAsking(false)}
        >
          <p>{preview(look.data, inZone)} They cannot be brought back.</p>
        </Ask>
      )}
    </Box>
  );
}

function preview({ cutoff, rows }: Report, zone: string): string {
  if (cutoff === null) return "Nothing: the account keeps everything for ever.";
  return `What is older than ${instant(cutoff, zone)}: ${rowsWritten(rows, "nothing is left of it")}.`;
}
