import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";

import { answerOf, createTallyClient } from "../src/api/client";
import { exchanged, renewing, type Token } from "../src/api/token";

const url = inject("url");
const key = inject("acme").engineer;

let obtained: number;
beforeEach(() => {
  obtained = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

function obtain(): Promise<Token> {
  obtained += 1;
  return exchanged(key, url);
}

test("a key is exchanged for a token that opens the door", async () => {
  const client = createTallyClient({ baseUrl: url, token: renewing(obtain) });
  expect((await answerOf(client.GET("/api/v1/me"))).email).toBe("engineer@example.com");
});

test("who asks meanwhile and later gets the same token", async () => {
  const token = renewing(obtain);
  const [first, second] = await Promise.all([token(), token()]);
  expect([second, await token()]).toEqual([first, first]);
  expect(obtained).toBe(1);
});

test("a token is renewed before it expires, not long before", async () => {
  const token = renewing(obtain);
  const { expires_in } = await exchanged(key, url);
  const begun = Date.now();
  await token();
  vi.useFakeTimers({ toFake: ["Date"], now: begun + expires_in * 1000 * 0.8 });
  await token();
  expect(obtained).toBe(1);
  vi.setSystemTime(begun + expires_in * 1000 * 0.95);
  await token();
  expect(obtained).toBe(2);
});

test("a key that is none is refused with a sentence, and the next attempt is a new one", async () => {
  const keys = ["tly_none", key];
  const token = renewing(() => exchanged(keys.shift() ?? "", url));
  await expect(token()).rejects.toMatchObject({ name: "ApiProblem", status: 401 });
  await expect(token()).resolves.toMatch(/^ey/);
});
