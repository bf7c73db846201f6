import type { paths } from "../api/schema";

/** Addresses that answer GET with JSON. */
export type ReportPath = {
  [Path in keyof paths]: paths[Path] extends { get: { responses: { 200: { content: { "application/json": unknown } } } } }
    ? Path
    : never;
}[keyof paths];

export type Answer<Path extends ReportPath> = paths[Path] extends {
  get: { responses: { 200: { content: { "application/json": infer Body } } } };
}
  ? Body
  : never;

type Parameters<Path extends ReportPath> = paths[Path] extends { get: { parameters: infer Given } } ? Given : never;

export type Query<Path extends ReportPath> =
  Parameters<Path> extends { query?: infer Given }
    ? [NonNullable<Given>] extends [never]
      ? Record<never, never>
      : NonNullable<Given>
    : Record<never, never>;

export type At<Path extends ReportPath> =
  Parameters<Path> extends { path: infer Given extends object } ? Given : undefined;
