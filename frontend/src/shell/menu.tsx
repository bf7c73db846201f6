import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";

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
        <div className="menu-panel" id={id} role="group" aria-label={title}>
          {children(close)}
        </div>
      )}
    </div>
  );
}
