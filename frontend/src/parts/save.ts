/** What is shown, as a file: CSV for sums, PNG for slides. Made in the page; nothing is sent anywhere. */
import type { RefObject } from "react";

import { dated, isDay } from "../format/days";
import { MOST_ROWS as MOST_OF_CSV } from "../reports/useRows";
import type { Cell, Plain, Sheet } from "./sheet";

/** What stands above a picture: a slide is looked at long after the page was. */
interface Heading {
  title: string;
  question: string;
}

interface Shown {
  title: string;
  /** What was asked: window, zone, filters. */
  asked: object | undefined;
  sheet: RefObject<Sheet | null>;
  body: RefObject<HTMLElement | null>;
}

const PAD = 16;
const ROW = 24;
/** A small table leaves its heading this much room. */
const HEADING = 480;
const FONT = "13px system-ui, sans-serif";
const MOST_ROWS = 200;
/** Letters of a file's name: more is refused by some disks. */
const LONGEST = 180;
/** Pixels of the file for one of the page: slides are looked at from afar. */
const SCALE = 2;

type Tell = (rows: number) => void;

/** All rows, also those that are not loaded yet. */
export async function saveCsv({ title, asked, sheet }: Shown, tell: Tell, signal: AbortSignal): Promise<void> {
  if (sheet.current === null) return;
  const { whole } = sheet.current;
  const all = whole === undefined ? sheet.current : await whole(tell, signal);
  const cut = whole !== undefined && all.rows.length >= MOST_OF_CSV ? `-first-${all.rows.length}` : "";
  save(new Blob([csvOf(all)], { type: "text/csv;charset=utf-8" }), `${fileName(title, asked)}${cut}.csv`);
}

/** RFC 4180, with a byte order mark: without it spreadsheets take UTF-8 for something else. */
export function csvOf(sheet: Sheet): string {
  const { columns, rows, units }: Plain = sheet.plain ?? sheet;
  const heading = columns.map((name, i) => (units?.[i] ? `${name} (${units[i]})` : name));
  const lines = [heading, ...rows].map((cells) => cells.map(field).join(","));
  return `\uFEFF${lines.join("\r\n")}\r\n`;
}

/** What makes a spreadsheet take a text for a formula, full-width and behind characters that nobody sees too. */
const RISKY =
  /^(?:[\t\r]|[\s\x00-\x20\x7f-\xa0\xad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff]*[=+\-@＝＋－＠])/;

/** A name must not become a formula; where a comma is the decimal point, a bare semicolon would part cells. */
function field(cell: Cell): string {
  if (cell === null) return "";
  const text = typeof cell === "string" && RISKY.test(cell) ? `'${cell}` : String(cell);
  return /[",;\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export async function savePng({ title, asked, sheet, body }: Shown): Promise<void> {
  const svg = body.current?.querySelector<SVGSVGElement>("svg.plot");
  const heading = { title, question: question(asked) };
  const canvas = svg ? await drawn(svg, legendOf(body.current), heading) : sheet.current && written(sheet.current, heading);
  canvas?.toBlob((blob) => blob && save(blob, `${fileName(title, asked)}.png`));
}

/** The chart as it stands on the page; its styles go along, for an image knows nothing of our style sheets. */
async function drawn(svg: SVGSVGElement, legend: readonly string[], heading: Heading): Promise<HTMLCanvasElement> {
  const { width, height } = svg.getBoundingClientRect();
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const parts = [...svg.querySelectorAll("*")];
  [...copy.querySelectorAll("*")].forEach((part, i) => {
    const style = getComputedStyle(parts[i] as Element);
    for (const name of ["fill", "stroke", "stroke-width", "font-size", "font-family", "opacity", "text-anchor"])
      part.setAttribute(name, style.getPropertyValue(name));
  });
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  const address = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const below = legend.length > 0 ? ROW : 0;
    const { canvas, pen, top } = sheetOfPaper(width, height + below, heading);
    if (below > 0) writeLegend(pen, legend, top);
    pen.drawImage(image, PAD, top + below, width, height);
    return canvas;
  } finally {
    URL.revokeObjectURL(address);
  }
}

function legendOf(body: HTMLElement | null): string[] {
  return [...(body?.querySelectorAll(".legend li") ?? [])].map((item) => item.textContent ?? "");
}

