import "./panel.css";

import { type ReactNode, useId } from "react";

interface BoxProps {
  title: string;
  note?: ReactNode;
  children: ReactNode;
}

/** A box with a heading, for what is done rather than shown. */
export function Box({ title, note, children }: BoxProps) {
  const id = useId();
  return (
    <section className="panel" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {note !== undefined && <p className="panel-note soft">{note}</p>}
      {children}
    </section>
  );
}
