import { createContext, type ReactNode, useContext, useEffect, useState } from "react";

type Show = (close: () => void) => ReactNode;

const Holding = createContext<(show: Show) => void>(() => undefined);

/** Above all pages: what is shown here stays, also when the page below is left, until it closes itself. */
export function Held({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<{ show: Show } | null>(null);
  return (
    <Holding value={(show) => setShown({ show })}>
      {children}
      {shown?.show(() => setShown(null))}
    </Holding>
  );
}

/** Shows something that must not be lost by leaving a page. */
export function useHold(): (show: Show) => void {
  return useContext(Holding);
}

/** The browser asks before it closes or reloads the page. */
export function useLeaveAsked(isNeeded: boolean): void {
  useEffect(() => {
    if (!isNeeded) return;
    const ask = (event: Event) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [isNeeded]);
}
