import { type FormEvent, type ReactNode, useEffect, useRef } from "react";

import { Dialog } from "./dialog";
import { Refusal } from "./said";
import { useChange } from "./useChange";

interface AskProps<Answer> {
  title: string;
  /** What the button says that does it. */
  action: string;
  /** It takes something away for good. */
  isGrave?: boolean;
  /** `given` has the fields within, by name; closing the dialog calls it off. */
  send: (given: FormData, signal: AbortSignal) => Promise<Answer>;
  onDone: (answer: Answer) => void;
  onClose: () => void;
  children: ReactNode;
}

/** Asks before something is changed, sends it, and stays with the API's sentence when it is refused. */
export function Ask<Answer>({ title, action, isGrave = false, send, onDone, onClose, children }: AskProps<Answer>) {
  const calling = useRef(new AbortController());
  const isClosed = useRef(false);
  const change = useChange((given: FormData) => send(given, (calling.current = new AbortController()).signal), {
    onDone: (answer) => {
      if (isClosed.current) return;
      onClose();
      onDone(answer);
    },
  });
  useEffect(() => {
    isClosed.current = false;
    return () => {
      isClosed.current = true;
      calling.current.abort();
    };
  }, []);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    change.begin(new FormData(event.currentTarget));
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        {children}
        <Refusal of={change.error} />
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button className={isGrave ? "button grave" : "button main"} aria-disabled={change.isPending}>
            {change.isPending ? "Working …" : action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
