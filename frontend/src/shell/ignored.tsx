import { useEffect, useState } from "react";
import { useLocation, useSearch } from "wouter";

import { corrected, faultsOf } from "../view/faults";

/** What of a link made no sense, beside what is shown instead; the address then says what is shown. */
export function Ignored() {
  const search = useSearch();
  const [path, go] = useLocation();
  const [told, tell] = useState<{ sentences: readonly string[]; at: string } | null>(null);
  useEffect(() => {
    const given = new URLSearchParams(search);
    const faults = faultsOf(given);
    if (faults.length === 0) return;
    const text = corrected(given, faults).toString();
    tell({ sentences: faults.map(({ sentence }) => sentence), at: `${path}?${text}` });
    go(path + (text && `?${text}`), { replace: true });
  }, [search, path, go]);
  if (told === null || told.at !== `${path}?${new URLSearchParams(search)}`) return null;
  return (
    <p className="ignored" role="status">
      {told.sentences.join(" ")}
    </p>
  );
}
