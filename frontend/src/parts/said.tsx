import { createContext, type ReactNode, useContext, useState } from "react";

const Saying = createContext<(sentence: string) => void>(() => undefined);

/** What was done, in a sentence, above what is shown; the next one takes its place. */
export function Said({ children }: { children: ReactNode }) {
  const [sentence, say] = useState("");
  return (
    <Saying value={say}>
      <div className="said" role="status">
        {sentence !== "" && (
          <p>
            {sentence}{" "}
            <button className="button bare" onClick={() => say("")} aria-label="Hide this message">
              Hide
            </button>
          </p>
        )}
      </div>
      {children}
    </Saying>
  );
}

/** Tells the reader that something is done. */
export function useSay(): (sentence: string) => void {
  return useContext(Saying);
}

/** Why something was not done: the API's own sentence. */
export function Refusal({ of: error }: { of: Error | null }) {
  if (error === null || error.name === "AbortError") return null;
  return (
    <p role="alert" className="refusal">
      {error.message.replace(/^(body|query|path)\./, "")}
    </p>
  );
}
