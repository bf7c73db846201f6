import { renderHook } from "@testing-library/react";
import { Fragment, type ReactNode, StrictMode } from "react";

import { createTallyClient, type TallyClient } from "../src/api/client";
import { AnalyticsProvider } from "../src/api/provider";
import { type Analytics, useAnalytics } from "../src/hooks/useAnalytics";
import { Caller } from "./caller";

type Send = (request: Request) => Promise<Response>;
type Dates = () => [start?: Date, end?: Date];

/** A client whose requests are counted, and can be held back. */
export class Watched {
  readonly sent: Request[] = [];
  readonly client: TallyClient;
  send: Send = (request) => fetch(request);

  constructor(url: string, token: string) {
    const watched: Send = (request) => {
      this.sent.push(request);
      return this.send(request);
    };
    this.client = createTallyClient({ baseUrl: url, token: () => token, fetch: watched });
  }

  static async of(url: string, apiKey: string): Promise<Watched> {
    return new Watched(url, (await Caller.of(url, apiKey)).token);
  }
}

/** The hook in a component; `dates` is called on every render, `seen` has what each render got. */
export function shown(watched: Watched, dates: Dates = () => [], { strict = false } = {}) {
  let { client } = watched;
  const Mode = strict ? StrictMode : Fragment;
  const seen: Analytics[] = [];
  const wrapper = ({ children }: { children: ReactNode }) => (
    <Mode>
      <AnalyticsProvider client={client}>{children}</AnalyticsProvider>
    </Mode>
  );
  const hook = (asked: Dates) => {
    const analytics = useAnalytics(...asked());
    seen.push(analytics);
    return analytics;
  };
  const rendered = renderHook(hook, { initialProps: dates, wrapper });
  const changeClient = (next: Watched) => {
    client = next.client;
    rendered.rerender(dates);
  };
  return { ...rendered, seen, changeClient };
}
