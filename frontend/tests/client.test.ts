import { expect, inject, test } from "vitest";

import { answerOf, createTallyClient } from "../src/api/client";
import { ApiProblem } from "../src/api/problem";
import { Caller } from "./caller";

const url = inject("url");

async function problemOf(call: Promise<unknown>): Promise<ApiProblem> {
  const thrown = await call.then(
    () => new Error("It was answered."),
    (why: unknown) => why,
  );
  if (thrown instanceof ApiProblem) return thrown;
  throw thrown;
}

test("an answer comes typed, for whom the token says", async () => {
  const { token } = await Caller.of(url, inject("acme").engineer);
  const client = createTallyClient({ baseUrl: url, token: () => token });
  const me = await answerOf(client.GET("/api/v1/me"));
  expect(me.email).toBe("engineer@example.com");
});

test("the token is asked for before every request, and may take its time", async () => {
  const { token } = await Caller.of(url, inject("acme").engineer);
  const tokens = ["expired", token];
  const client = createTallyClient({ baseUrl: url, token: () => Promise.resolve(tokens.shift() ?? "") });
  expect((await problemOf(answerOf(client.GET("/api/v1/me")))).status).toBe(401);
  expect((await answerOf(client.GET("/api/v1/me"))).email).toBe("engineer@example.com");
});

test("a refusal is a problem with its sentence and the id of the request", async () => {
  const client = createTallyClient({ baseUrl: url, token: () => "nobody's" });
  const problem = await problemOf(answerOf(client.GET("/api/v1/me")));
  expect(problem).toMatchObject({ status: 401, title: "Unauthorized", errors: [] });
  expect(problem.message).toMatch(/^Valid credentials are needed: send 'Authorization: Bearer <token>'/);
  expect(problem.requestId).toBeTruthy();
});

test("a refusal of a field says which", async () => {
  const { token } = await Caller.of(url, inject("acme").owner);
  const client = createTallyClient({ baseUrl: url, token: () => token });
  const problem = await problemOf(answerOf(client.GET("/api/v1/users", { params: { query: { limit: 1000 } } })));
  expect(problem.status).toBe(422);
  expect(problem.errors[0]?.loc).toEqual(["query", "limit"]);
});

test("what a proxy answers in its own words is a problem too", async () => {
  const proxy = () => Promise.resolve(new Response("<h1>Oops</h1>", { status: 502, statusText: "Bad Gateway" }));
  const client = createTallyClient({ baseUrl: url, token: () => "", fetch: proxy });
  const problem = await problemOf(answerOf(client.GET("/api/v1/me")));
  expect(problem).toMatchObject({ status: 502, title: "Bad Gateway", requestId: null });
  expect(problem.message).toBe("The server answered 502 without saying why; try again later.");
});
