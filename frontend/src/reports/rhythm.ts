import { QueryClient } from "@tanstack/react-query";

import { ApiProblem } from "../api/problem";

export const MINUTE = 60_000;
/** While the server is away. */
export const SOON = 10_000;
const RETRIES = 1;

/** How often a visible page asks again; hidden ones do not. */
export function interval({ state }: { state: { error: Error | null } }): number {
  return state.error !== null && isPassing(state.error) ? SOON : MINUTE;
}

/** What may be over in a moment: no answer, or one that says so. */
export function isPassing(error: Error): boolean {
  return !(error instanceof ApiProblem) || error.status === 429 || error.status >= 500;
}

/** One for each person who signs in, so that no answer outlives its reader. */
export function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // A browser that believes itself offline may still reach a server of its own machine.
        networkMode: "always",
        retry: (failures, error) => failures < RETRIES && isPassing(error),
        retryDelay: 500,
        staleTime: MINUTE / 2,
        gcTime: 10 * MINUTE,
      },
    },
  });
}
