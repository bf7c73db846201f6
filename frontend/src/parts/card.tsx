import "./card.css";

import type { CSSProperties } from "react";

import { Sparkline } from "../charts/sparkline";
import { change, changed, type Format } from "../format/numbers";
import { Skeleton } from "./states";

interface CardProps {
  title: string;
  /** What exactly is counted. */
  note?: string;
  /** Undefined while it is on its way; null where it is not known. */
  value: number | null | undefined;
  /** The same of the window before; left out where nobody asks for it. */
  before?: number | null | undefined;
  format: Format;
  /** One for each day; null where it has no course. */
  days?: readonly (number | null)[] | null | undefined;
  /** Which way is good news; neither by default. */
  good?: "up" | "down";
}

/** A number, how it changed, and its course. */
export function Card({ title, note, value, before, format, days, good }: CardProps) {
  return (
    <section className={days === null ? "card" : "card card-coursed"} title={note}>
      <h2 className="card-title soft">{title}</h2>
      {value === undefined ? (
        <Skeleton height={days === null ? 50 : 78} />
      ) : (
        <>
          <p className="card-value number" title={format.exact(value)} style={fitting(format.short(value))}>
            {format.short(value)}
          </p>
          {before !== undefined && <Change value={value} before={before} format={format} good={good} />}
          {days !== null && <Sparkline values={days ?? []} />}
        </>
      )}
    </section>
  );
}

type ChangeProps = Pick<CardProps, "format"> & { value: number | null; before: number | null; good: CardProps["good"] };

function Change({ value, before, format, good }: ChangeProps) {
  const by = change(value, before);
  if (by === null) return <p className="card-change soft">nothing before</p>;
  const way = by > 0 ? "up" : "down";
  const tone = good === undefined || Math.abs(by) < 0.005 ? "soft" : way === good ? "card-good" : "card-bad";
  const arrow = Math.abs(by) < 0.005 ? "→" : by > 0 ? "↑" : "↓";
  const from = `from ${format.brief?.(before) ?? format.short(before)}`;
  return (
    <p
      className={`card-change ${tone}`}
      style={fitting(`${arrow} ${changed(by)} ${from}`)}
      title={`${changed(by)} ${by > 0 ? "more" : "less"} than the ${format.exact(before)} of the window before`}
    >
      <span aria-hidden="true">{arrow}</span> {changed(by)}
      <span className="unseen"> {by > 0 ? "more" : "less"}</span>{" "}
      <span className="soft card-before">{from}</span>
    </p>
  );
}

/** By the number of its letters a line is made to fit its card. */
function fitting({ length }: string): CSSProperties {
  return { "--letters": length } as CSSProperties;
}
