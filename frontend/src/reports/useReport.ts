import { keepPreviousData, type QueryKey, useQuery } from "@tanstack/react-query";

import { answerOf, type TallyClient } from "../api/client";
import { useSession } from "../session/current";
import type { Answer, At, Query, ReportPath } from "./paths";
import { interval } from "./rhythm";

/** What a page knows about an answer: what every `report` property of the shared parts takes. */
export interface Report<Data> {
  /** Undefined until the first answer; meanwhile and after a failed refresh, what was there before. */
  data: Data | undefined;
  error: Error | null;
  /** What `data` shows answers an earlier question; the answer to this one is on its way. */
  isPrevious: boolean;
  /** The question, for the names of files. */
  asked?: object;
  refresh: () => void;
}

interface Options<Path extends ReportPath> {
  /** For addresses such as /users/{user_id}. */
  at?: At<Path>;
  /** False: not asked yet, such as a tab that nobody opened. */
  enabled?: boolean;
}

/** An answer of the API, asked anew every minute while the page is visible. */
export function useReport<Path extends ReportPath>(
  path: Path,
  query: Query<Path>,
  { at, enabled = true }: Options<Path> = {},
): Report<Answer<Path>> {
  const { client } = useSession();
  const asked = useQuery({
    queryKey: keyOf(path, query, at as object | undefined),
    queryFn: ({ signal }) => ask(client, path, { query, path: at as object | undefined, signal }),
    placeholderData: keepPreviousData,
    refetchInterval: interval,
    enabled,
  });
  return {
    data: asked.data as Answer<Path> | undefined,
    error: asked.error,
    isPrevious: asked.isPlaceholderData,
    asked: query,
    refresh: () => void asked.refetch(),
  };
}

/** For `queryClient.invalidateQueries({ queryKey: keyOf("/api/v1/users") })` after a change. */
export function keyOf(path: ReportPath, query?: object, at?: object): QueryKey {
  return query === undefined ? [path] : [path, query, at];
}

interface Asked {
  query: object;
  path?: object | undefined;
  signal: AbortSignal;
}

export function ask<Path extends ReportPath>(client: TallyClient, path: Path, asked: Asked): Promise<Answer<Path>> {
  const { signal, ...params } = asked;
  // Path and query were checked against each other by whoever calls; here they are one of many.
  const get = client.GET as unknown as (path: string, init: object) => Promise<{ data?: Answer<Path>; response: Response }>;
  return answerOf(get(path, { params, signal }));
}