function writeLegend(pen: CanvasRenderingContext2D, names: readonly string[], top: number): void {
  let x = PAD;
  pen.font = FONT;
  names.forEach((name, i) => {
    pen.fillStyle = colour(`--series-${(i % 8) + 1}`);
    pen.fillRect(x, top, 10, 10);
    pen.fillStyle = colour("--ink-soft");
    pen.fillText(name, x + 16, top + 10);
    x += 16 + pen.measureText(name).width + 20;
  });
}

function written({ columns, rows, write, whole }: Sheet, { title, question }: Heading): HTMLCanvasElement {
  const more = whole !== undefined || rows.length > MOST_ROWS ? `, the first ${Math.min(rows.length, MOST_ROWS)} rows` : "";
  const lines = [columns, ...rows.slice(0, MOST_ROWS).map((row, at) => row.map((cell, i) => write(cell, i, at)))];
  const pen = document.createElement("canvas").getContext("2d") as CanvasRenderingContext2D;
  pen.font = FONT;
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => pen.measureText(line[i] ?? "").width)) + 24);
  const paper = sheetOfPaper(widths.reduce((sum, width) => sum + width, 0), lines.length * ROW, { title: title + more, question });
  paper.pen.font = FONT;
  lines.forEach((line, at) => {
    let x = PAD;
    line.forEach((text, i) => {
      const isEnd = rows.some((row) => typeof row[i] === "number");
      const width = widths[i] as number;
      paper.pen.textAlign = isEnd ? "right" : "left";
      paper.pen.fillStyle = colour(at === 0 ? "--ink-soft" : "--ink");
      paper.pen.fillText(text, isEnd ? x + width - 24 : x, paper.top + at * ROW + 16);
      x += width;
    });
  });
  return paper.canvas;
}

function sheetOfPaper(least: number, height: number, { title, question }: Heading) {
  const width = Math.max(least, HEADING);
  const top = PAD + 28 + (question === "" ? 0 : 18);
  const canvas = document.createElement("canvas");
  canvas.width = (width + 2 * PAD) * SCALE;
  canvas.height = (top + height + PAD) * SCALE;
  const pen = canvas.getContext("2d") as CanvasRenderingContext2D;
  pen.scale(SCALE, SCALE);
  pen.fillStyle = colour("--surface");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = colour("--ink");
  pen.font = `600 15px system-ui, sans-serif`;
  pen.fillText(title, PAD, PAD + 12, width);
  pen.fillStyle = colour("--ink-soft");
  pen.font = FONT;
  // Narrower letters where a filter names more than there is room for.
  pen.fillText(question, PAD, PAD + 30, width);
  return { canvas, pen, top };
}

/** A token as the theme in force has it. */
function colour(token: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** What it shows, its days, then zone and filters as they were asked: "tally-cost-per-day-2026-10-22-2026-11-20". */
export function fileName(title: string, asked?: object): string {
  const { window, others } = partsOf(asked);
  return ["tally", title, ...window, ...others].map(slug).join("-").slice(0, LONGEST);
}

/** The same for who reads it: "Oct 22 – Nov 20, 2026 · Europe/Berlin"; empty where nothing was asked. */
export function question(asked?: object): string {
  const { window, others } = partsOf(asked);
  const [first, last] = [window[0] ?? "", window.at(-1) ?? ""];
  const days = !isDay(last) ? window.join(" – ") : isDay(first) ? dated(first, last) : `${Number.parseInt(first)} days to ${dated(last, last)}`;
  return [days, ...others].filter((part) => part !== "").join(" · ");
}

function partsOf(asked: object = {}): { window: string[]; others: string[] } {
  const { compare: _, start_date, end_date, period, days, ...others } = asked as Readonly<Record<string, unknown>>;
  // A period that ends now says nothing without its end.
  const lately = days ?? period;
  const window = lately === undefined ? [start_date, end_date] : [lately, "to", new Date().toISOString().slice(0, 10)];
  const said = (parts: readonly unknown[]) => parts.flat().filter((part) => part !== undefined).map(String);
  return { window: said(window), others: said(Object.values(others)) };
}

function slug(text: string): string {
  return text.toLowerCase().replace(/[^\p{Letter}\p{Number}]+/gu, "-").replace(/^-|-$/g, "");
}

export function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
