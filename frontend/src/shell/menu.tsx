import { type KeyboardEvent, type ReactNode, type RefObject, useEffect, useId, useLayoutEffect, useRef, useState } from "react";

interface MenuProps {
  label: ReactNode;
  /** Said before the label to who cannot see where it stands. */
  title: string;
  isActive?: boolean;
  children: (close: () => void) => ReactNode;
}

/** A button with a small panel below; Escape or a click elsewhere closes it. */
export function Menu({ label, title, isActive = false, children }: MenuProps) {
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  useInside(panel, isOpen);
  useEffect(() => {
    if (!isOpen) return;
    const leave = (event: Event) => {
      if (!frame.current?.contains(event.target as Node)) setOpen(false);
    };
    for (const kind of ["pointerdown", "focusin"]) document.addEventListener(kind, leave);
    return () => {
      for (const kind of ["pointerdown", "focusin"]) document.removeEventListener(kind, leave);
    };
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const escape = (event: KeyboardEvent) => {
    if (event.key === "Escape" && isOpen) close();
  };
  return (
    <div className="menu" ref={frame} onKeyDown={escape}>
      <button
        ref={button}
        className="button"
        data-active={isActive}
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        onClick={() => setOpen(!isOpen)}
      >
        <span className="unseen">{title}: </span>
        {label}
        <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
          <path d="M2 3.5l3 3 3-3" fill="none" stroke="currentColor" strokeWidth="1.5" />
        </svg>
      </button>
      {isOpen && (
        <div className="menu-panel" ref={panel} id={id} role="group" aria-label={title}>
          {children(close)}
        </div>
      )}
    </div>
  );
}

const MARGIN = 8;

/** Keeps a panel within the window, also when what it holds comes later and is wide. */
function useInside(panel: RefObject<HTMLDivElement | null>, isOpen: boolean) {
  useLayoutEffect(() => {
    const element = panel.current;
    // Where nothing is laid out there is nothing to keep.
    if (element === null || typeof ResizeObserver === "undefined") return;
    const place = () => {
      element.style.translate = "none";
      const { left, right } = element.getBoundingClientRect();
      const most = document.documentElement.clientWidth - MARGIN;
      const by = left < MARGIN ? MARGIN - left : right > most ? most - right : 0;
      element.style.translate = `${by}px`;
    };
    const observer = new ResizeObserver(place);
    observer.observe(element);
    addEventListener("resize", place);
    return () => {
      observer.disconnect();
      removeEventListener("resize", place);
    };
  }, [panel, isOpen]);
}
