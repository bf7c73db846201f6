import "./dialog.css";

import { type ReactNode, useId, useLayoutEffect, useRef } from "react";

interface DialogProps {
  title: string;
  /** Null where only a button within may close it: what it shows is gone with it. */
  onClose: (() => void) | null;
  children: ReactNode;
}

/** Before all else until it is closed; Escape closes it, and the focus goes back to where it was. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const id = useId();
  const frame = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = frame.current;
    dialog?.showModal();
    // While it is still on the page: only then does the browser give the focus back.
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      className="dialog"
      ref={frame}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      // Pressed again, Escape closes it without asking, in some browsers.
      onClose={({ currentTarget }) => {
        if (currentTarget.open || !currentTarget.isConnected) return;
        if (onClose === null) currentTarget.showModal();
        else onClose();
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}
