import "./sign-in.css";

import { type FormEvent, useEffect, useId, useRef, useState } from "react";

import { ApiProblem } from "../api/problem";
import { Mark } from "../shell/mark";
import { type Session, signIn } from "./session";

interface SignInProps {
  /** Why one sees this page again. */
  farewell: string | null;
  baseUrl: string | undefined;
  onSession: (session: Session) => void;
  onEnd: () => void;
}

const NO_KEY = "This key opens nothing: it is mistyped, revoked, or its member is deactivated.";

export function SignIn({ farewell, baseUrl, onSession, onEnd }: SignInProps) {
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const [isBusy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  useEffect(() => {
    document.title = "Sign in · Tally";
    field.current?.focus();
  }, []);

  async function submit(event: FormEvent) {
    event.preventDefault();
    const key = field.current?.value.trim() ?? "";
    if (key === "") return setRefusal("Paste your API key first.");
    setBusy(true);
    setRefusal(null);
    try {
      onSession(await signIn(key, onEnd, baseUrl));
    } catch (why) {
      setRefusal(sentence(why));
      setBusy(false);
    }
  }

  return (
    <main className="sign-in">
      <form className="sign-in-form" onSubmit={(event) => void submit(event)}>
        <p className="sign-in-brand">
          <Mark /> Tally
        </p>
        <h1>Sign in</h1>
        {farewell !== null && <p role="status">{farewell}</p>}
        <label htmlFor={id}>API key</label>
        <input
          id={id}
          ref={field}
          className="field"
          type="password"
          placeholder="tly_…"
          autoComplete="off"
          spellCheck={false}
          aria-invalid={refusal !== null}
          aria-describedby={`${id}-help`}
        />
        {refusal !== null && (
          <p className="sign-in-refusal" role="alert">
            {refusal}
          </p>
        )}
        <button className="button main" type="submit" disabled={isBusy}>
          {isBusy ? "Signing in …" : "Sign in"}
        </button>
        <p id={`${id}-help`} className="soft sign-in-help">
          The key stays in this page's memory alone: after a reload you sign in again. <code>tally up</code> prints keys of
          the demo account; an admin of your account makes you one of your own.
        </p>
      </form>
    </main>
  );
}

function sentence(why: unknown): string {
  if (why instanceof ApiProblem && why.status === 401) return NO_KEY;
  return why instanceof Error ? why.message : String(why);
}
