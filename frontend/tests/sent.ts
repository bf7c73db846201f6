import { afterEach } from "vitest";

const real = globalThis.fetch;

afterEach(() => {
  globalThis.fetch = real;
});

/** What is sent with this method from now on, sign-ins apart. Before signing in: a client keeps the `fetch` it met. */
export function sent(method: string): string[] {
  const paths: string[] = [];
  globalThis.fetch = (request, init) => {
    const { method: used, url } = request as Request;
    const { pathname } = new URL(url);
    if (used === method && pathname !== "/api/v1/auth/token") paths.push(pathname);
    return real(request, init);
  };
  return paths;
}
