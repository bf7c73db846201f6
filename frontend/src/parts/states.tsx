import "./states.css";

import type { ReactNode } from "react";

import { ApiProblem } from "../api/problem";
import { isPassing } from "../reports/rhythm";

interface MessageProps {
  title: string;
  children?: ReactNode;
  /** What to press. */
  action?: ReactNode;
  role?: "alert" | "status";
}

/** A sentence in place of numbers, in the room the numbers would take. */
export function Message({ title, children, action, role }: MessageProps) {
  return (
    <div className="message" role={role}>
      <p className="message-title">{title}</p>
      {children !== undefined && <p className="soft">{children}</p>}
      {action}
    </div>
  );
}

interface EmptyProps {
  /** Such as "No agent answered in this window." */
  title: string;
  children?: ReactNode;
}

export function Empty({ title, children = "Choose another window, or remove a filter." }: EmptyProps) {
  return <Message title={title}>{children}</Message>;
}

interface FailureProps {
  error: Error;
  retry: () => void;
}

/** Offline, forbidden, or refused: what it was and what to do. */
export function Failure({ error, retry }: FailureProps) {
  if (error instanceof ApiProblem && error.status === 403) return <Forbidden sentence={error.detail} />;
  const again = (
    <button className="button" onClick={retry}>
      Try again
    </button>
  );
  return (
    <Message role="alert" title={titleOf(error)} action={again}>
      {error.message}
      {isPassing(error) && " This page asks again by itself."}
      {error instanceof ApiProblem && error.requestId !== null && (
        <>
          {" "}
          Request <code>{error.requestId}</code>.
        </>
      )}
    </Message>
  );
}

function titleOf(error: Error): string {
  if (!(error instanceof ApiProblem)) return "No connection to Tally";
  return isPassing(error) ? "Tally cannot answer at the moment" : "This cannot be shown";
}

/** `sentence` names the role that is needed. */
export function Forbidden({ sentence }: { sentence: string }) {
  return (
    <Message title="Your role does not show this">
      {sentence} Ask an admin of your account to change your role; this page notices within a minute.
    </Message>
  );
}

/** Room for what is on its way, as high as it will be. */
export function Skeleton({ height }: { height: number | string }) {
  return <div className="skeleton" style={{ height }} aria-hidden="true" />;
}
