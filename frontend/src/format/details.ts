/** What an audit row says besides: "agent planner, compare previous". */
export function details(parameters: Readonly<Record<string, unknown>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${written(value)}`)
    .join(", ");
}

function written(value: unknown): string {
  if (Array.isArray(value)) return value.map(written).join(" + ");
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
