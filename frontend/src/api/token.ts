import createClient from "openapi-fetch";

import { answerOf } from "./client";
import { Unreachable } from "./problem";
import type { components, paths } from "./schema";

export type Token = components["schemas"]["Token"];

/** Of a token's life; renewed before its end, so that none expires on its way. */
const USED = 0.9;

/** A token for the key. For programs, and for a person who types their own key: never put a key into a page. */
export function exchanged(apiKey: string, baseUrl?: string, headers: Record<string, string> = {}): Promise<Token> {
  const client = createClient<paths>({ headers, ...(baseUrl !== undefined && { baseUrl }) });
  client.use({ onError: ({ error }) => new Unreachable(error) });
  return answerOf(client.POST("/api/v1/auth/token", { body: { api_key: apiKey } }));
}

/** Keeps a token in memory and obtains the next in time; who asks meanwhile waits for the same one. */
export function renewing(obtain: () => Promise<Pick<Token, "access_token" | "expires_in">>): () => Promise<string> {
  let current: Promise<string> | undefined;
  let until = 0;
  const renewed = async () => {
    const { access_token, expires_in } = await obtain();
    until = Date.now() + expires_in * 1000 * USED;
    return access_token;
  };
  return () => {
    if (current !== undefined && Date.now() < until) return current;
    until = Number.POSITIVE_INFINITY;
    current = renewed().catch((why: unknown) => {
      until = 0;
      throw why;
    });
    return current;
  };
}
