import { type ReactNode, useEffect, useRef } from "react";
import { Link, useSearch } from "wouter";

import type { Page } from "../pages";
import { useSession } from "../session/current";
import { kept } from "../view/view";
import { foresee } from "./lazy";
import { Mark } from "./mark";

interface NavigationProps {
  pages: readonly Page[];
  current: Page | undefined;
}

export function Navigation({ pages, current }: NavigationProps) {
  const { me, signOut } = useSession();
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    const [row, entry] = [nav.current, nav.current?.querySelector<HTMLElement>('[aria-current="page"]')];
    // On narrow screens they stand in a row that scrolls; the page itself must not.
    if (row && entry) row.scrollLeft = entry.offsetLeft - (row.clientWidth - entry.offsetWidth) / 2;
  }, [current]);
  return (
    <header className="side">
      <p className="side-brand">
        <Mark /> Tally
      </p>
      <nav aria-label="Pages" ref={nav}>
        <ul className="side-pages">
          {pages.map((page) => (
            <li key={page.path}>
              <PageLink to={page.path} isCurrent={page === current} onForesee={() => foresee(page.load)}>
                <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
                  <path d={page.icon} fill="none" stroke="currentColor" strokeWidth="1.4" strokeLinejoin="round" strokeLinecap="round" />
                </svg>
                {page.title}
              </PageLink>
            </li>
          ))}
        </ul>
      </nav>
      <div className="side-me">
        <p className="side-account" title={me.account_name}>
          {me.account_name}
        </p>
        <p className="soft" title={me.email}>
          {me.name || me.email} · {me.account_role}
        </p>
        <button className="button" onClick={signOut}>
          Sign out
        </button>
      </div>
    </header>
  );
}

interface PageLinkProps {
  to: string;
  isCurrent?: boolean;
  onForesee?: () => void;
  className?: string;
  children: ReactNode;
}

/** A link within the dashboard, which takes the window, the zone and the filters along. */
export function PageLink({ to, isCurrent = false, onForesee, className, children }: PageLinkProps) {
  const search = useSearch();
  return (
    <Link
      href={to + kept(new URLSearchParams(search))}
      className={className ?? ""}
      aria-current={isCurrent ? "page" : undefined}
      onPointerEnter={onForesee}
      onFocus={onForesee}
    >
      {children}
    </Link>
  );
}
