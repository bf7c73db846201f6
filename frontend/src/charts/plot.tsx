import "./plot.css";

import { type KeyboardEvent, type PointerEvent, type ReactNode, useState } from "react";

import { round } from "./line";
import type { Scale } from "./scales";
import { useWidth } from "./useWidth";

export interface Area {
  width: number;
  height: number;
}

interface PlotProps {
  /** Said to who cannot see it. */
  label: string;
  height: number;
  /** How many places there are from left to right. */
  places: number;
  /** The label below a place; null for none. */
  below: (place: number) => string | null;
  /** Which places have a label, for this width. */
  labels: (width: number) => readonly number[];
  /** The axis on the left, for this height. */
  scale: (height: number) => Scale;
  /** A tick of it. */
  tick: (value: number, all: readonly number[]) => string;
  /** Where a place is, from left. */
  x: (place: number, width: number) => number;
  /** What is drawn. */
  marks: (area: Area, y: Scale) => ReactNode;
  /** What is drawn over it at the place looked at. */
  over?: (place: number, area: Area, y: Scale) => ReactNode;
  /** What the tooltip says of a place. */
  tip: (place: number) => ReactNode;
}

/** The least room of the labels at the left, the most, and how wide a letter of theirs is where nothing can be measured. */
const LEAST = 40;
const MOST = 140;
const LETTER = 6.5;
const RIGHT = 8;
const TOP = 8;
const BELOW = 24;
const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -7, PageDown: 7 };

/** Axes, marks, and a tooltip that follows the pointer or the arrow keys. */
export function Plot(props: PlotProps) {
  const [frame, full] = useWidth();
  const [place, setPlace] = useState<number | null>(null);
  const height = props.height - TOP - BELOW;
  const y = props.scale(height);
  const left = roomOf(y.ticks.map((value) => props.tick(value, y.ticks)));
  const area = { width: Math.max(40, full - left - RIGHT), height };
  const { places } = props;

  function look({ clientX, currentTarget }: PointerEvent<SVGSVGElement>) {
    const from = currentTarget.getBoundingClientRect().left + left;
    setPlace(nearest(clientX - from, places, (i) => props.x(i, area.width)));
  }

  function step(event: KeyboardEvent) {
    const next = event.key === "Home" ? 0 : event.key === "End" ? places - 1 : moved(place, STEPS[event.key], places);
    if (event.key === "Escape") return setPlace(null);
    if (next === null) return;
    event.preventDefault();
    setPlace(next);
  }

  const at = place !== null && place < places ? place : null;
  return (
    <div
      ref={frame}
      className="plot-frame"
      style={{ height: props.height }}
      tabIndex={0}
      role="group"
      aria-label={`${props.label}. Arrow keys read it place by place.`}
      onKeyDown={step}
      onBlur={() => setPlace(null)}
    >
      <svg className="plot" width={full} height={props.height} onPointerMove={look} onPointerLeave={() => setPlace(null)} aria-hidden="true">
        <g transform={`translate(${left} ${TOP})`}>
          <Axes {...props} area={area} y={y} />
          {props.marks(area, y)}
          {at !== null && props.over?.(at, area, y)}
        </g>
      </svg>
      {at !== null && <Tip x={left + props.x(at, area.width)} full={full} content={props.tip(at)} />}
      <p className="unseen" role="status">
        {at !== null && props.tip(at)}
      </p>
    </div>
  );
}

/** For the longest label, whatever the reader's locale makes of it. */
function roomOf(labels: readonly string[]): number {
  const pen = (measure ??= penOf());
  const wide = labels.map((text) => pen?.measureText(text).width ?? text.length * LETTER);
  return Math.min(MOST, Math.max(LEAST, Math.ceil(Math.max(0, ...wide)) + 14));
}

let measure: CanvasRenderingContext2D | null | undefined;

function penOf(): CanvasRenderingContext2D | null {
  // Where nothing is drawn there is no pen.
  if (typeof ResizeObserver === "undefined") return null;
  const pen = document.createElement("canvas").getContext("2d");
  if (pen !== null) pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  return pen;
}

function Axes({ area, y, tick, labels, below, x }: PlotProps & { area: Area; y: Scale }) {
  return (
    <g className="plot-axes">
      {y.ticks.map((value) => (
        <g key={value} transform={`translate(0 ${round(y(value))})`}>
          <line x2={area.width} />
          <text x={-8} dy="0.32em" textAnchor="end">
            {tick(value, y.ticks)}
          </text>
        </g>
      ))}
      {labels(area.width).map((i) => (
        <text key={i} x={round(x(i, area.width))} y={area.height + 18} textAnchor={x(i, area.width) > area.width - BELOW ? "end" : "middle"}>
          {below(i)}
        </text>
      ))}
    </g>
  );
}

function Tip({ x, full, content }: { x: number; full: number; content: ReactNode }) {
  const side = x > full / 2 ? { right: full - x + 12 } : { left: x + 12 };
  return (
    <div className="plot-tip" style={side} aria-hidden="true">
      {content}
    </div>
  );
}

function nearest(pixels: number, places: number, x: (place: number) => number): number | null {
  if (places === 0) return null;
  const [first, last] = [x(0), x(places - 1)];
  const place = places === 1 ? 0 : Math.round(((pixels - first) / (last - first)) * (places - 1));
  return Math.min(places - 1, Math.max(0, place));
}

function moved(place: number | null, by: number | undefined, places: number): number | null {
  if (by === undefined || places === 0) return null;
  // Nobody has looked yet: reading begins with the latest.
  return place === null ? places - 1 : Math.min(places - 1, Math.max(0, place + by));
}
