import "./bar-list.css";

import { useMemo } from "react";

import type { Format } from "../format/numbers";
import { Pick } from "../parts/pick";
import { type Sheet, SheetTable, usePanel } from "../parts/sheet";

export interface Bar {
  name: string;
  value: number;
  /** Beside the value, such as a cost. */
  note?: number | null;
  /** What picking it gives, and its key; default: the name. Null: it cannot be picked. */
  id?: string | null;
}

interface BarListProps {
  /** Of the name, of the value and of the note, such as ["Agent", "Answers", "Cost"]. */
  columns: readonly [string, string, string?];
  bars: readonly Bar[];
  format: Format;
  /** Of the notes. */
  noteFormat?: Format;
  /** How many are drawn; the table has all. */
  most?: number;
  /** What a click on a name does, such as filtering by it. */
  onPick?: (id: string) => void;
}

/** Names with their values, the largest first as given. Lives in a <Panel>. */
export function BarList({ columns, bars, format, noteFormat = format, most = 8, onPick }: BarListProps) {
  const [first, second, third] = columns;
  const sheet = useMemo<Sheet>(
    () => ({
      columns: [first, second, ...(third === undefined ? [] : [third])],
      units: [null, format.unit ?? null, noteFormat.unit ?? null],
      rows: bars.map(({ name, value, note }) => [name, value, ...(third === undefined ? [] : [note ?? null])]),
      write: (cell, i) => (typeof cell === "string" ? cell : (i === 2 ? noteFormat : format).exact(cell)),
    }),
    [first, second, third, bars, format, noteFormat],
  );
  const { asTable, title, height } = usePanel(sheet);
  if (asTable) return <SheetTable sheet={sheet} title={title} height={height} />;
  const top = Math.max(...bars.map(({ value }) => value), 0) || 1;
  return (
    <ul className="bars">
      {bars.slice(0, most).map(({ name, value, note, id = name }) => (
        <li className="bars-row" key={id ?? `(${name})`}>
          {onPick === undefined || id === null ? (
            <span className="bars-name" title={name}>
              {name}
            </span>
          ) : (
            <Pick className="bars-name" name={name} onPick={() => onPick(id)} />
          )}
          <span className="number" title={format.exact(value)}>
            <span className="bars-value">{format.short(value)}</span>
            {note !== undefined && <span className="soft"> · {noteFormat.short(note)}</span>}
          </span>
          <div className="bars-track">
            {value > 0 && <div className="bars-fill" style={{ width: `${(value / top) * 100}%` }} />}
          </div>
        </li>
      ))}
      {bars.length > most && <li className="soft">and {bars.length - most} more</li>}
    </ul>
  );
}
