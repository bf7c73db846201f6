import "./shell.css";

import { type RefObject, useEffect, useRef } from "react";
import { useLocation } from "wouter";

import { type Page, PAGES, pageAt } from "../pages";
import { Forbidden, Message } from "../parts/states";
import { Held } from "../parts/held";
import { useSession } from "../session/current";
import { may, type Role } from "../session/session";
import { Bar } from "./bar";
import { Freshness } from "./freshness";
import { foresee } from "./lazy";
import { Navigation, PageLink } from "./navigation";
import { Opened } from "./opened";

/** What stays while pages come and go. */
export function Shell() {
  const [path] = useLocation();
  const { me } = useSession();
  const mine = PAGES.filter((page) => may(me.account_role, page.role));
  // Who may not see the overview begins with the first page that is theirs.
  const page = path === "/" ? (mine.find((one) => one.path === "/") ?? mine[0] ?? PAGES[0]) : pageAt(path);
  const main = useRef<HTMLElement>(null);
  useArrival(path, page, main);
  useForesight(me.account_role);
  return (
    <Held>
      <div className="shell">
        <a className="skip" href="#main">
          Skip to the content
        </a>
        <Navigation pages={mine} current={page} />
        <main id="main" ref={main} tabIndex={-1}>
          <header className="shell-head">
            <h1>{titleAt(path, page)}</h1>
            <div className="shell-fresh">
              <Freshness />
            </div>
            {page !== undefined && mine.includes(page) && <Bar {...((path !== page.path && page.below) || page.bar)} />}
          </header>
          {page === undefined ? <Nowhere /> : <Content page={page} isMine={mine.includes(page)} />}
        </main>
      </div>
    </Held>
  );
}

function Content({ page, isMine }: { page: Page; isMine: boolean }) {
  if (!isMine) return <Forbidden sentence={`${page.title} needs the ${page.role} role.`} />;
  return <Opened key={page.path} load={page.load} height="60vh" />;
}

function titleAt(path: string, page: Page | undefined): string {
  return (page !== undefined && path !== page.path ? page.below?.title : undefined) ?? page?.title ?? "Nothing here";
}

function Nowhere() {
  return (
    <Message title="There is no such page" action={<PageLink to="/">To the overview</PageLink>}>
      Check the link, or choose a page on the left.
    </Message>
  );
}

/** Fetches every page's script once nothing else is to do, so that an outage later takes none away. */
function useForesight(role: Role) {
  useEffect(() => {
    // Where a browser does not tell when it rests, scripts come as pages are opened.
    if (!("requestIdleCallback" in window)) return;
    const waiting = requestIdleCallback(() => PAGES.filter((page) => may(role, page.role)).forEach(({ load }) => foresee(load)));
    return () => cancelIdleCallback(waiting);
  }, [role]);
}

/** A new page has its title in the window's, begins at its top, and readers of screens are taken there. */
function useArrival(path: string, page: Page | undefined, main: RefObject<HTMLElement | null>) {
  const arrived = useRef(path);
  useEffect(() => {
    document.title = `${titleAt(path, page)} · Tally`;
    if (arrived.current === path) return;
    arrived.current = path;
    main.current?.focus({ preventScroll: true });
    document.documentElement.scrollTop = 0;
  }, [path, page, main]);
}
