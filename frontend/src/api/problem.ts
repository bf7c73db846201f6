import type { components } from "./schema";

type ProblemDocument = components["schemas"]["ProblemDocument"];
export type FieldError = components["schemas"]["FieldError"];

/** An answer that is not 2xx. `message` is one plain sentence: what was wrong and what to do. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly requestId: string | null;
  readonly errors: readonly FieldError[];

  constructor(response: Response, body: unknown) {
    const problem = isProblem(body) ? body : unexplained(response);
    super(problem.detail);
    this.status = response.status;
    this.title = problem.title;
    this.detail = problem.detail;
    this.requestId = response.headers.get("X-Request-ID");
    this.errors = problem.errors ?? [];
  }
}

/** No answer at all. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";

  constructor(cause: unknown) {
    super("Tally cannot be reached: check the connection, then try again.", { cause });
  }
}

function isProblem(body: unknown): body is ProblemDocument {
  return typeof body === "object" && body !== null && "detail" in body && typeof body.detail === "string";
}

/** What stands between us and the server, such as a proxy, answers in a language of its own. */
function unexplained({ status, statusText }: Response): Pick<ProblemDocument, "title" | "detail" | "errors"> {
  return { title: statusText, detail: `The server answered ${status} without saying why; try again later.` };
}
