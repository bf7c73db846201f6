import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";

import { useSession } from "../session/current";
import type { Answer, At, Query, ReportPath } from "./paths";
import type { Report } from "./useReport";
import { ask, keyOf } from "./useReport";
import { interval } from "./rhythm";

type Listed = { [Path in ReportPath]: Answer<Path> extends { rows: unknown[]; next_cursor: unknown } ? Path : never }[ReportPath];
interface Paged<Each> {
  rows: Each[];
  next_cursor: string | null;
}

type Row<Path extends Listed> = Answer<Path> extends { rows: (infer Each)[] } ? Each : never;

export interface Rows<Each, Page = unknown> extends Report<Each[]> {
  /** The first page as it came: some say more there than rows. */
  first: Page | undefined;
  hasMore: boolean;
  isLoadingMore: boolean;
  more: () => void;
  /** Every row there is, asked for anew, up to `MOST_ROWS`; what is shown stays as it is. */
  all: (tell: (rows: number) => void, signal: AbortSignal) => Promise<Each[]>;
}

/** That a file has at most. */
export const MOST_ROWS = 10_000;
/** The largest page the API gives. */
const LIMIT = 200;

/** A list that comes page by page, for addresses that answer `{rows, next_cursor}`. */
export function useRows<Path extends Listed>(path: Path, query: Omit<Query<Path>, "cursor">, at?: At<Path>): Rows<Row<Path>, Answer<Path>> {
  const { client } = useSession();
  const page = (cursor: string | null, signal: AbortSignal, more: object = {}) =>
    ask(client, path, { query: { ...query, ...more, ...(cursor !== null && { cursor }) }, path: at as object | undefined, signal });
  const all = async (tell: (rows: number) => void, signal: AbortSignal) => {
    const rows: Row<Path>[] = [];
    for (let cursor: string | null = null; ; ) {
      const found = (await page(cursor, signal, { limit: LIMIT })) as unknown as Paged<Row<Path>>;
      rows.push(...found.rows);
      tell(rows.length);
      cursor = found.next_cursor;
      if (cursor === null || rows.length >= MOST_ROWS) return rows;
    }
  };
  const listed = useInfiniteQuery({
    queryKey: [...keyOf(path, query, at as object | undefined), "rows"],
    queryFn: ({ signal, pageParam }) => page(pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => (page as unknown as Paged<unknown>).next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval: interval,
  });
  return {
    data: listed.data?.pages.flatMap((page) => (page as unknown as Paged<Row<Path>>).rows),
    first: listed.data?.pages[0] as Answer<Path> | undefined,
    error: listed.error,
    isPrevious: listed.isPlaceholderData,
    asked: query,
    all,
    refresh: () => void listed.refetch(),
    hasMore: listed.hasNextPage,
    isLoadingMore: listed.isFetchingNextPage,
    more: () => void listed.fetchNextPage(),
  };
}
