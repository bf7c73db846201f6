import { createContext, type ReactNode, useContext } from "react";

import type { TallyClient } from "./client";

const Client = createContext<TallyClient | null>(null);

interface ProviderProps {
  /** Made once, outside of components: another client is another caller, and everything is asked anew. */
  client: TallyClient;
  children: ReactNode;
}

/** Says which client the hooks below it use. */
export function AnalyticsProvider({ client, children }: ProviderProps) {
  return <Client value={client}>{children}</Client>;
}

export function useClient(): TallyClient {
  const client = useContext(Client);
  if (client === null) throw new Error("Put <AnalyticsProvider client={…}> around what uses Tally's hooks.");
  return client;
}
