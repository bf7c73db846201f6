import { Component, type ReactNode } from "react";

import { Unreachable } from "../api/problem";
import { Message } from "../parts/states";
import { SOON } from "../reports/rhythm";
import { fetched, forget, type Load } from "./lazy";

interface FenceProps {
  /** The script of what is within. */
  load: Load;
  children: ReactNode;
}

/** Around each page: what breaks it leaves the rest standing; a script that did not come is asked for until it does. */
export class Fence extends Component<FenceProps, { why: unknown }> {
  override state = { why: null as unknown };
  private timer: ReturnType<typeof setInterval> | undefined;

  static getDerivedStateFromError(why: unknown) {
    return { why: why ?? new Error("Nothing was said.") };
  }

  override componentDidCatch(why: unknown) {
    // Not while it is drawn: React would begin with a new script each time, and never come to say that it failed.
    forget(this.props.load);
    if (!(why instanceof Unreachable)) return;
    this.rest();
    this.timer = setInterval(this.retry, SOON);
    window.addEventListener("online", this.retry);
  }

  override componentWillUnmount() {
    this.rest();
  }

  private rest() {
    clearInterval(this.timer);
    window.removeEventListener("online", this.retry);
  }

  private readonly retry = () => {
    const back = () => {
      this.rest();
      this.setState({ why: null });
    };
    fetched(this.props.load).then(back, () => undefined);
  };

  override render() {
    if (this.state.why === null) return this.props.children;
    const isAway = this.state.why instanceof Unreachable;
    const again = (
      <button className="button" onClick={isAway ? this.retry : () => location.reload()}>
        {isAway ? "Try again" : "Reload"}
      </button>
    );
    return (
      <Message role="alert" title="This page could not be opened" action={again}>
        {isAway
          ? "Its script did not come: the server is away, or the dashboard was updated. This page tries again by itself; if it stays so, reload and sign in again."
          : "Something in it failed. Reload, then sign in again."}
      </Message>
    );
  }
}
