import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";

import { useSession } from "../session/current";
import type { Answer, At, Query, ReportPath } from "./paths";
import type { Report } from "./useReport";
import { ask, keyOf } from "./useReport";
import { interval } from "./rhythm";

type Listed = { [Path in ReportPath]: Answer<Path> extends { rows: unknown[]; next_cursor: unknown } ? Path : never }[ReportPath];
type Row<Path extends Listed> = Answer<Path> extends { rows: (infer Each)[] } ? Each : never;

export interface Rows<Each, Page = unknown> extends Report<Each[]> {
  /** The first page as it came: some say more there than rows. */
  first: Page | undefined;
  hasMore: boolean;
  isLoadingMore: boolean;
  more: () => void;
}

/** A list that comes page by page, for addresses that answer `{rows, next_cursor}`. */
export function useRows<Path extends Listed>(path: Path, query: Omit<Query<Path>, "cursor">, at?: At<Path>): Rows<Row<Path>, Answer<Path>> {
  const { client } = useSession();
  const listed = useInfiniteQuery({
    queryKey: [...keyOf(path, query, at as object | undefined), "rows"],
    queryFn: ({ signal, pageParam }) =>
      ask(client, path, { query: { ...query, ...(pageParam !== null && { cursor: pageParam }) }, path: at as object | undefined, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => (page as { next_cursor: string | null }).next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval: interval,
  });
  return {
    data: listed.data?.pages.flatMap((page) => (page as unknown as { rows: Row<Path>[] }).rows),
    first: listed.data?.pages[0] as Answer<Path> | undefined,
    error: listed.error,
    isPrevious: listed.isPlaceholderData,
    refresh: () => void listed.refetch(),
    hasMore: listed.hasNextPage,
    isLoadingMore: listed.isFetchingNextPage,
    more: () => void listed.fetchNextPage(),
  };
}
