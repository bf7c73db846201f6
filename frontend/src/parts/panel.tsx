import "./panel.css";

import { type ReactNode, useEffect, useId, useRef, useState } from "react";

import { COUNT } from "../format/numbers";
import { saveCsv, savePng } from "./save";
import { PanelProvider, type Sheet } from "./sheet";
import type { Report } from "../reports/useReport";
import { Empty, Failure, Skeleton } from "./states";

interface PanelProps<Data> {
  title: string;
  /** What exactly is counted, beside the number. */
  note?: ReactNode;
  report: Report<Data>;
  /** Of what it shows, in pixels: also while it is on its way, so that nothing jumps. */
  height: number;
  /** Says in a sentence that there is nothing; null or nothing where there is something. */
  empty?: (data: Data) => string | null;
  /** What to do about it; default: choose another window. */
  advice?: ReactNode;
  /** Buttons of its own, before those that every panel has. */
  tools?: ReactNode;
  /** A chart can be read as a table; a table already is one. */
  kind?: "chart" | "table";
  /** The columns it takes: "third", "half", "wide". */
  className?: string;
  children: (data: Data) => ReactNode;
}

/** A box with a heading, and what its report gives: chart or table, with its exports. */
export function Panel<Data>({ title, note, report, height, empty, advice, tools, kind = "chart", className = "", children }: PanelProps<Data>) {
  const id = useId();
  const body = useRef<HTMLDivElement>(null);
  const sheet = useRef<Sheet | null>(null);
  const [asTable, setAsTable] = useState(false);
  const { data, error } = report;
  const nothing = data === undefined ? null : (empty?.(data) ?? null);
  const isShown = data !== undefined && nothing === null;
  const save = { title, asked: report.asked, sheet, body };
  const csv = useCsv(save);
  const isSaved = isShown && !report.isPrevious;
  return (
    <section className={`panel ${className}`} aria-labelledby={id}>
      <header className="panel-head">
        <div>
          <h2 id={id}>{title}</h2>
          {note !== undefined && <p className="panel-note soft">{note}</p>}
        </div>
        <div className="panel-tools">
          {tools}
          {kind === "chart" && (
            <button className="button bare" aria-pressed={asTable} disabled={!isShown} onClick={() => setAsTable(!asTable)}>
              Table
            </button>
          )}
          <button className="button bare" disabled={!isSaved} aria-disabled={csv.rows !== null} aria-label={`CSV of ${title}`} onClick={csv.start}>
            {csv.rows ? `${COUNT.exact(csv.rows)} rows …` : "CSV"}
          </button>
          <button className="button bare" disabled={!isSaved} aria-label={`PNG of ${title}`} onClick={() => void savePng(save)}>
            PNG
          </button>
        </div>
      </header>
      {csv.fault !== null && (
        <p role="alert" className="refusal">
          No CSV was made. {csv.fault.message}
        </p>
      )}
      <div className="panel-body" ref={body} style={{ minHeight: height }} aria-busy={report.isPrevious} data-previous={report.isPrevious}>
        {data === undefined && error === null && <Skeleton height={height} />}
        {data === undefined && error !== null && <Failure error={error} retry={report.refresh} />}
        {nothing !== null && <Empty title={nothing}>{advice}</Empty>}
        {isShown && (
          <PanelProvider asTable={asTable} title={title} height={height} sheet={sheet}>
            {children(data)}
          </PanelProvider>
        )}
      </div>
    </section>
  );
}

/** One file at a time; who leaves the page stops it. */
function useCsv(shown: Parameters<typeof saveCsv>[0]) {
  const [rows, setRows] = useState<number | null>(null);
  const [fault, setFault] = useState<Error | null>(null);
  const going = useRef<AbortController | null>(null);
  useEffect(() => () => going.current?.abort(), []);
  const start = async () => {
    if (rows !== null) return;
    const { signal } = (going.current = new AbortController());
    setFault(null);
    setRows(0);
    try {
      await saveCsv(shown, setRows, signal);
    } catch (why) {
      if (!signal.aborted) setFault(why as Error);
    } finally {
      setRows(null);
    }
  };
  return { rows, fault, start: () => void start() };
}
