import "./table.css";

import { type ReactNode, useMemo, useState } from "react";

import type { Rows } from "../reports/useRows";
import { type Format, NONE } from "../format/numbers";
import { type Cell, type Sheet, usePanel } from "./sheet";

export interface Column<Row> {
  name: string;
  /** What it is sorted by and what CSV gets. */
  value: (row: Row) => Cell;
  /** How it reads; default: the value itself. */
  text?: (row: Row) => string;
  /** How its numbers are written. */
  format?: Format;
  /** More than text, such as a link. */
  show?: (row: Row) => ReactNode;
  /** False where the server's order is the only one. */
  sortable?: boolean;
  /** Buttons alone, which no file has. */
  isActs?: boolean;
}

interface DataTableProps<Row> {
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  /** For lists that come page by page; such a list keeps the server's order. */
  paged?: Rows<Row>;
}

/** Letters that always find room. */
const LONG = 24;

interface Order {
  column: number;
  isDown: boolean;
}

/** Rows under headings that sort them; numbers to the right. Lives in a <Panel kind="table">. */
export function DataTable<Row>({ columns, rows, keyOf, paged }: DataTableProps<Row>) {
  const [order, setOrder] = useState<Order | null>(null);
  const sorted = useMemo(() => inOrder(rows, columns, order), [rows, columns, order]);
  const all = paged?.hasMore ? paged.all : null;
  const sheet = useMemo<Sheet>(
    () => ({
      ...sheetOf(columns, sorted),
      ...(all && { whole: async (tell, signal) => sheetOf(columns, await all(tell, signal)) }),
    }),
    [columns, sorted, all],
  );
  const { title } = usePanel(sheet);
  const texts = useMemo(() => textsOf(columns, rows), [columns, rows]);
  const isNumeric = columns.map((column) => rows.some((row) => typeof column.value(row) === "number"));
  const turn = (column: number) => setOrder(turned(order, column, isNumeric[column] ?? false));
  return (
    <>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={`${title}, all rows`}>
        <table className="table">
          <thead>
            <tr>
              {columns.map((column, i) => (
                <th key={column.name} scope="col" className={isNumeric[i] ? "number end" : ""} aria-sort={sortOf(order, i)}>
                  {paged !== undefined || column.sortable === false ? (
                    column.name
                  ) : (
                    <button className="table-sort" onClick={() => turn(i)}>
                      {column.name}
                      <span aria-hidden="true">{order?.column === i ? (order.isDown ? " ↓" : " ↑") : ""}</span>
                    </button>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sorted.map((row) => (
              <tr key={keyOf(row)}>
                {columns.map((column, i) => (
                  <Field key={column.name} isNumber={isNumeric[i] ?? false}>
                    {column.show?.(row) ?? texts[i]?.(row)}
                  </Field>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {paged?.hasMore && (
        <button className="button table-more" disabled={paged.isLoadingMore} onClick={paged.more}>
          {paged.isLoadingMore ? "Loading …" : "Show more"}
        </button>
      )}
    </>
  );
}

/** A text that is too long is cut, and said whole when it is pointed at. */
function Field({ isNumber, children }: { isNumber: boolean; children: ReactNode }) {
  if (isNumber) return <td className="number end">{children}</td>;
  if (typeof children !== "string") return <td>{children}</td>;
  return (
    <td className="cut" title={children.length > LONG ? children : undefined}>
      {children}
    </td>
  );
}

/** How each column reads, row by row. */
function textsOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): ((row: Row) => string)[] {
  return columns.map(({ text, format, value }) => {
    if (text !== undefined) return text;
    if (format === undefined) return (row) => String(value(row) ?? NONE);
    const numbers = (row: Row) => value(row) as number | null;
    const write = format.among?.(rows.map(numbers)) ?? format.exact;
    return (row) => write(numbers(row));
  });
}

function sheetOf<Row>(every: readonly Column<Row>[], rows: readonly Row[]): Sheet {
  const columns = every.filter(({ isActs }) => isActs !== true);
  const texts = textsOf(columns, rows);
  return {
    columns: columns.map(({ name }) => name),
    units: columns.map(({ format }) => format?.unit ?? null),
    rows: rows.map((row) => columns.map((column) => column.value(row))),
    write: (_, i, at) => texts[i]?.(rows[at] as Row) ?? "",
  };
}

/** Numbers begin with the largest, words with A. */
function turned(order: Order | null, column: number, isNumeric: boolean): Order {
  return order?.column === column ? { column, isDown: !order.isDown } : { column, isDown: isNumeric };
}

function sortOf(order: Order | null, column: number): "ascending" | "descending" | undefined {
  if (order?.column !== column) return undefined;
  return order.isDown ? "descending" : "ascending";
}

function inOrder<Row>(rows: readonly Row[], columns: readonly Column<Row>[], order: Order | null): readonly Row[] {
  const column = order && columns[order.column];
  if (!column) return rows;
  return [...rows].sort((a, b) => compared(column.value(a), column.value(b), order.isDown));
}

/** What is not known comes last, whichever way. */
function compared(a: Cell, b: Cell, isDown: boolean): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  const up = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  return isDown ? -up : up;
}
