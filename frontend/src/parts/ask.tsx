import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useEffect, useRef } from "react";

import { Dialog } from "./dialog";
import { Refusal } from "./said";

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
  const queries = useQueryClient();
  const calling = useRef(new AbortController());
  const change = useMutation({
    networkMode: "always",
    mutationFn: (given: FormData) => send(given, (calling.current = new AbortController()).signal),
    // Also after a failure: part of it may have come through.
    onSettled: () => void queries.invalidateQueries(),
  });
  useEffect(() => () => calling.current.abort(), []);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (change.isPending) return;
    change.mutate(new FormData(event.currentTarget), {
      onSuccess: (answer) => {
        onClose();
        onDone(answer);
      },
    });
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
