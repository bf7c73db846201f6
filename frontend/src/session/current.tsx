import { createContext, type ReactNode, useContext } from "react";

import { may, type Role, type Session } from "./session";

interface Current extends Session {
  signOut: () => void;
}

const Signed = createContext<Current | null>(null);

interface SessionProviderProps extends Current {
  children: ReactNode;
}

export function SessionProvider({ children, ...current }: SessionProviderProps) {
  return <Signed value={current}>{children}</Signed>;
}

/** Who is signed in, and their client. */
export function useSession(): Current {
  const current = useContext(Signed);
  if (current === null) throw new Error("Only what a signed-in person sees may ask who that is.");
  return current;
}

/** Whether who is signed in has this role or a higher one. */
export function useMay(needed: Role): boolean {
  return may(useSession().me.account_role, needed);
}
