import createClient, { type Client } from "openapi-fetch";

import { ApiProblem, Unreachable } from "./problem";
import type { paths } from "./schema";

export type TallyClient = Client<paths>;

export interface ClientOptions {
  /** Where the API answers, such as "https://tally.example.com"; default: where the page came from. */
  baseUrl?: string;
  /** Asked before every request, so that whoever signs in may also renew. */
  token: () => string | Promise<string>;
  /** Along with every request, such as `X-Tally-Client`. */
  headers?: Record<string, string>;
  /** For tests, or to count and log. */
  fetch?: (request: Request) => Promise<Response>;
}

/**
 * A client whose paths, parameters and answers are those of openapi.json. It sends no If-None-Match: browsers do, for
 * reports carry `Cache-Control: private, no-cache` and an ETag that is another for another account.
 */
export function createTallyClient({ token, ...options }: ClientOptions): TallyClient {
  const client = createClient<paths>(options);
  client.use({
    async onRequest({ request }) {
      request.headers.set("Authorization", `Bearer ${await token()}`);
      return request;
    },
    onError({ error, request }) {
      return request.signal.aborted ? undefined : new Unreachable(error);
    },
  });
  return client;
}

interface Settled<Answer> {
  data?: Answer;
  error?: unknown;
  response: Response;
}

/** The answer itself; throws ApiProblem for any other than 2xx, Unreachable for none. */
export async function answerOf<Answer>(call: Promise<Settled<Answer>>): Promise<Answer> {
  const { data, error, response } = await call;
  if (!response.ok) throw new ApiProblem(response, error);
  return data as Answer;
}
