import "../parts/tabs.css";

import { type ComponentType, lazy, Suspense } from "react";
import { useRoute } from "wouter";

import { Said } from "../parts/said";
import { Message, Skeleton } from "../parts/states";
import { PageLink } from "../shell/navigation";

interface Section {
  path: string;
  title: string;
  Body: ComponentType;
}

const SECTIONS: readonly Section[] = [
  { path: "/admin", title: "Members", Body: lazy(() => import("./admin/members")) },
  { path: "/admin/keys", title: "API keys", Body: lazy(() => import("./admin/keys")) },
  { path: "/admin/processing", title: "Processing", Body: lazy(() => import("./admin/processing")) },
  { path: "/admin/audit", title: "Audit", Body: lazy(() => import("./admin/audit")) },
  { path: "/admin/settings", title: "Settings", Body: lazy(() => import("./admin/settings")) },
  { path: "/admin/data", title: "Data", Body: lazy(() => import("./admin/data")) },
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
          <Suspense fallback={<Skeleton height="50vh" />}>
            <current.Body />
          </Suspense>
        )}
      </Said>
    </>
  );
}
