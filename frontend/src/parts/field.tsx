import "./field.css";

import { type InputHTMLAttributes, type ReactNode, useId } from "react";

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
  name: string;
  /** Said after the label, to readers of screens too. */
  note?: ReactNode;
}

/** An input under its label. */
export function Field({ label, note, ...input }: FieldProps) {
  const id = useId();
  return (
    <div className="labelled">
      <label htmlFor={id}>{label}</label>
      <input className="field" autoComplete="off" id={id} aria-describedby={note === undefined ? undefined : `${id}-note`} {...input} />
      <Note id={id}>{note}</Note>
    </div>
  );
}

/** A box to tick. */
export function Check({ label, note, ...input }: FieldProps) {
  const id = useId();
  return (
    <div className="checked">
      <input type="checkbox" id={id} aria-describedby={note === undefined ? undefined : `${id}-note`} {...input} />
      <label htmlFor={id}>{label}</label>
      <Note id={id}>{note}</Note>
    </div>
  );
}

interface PickOneProps {
  label: string;
  name?: string;
  note?: ReactNode;
  options: readonly (readonly [string, string])[];
  /** What is picked to begin with; the form keeps the rest. */
  initial?: string;
  /** What is picked, where the page keeps it. */
  value?: string;
  onPick?: (value: string) => void;
}

/** One of several. */
export function PickOne({ label, note, options, initial, onPick, ...select }: PickOneProps) {
  const id = useId();
  return (
    <div className="labelled">
      <label htmlFor={id}>{label}</label>
      <select
        className="field"
        id={id}
        aria-describedby={note === undefined ? undefined : `${id}-note`}
        defaultValue={initial}
        onChange={onPick && (({ target }) => onPick(target.value))}
        {...select}
      >
        {options.map(([each, title]) => (
          <option key={each} value={each}>
            {title}
          </option>
        ))}
      </select>
      <Note id={id}>{note}</Note>
    </div>
  );
}

function Note({ id, children }: { id: string; children: ReactNode }) {
  if (children === undefined) return null;
  return (
    <span className="soft" id={`${id}-note`}>
      {children}
    </span>
  );
}
