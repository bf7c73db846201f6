import "./tabs.css";

import { Activity, type ComponentType, type KeyboardEvent, useId, useRef, useState } from "react";
import { useSearchParams } from "wouter";

export interface Tab {
  /** In the address, as ?tab=…; the first tab's is left out. */
  id: string;
  title: string;
  body: ComponentType;
}

interface TabsProps {
  label: string;
  tabs: readonly [Tab, ...Tab[]];
}

/** Parts of a page of which one is seen: each asks when it is first opened, and is kept, at rest, when it is left. */
export function Tabs({ label, tabs }: TabsProps) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const [search, setSearch] = useSearchParams();
  const current = tabs.find((tab) => tab.id === search.get("tab")) ?? tabs[0];
  const [opened, setOpened] = useState<readonly Tab[]>([]);
  if (!opened.includes(current)) setOpened([...opened, current]);
  const show = (tab: Tab) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      if (tab === tabs[0]) next.delete("tab");
      else next.set("tab", tab.id);
      return next;
    });
  const step = (event: KeyboardEvent) => {
    const to = tabs[placeAfter(event.key, tabs.indexOf(current), tabs.length)];
    if (to === undefined) return;
    event.preventDefault();
    show(to);
    list.current?.querySelector<HTMLElement>(`[data-tab="${to.id}"]`)?.focus();
  };
  return (
    <>
      <div className="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={step}>
        {tabs.map((tab) => (
          <button
            key={tab.id}
            className="tab"
            role="tab"
            id={`${id}-${tab.id}`}
            data-tab={tab.id}
            aria-selected={tab === current}
            aria-controls={opened.includes(tab) ? `${id}-${tab.id}-body` : undefined}
            tabIndex={tab === current ? 0 : -1}
            onClick={() => show(tab)}
          >
            {tab.title}
          </button>
        ))}
      </div>
      {opened.map((tab) => (
        <Activity key={tab.id} mode={tab === current ? "visible" : "hidden"}>
          <div role="tabpanel" id={`${id}-${tab.id}-body`} aria-labelledby={`${id}-${tab.id}`}>
            <tab.body />
          </div>
        </Activity>
      ))}
    </>
  );
}

/** Where a key leads: round and round, or to the ends; -1 where it leads nowhere. */
function placeAfter(key: string, place: number, count: number): number {
  if (key === "ArrowRight") return (place + 1) % count;
  if (key === "ArrowLeft") return (place + count - 1) % count;
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : -1;
}
