import "./panel.css";

import { type ReactNode, useId, useRef, useState } from "react";

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
  const save = { title, sheet, body };
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
          <button className="button bare" disabled={!isShown} aria-label={`CSV of ${title}`} onClick={() => saveCsv(save)}>
            CSV
          </button>
          <button className="button bare" disabled={!isShown} aria-label={`PNG of ${title}`} onClick={() => void savePng(save)}>
            PNG
          </button>
        </div>
      </header>
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
