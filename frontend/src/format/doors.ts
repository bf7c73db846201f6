const DOORS: Readonly<Record<string, string>> = {
  api: "a program",
  web: "the dashboard",
  cli: "the command line",
  worker: "the worker",
};

/** Through what somebody came: the audit's client_kind. */
export function doorOf(client: string): string {
  return DOORS[client] ?? client;
}
