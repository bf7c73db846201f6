import { useMemo } from "react";

import { useView } from "../view/useView";
import { useReport } from "./useReport";

/** A member's name by id; asked for beside what names them by id alone. Ids that the reader may not know are shortened. */
export function useNames(): (id: string | null) => string {
  const { window } = useView();
  const { data } = useReport("/api/v1/analytics/users", window);
  return useMemo(() => {
    const names = new Map(data?.users.map(({ user_id, name }) => [user_id, name]));
    return (id) => (id === null ? "–" : (names.get(id) ?? id.slice(0, 8)));
  }, [data]);
}
