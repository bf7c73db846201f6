import "./table.css";

import { createContext, type ReactNode, type RefObject, useContext, useEffect } from "react";

export type Cell = string | number | null;

/** What a chart or a table says, in rows: for its table equivalent and its exports. */
export interface Sheet extends Plain {
  /** How a cell reads; exports to CSV take it as it is. */
  write: (cell: Cell, column: number, row: number) => string;
  /** What a file has instead, where one reads less than is known, such as bounds in words. */
  plain?: Plain;
  /** Where only the beginning is loaded: all of it, telling on the way how many rows there are. */
  whole?: (tell: (rows: number) => void, signal: AbortSignal) => Promise<Sheet>;
}

export interface Plain {
  columns: readonly string[];
  rows: readonly (readonly Cell[])[];
  /** What each column's numbers count, such as "ms"; null where they are plain counts or words. */
  units?: readonly (string | null)[];
}

interface Panelled {
  asTable: boolean;
  title: string;
  height: number;
  sheet: RefObject<Sheet | null>;
}

const Panelled = createContext<Panelled | null>(null);

export function PanelProvider({ children, ...panelled }: Panelled & { children: ReactNode }) {
  return <Panelled value={panelled}>{children}</Panelled>;
}

/** Tells the panel around what is shown; answers how the panel wants it. */
export function usePanel(sheet: Sheet): Omit<Panelled, "sheet"> {
  const panel = useContext(Panelled);
  if (panel === null) throw new Error("Put a <Panel> around it.");
  const { sheet: told } = panel;
  useEffect(() => {
    told.current = sheet;
  }, [told, sheet]);
  return panel;
}

/** The table equivalent of a chart. */
export function SheetTable({ sheet, title, height }: { sheet: Sheet; title: string; height: number }) {
  return (
    <div className="table-scroll" style={{ maxHeight: Math.max(height, 240) }} tabIndex={0} role="region" aria-label={`${title}, as a table`}>
      <table className="table">
        <thead>
          <tr>
            {sheet.columns.map((name, i) => (
              <th key={name} scope="col" className={isNumber(sheet, i) ? "number end" : ""}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sheet.rows.map((row, at) => (
            <tr key={at}>
              {row.map((cell, i) => (
                <td key={i} className={isNumber(sheet, i) ? "number end" : "cut"} title={typeof cell === "string" ? sheet.write(cell, i, at) : undefined}>
                  {sheet.write(cell, i, at)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function isNumber({ rows }: Sheet, column: number): boolean {
  return rows.some((row) => typeof row[column] === "number");
}
