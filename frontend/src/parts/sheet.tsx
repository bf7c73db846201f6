import "./table.css";

import { createContext, type ReactNode, type RefObject, useContext, useEffect } from "react";

export type Cell = string | number | null;

/** What a chart or a table says, in rows: for its table equivalent and its exports. */
export interface Sheet {
  columns: readonly string[];
  rows: readonly (readonly Cell[])[];
  /** How a cell reads; exports to CSV take it as it is. */
  write: (cell: Cell, column: number, row: number) => string;
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
                <td key={i} className={isNumber(sheet, i) ? "number end" : ""}>
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
