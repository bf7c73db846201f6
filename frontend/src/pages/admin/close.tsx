import { useState } from "react";

import { answerOf } from "../../api/client";
import { Ask } from "../../parts/ask";
import { Box } from "../../parts/box";
import { Field } from "../../parts/field";
import { useSession } from "../../session/current";
import type { Settings } from "./settings";

/** The end of the account, for owners. */
export function Close({ settings }: { settings: Settings }) {
  const { client, signOut } = useSession();
  const [isAsking, setAsking] = useState(false);
  return (
    <Box
      title="Delete the account"
      note="With all it holds: members, keys, facts, reports, session logs, audit. It cannot be undone."
    >
      <div className="doing">
        <button className="button grave" onClick={() => setAsking(true)}>
          Delete the account …
        </button>
      </div>
      {isAsking && (
        <Ask
          title={`Delete ${settings.name}?`}
          action="Delete everything"
          isGrave
          send={(given, signal) => {
            const body = { confirm: String(given.get("confirm")).trim() };
            return answerOf(client.DELETE("/api/v1/account", { body, signal }));
          }}
          onDone={signOut}
          onClose={() => setAsking(false)}
        >
          <p>Nobody can sign in from then on, and nothing of the account can be brought back.</p>
          <Field label={`To confirm, type ${settings.display_code}`} name="confirm" required />
        </Ask>
      )}
    </Box>
  );
}
