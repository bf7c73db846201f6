import { QueryClientProvider, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";

import type { TallyClient } from "./api/client";
import { AnalyticsProvider } from "./api/provider";
import { pageAt } from "./pages";
import { createQueries, interval } from "./reports/rhythm";
import { ask, keyOf } from "./reports/useReport";
import { SessionProvider } from "./session/current";
import type { Session } from "./session/session";
import { SignIn } from "./session/sign-in";
import { Shell } from "./shell/shell";

const ENDED = "Your session ended: the key was revoked or its member deactivated. Sign in again.";

interface AppProps {
  /** Where the API answers; default: where the page came from. */
  baseUrl?: string;
}

/** The door, and behind it everything. The address stays what it was, so that a link leads through the door. */
export function App({ baseUrl }: AppProps) {
  const [session, setSession] = useState<Session | null>(null);
  const [farewell, setFarewell] = useState<string | null>(null);
  // While somebody types their key.
  useEffect(() => void pageAt(location.pathname)?.load().catch(() => undefined), []);
  if (session === null) {
    const end = () => {
      setFarewell(ENDED);
      setSession(null);
    };
    return <SignIn farewell={farewell} baseUrl={baseUrl} onSession={setSession} onEnd={end} />;
  }
  const signOut = () => {
    setFarewell("You are signed out.");
    setSession(null);
  };
  return <Inside session={session} signOut={signOut} />;
}

function Inside({ session, signOut }: { session: Session; signOut: () => void }) {
  const queries = useMemo(() => ({ of: session, client: createQueries() }), [session]).client;
  useEffect(() => () => queries.clear(), [queries]);
  return (
    <QueryClientProvider client={queries}>
      <AnalyticsProvider client={session.client}>
        <Known session={session} signOut={signOut} />
      </AnalyticsProvider>
    </QueryClientProvider>
  );
}

/** Whoever is refused something may have another role by now: it is asked for at once. */
function useRefusals(client: TallyClient) {
  const queries = useQueryClient();
  useEffect(() => {
    const hear = {
      onResponse({ response }: { response: Response }) {
        if (response.status === 403) void queries.refetchQueries({ queryKey: keyOf("/api/v1/me") }, { cancelRefetch: false });
      },
    };
    client.use(hear);
    return () => client.eject(hear);
  }, [client, queries]);
}

/** A role, a name or the account's zone that changes is seen within a minute. */
function Known({ session: { client, me }, signOut }: { session: Session; signOut: () => void }) {
  useRefusals(client);
  const { data } = useQuery({
    queryKey: keyOf("/api/v1/me", {}),
    queryFn: ({ signal }) => ask(client, "/api/v1/me", { query: {}, signal }),
    initialData: me,
    refetchInterval: interval,
  });
  return (
    <SessionProvider client={client} me={data} signOut={signOut}>
      <Shell />
    </SessionProvider>
  );
}
