import "../parts/tabs.css";

import { useRoute } from "wouter";

import { Said } from "../parts/said";
import { Message } from "../parts/states";
import type { Load } from "../shell/lazy";
import { PageLink } from "../shell/navigation";
import { Opened } from "../shell/opened";

interface Section {
  path: string;
  title: string;
  load: Load;
}

const SECTIONS: readonly Section[] = [
  { path: "/admin", title: "Members", load: () => import("./admin/members") },
  { path: "/admin/keys", title: "API keys", load: () => import("./admin/keys") },
  { path: "/admin/processing", title: "Processing", load: () => import("./admin/processing") },
  { path: "/admin/audit", title: "Audit", load: () => import("./admin/audit") },
  { path: "/admin/settings", title: "Settings", load: () => import("./admin/settings") },
  { path: "/admin/data", title: "Data", load: () => import("./admin/data") },
];

/** The account's members, keys, settings and upkeep. */
export default function Admin() {
  const [, at] = useRoute("/admin/:section?/*?");
  const path = at?.section === undefined ? "/admin" : `/admin/${at.section}`;
  const current = SECTIONS.find((section) => section.path === path);
  return (
    <>
      <nav className="tabs" aria-label="Administration">
        {SECTIONS.map((section) => (
          <PageLink key={section.path} to={section.path} isCurrent={section === current} className="tab">
            {section.title}
          </PageLink>
        ))}
      </nav>
      <Said key={path}>
        {current === undefined ? (
          <Message title="There is no such section">Choose one above.</Message>
        ) : (
          <Opened load={current.load} height="50vh" />
        )}
      </Said>
    </>
  );
}
