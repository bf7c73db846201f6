import { Component, type ReactNode } from "react";

import { Message } from "../parts/states";

interface FenceProps {
  children: ReactNode;
}

/** Around each page: what breaks it, such as a script that a new release took away, leaves the rest standing. */
export class Fence extends Component<FenceProps, { isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError() {
    return { isBroken: true };
  }

  override render() {
    if (!this.state.isBroken) return this.props.children;
    const reload = (
      <button className="button" onClick={() => location.reload()}>
        Reload
      </button>
    );
    return (
      <Message role="alert" title="This page could not be opened" action={reload}>
        The dashboard may have been updated, or the server is away. Reload, then sign in again.
      </Message>
    );
  }
}
