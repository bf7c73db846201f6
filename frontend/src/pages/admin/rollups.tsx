import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { answerOf, type TallyClient } from "../../api/client";
import type { components } from "../../api/schema";
import { details } from "../../format/details";
import { COUNT } from "../../format/numbers";
import { Ask } from "../../parts/ask";
import { Box } from "../../parts/box";
import { Refusal, useSay } from "../../parts/said";
import { useSession } from "../../session/current";

type Check = components["schemas"]["RollupCheck"];

/** The sums that reports are made of: compared with the facts, or made anew. */
export function Rollups() {
  const { client } = useSession();
  const say = useSay();
  const [isAsking, setAsking] = useState(false);
  const check = useMutation({ networkMode: "always", mutationFn: () => answerOf(client.GET("/api/v1/account/rollups")) });
  return (
    <Box
      title="The sums of the reports"
      note="Reports add up sums that are kept with every message. They can be compared with a fresh count, and made anew."
    >
      <div className="doing">
        <button className="button" aria-disabled={check.isPending} onClick={() => check.isPending || check.mutate()}>
          {check.isPending ? "Counting …" : "Compare with the facts"}
        </button>
        <button className="button" onClick={() => setAsking(true)}>
          Make anew …
        </button>
        <p role="status">{check.data && verdict(check.data)}</p>
        <Refusal of={check.error} />
      </div>
      {check.data !== undefined && check.data.differences.length > 0 && (
        <ul className="lines">
          {check.data.differences.map((difference, i) => (
            <li key={i}>{details(difference)}</li>
          ))}
        </ul>
      )}
      {isAsking && (
        <Ask
          title="Make all sums anew?"
          action="Make anew"
          send={(_, signal) => rebuilt(client, signal)}
          onDone={() => {
            say("All sums are made anew from the facts.");
            check.reset();
          }}
          onClose={() => setAsking(false)}
        >
          <p>Every sum is counted again from the facts, while the account goes on taking in more. Nothing is lost by it.</p>
          <p className="soft">A large account may take minutes; closing this stops it where it is, with every sum right or as before.</p>
        </Ask>
      )}
    </Box>
  );
}

function verdict({ exact, differences, done }: Check): string {
  const part = done ? "" : " Only a part could be compared within ten seconds: tally rollups verify does it all.";
  if (exact) return done ? "Every sum is exact." : `What was compared is exact.${part}`;
  return `${COUNT.exact(differences.length)} sums differ: make them anew.${part}`;
}

/** A call at a time goes as far as one should; the next goes on from there. */
async function rebuilt(client: TallyClient, signal: AbortSignal): Promise<void> {
  for (let since: string | null = null; ; ) {
    const query: { since?: string } = since === null ? {} : { since };
    const { done, next_day } = await answerOf(client.POST("/api/v1/account/rollups", { params: { query }, signal }));
    if (done || next_day === null) return;
    since = next_day;
  }
}
