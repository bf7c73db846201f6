import { Said } from "../parts/said";
import { Tabs } from "../parts/tabs";
import { Keys } from "./keys/keys";
import { Queries } from "./me/queries";
import { Sessions } from "./me/sessions";
import { Sync } from "./me/sync";
import { Tokens } from "./me/tokens";

/** What is on record of who looks, and of nobody else. */
export default function MyStats() {
  return (
    <Tabs
      label="My stats"
      tabs={[
        { id: "sessions", title: "Sessions", body: Sessions },
        { id: "tokens", title: "Tokens", body: Tokens },
        { id: "access", title: "Data access", body: Queries },
        { id: "sync", title: "Sync", body: Sync },
        { id: "keys", title: "API keys", body: OwnKeys },
      ]}
    />
  );
}

function OwnKeys() {
  return (
    <Said>
      <Keys />
    </Said>
  );
}
