import { useRef, useState } from "react";

import type { components } from "../../api/schema";
import { Dialog } from "../../parts/dialog";
import { useLeaveAsked } from "../../parts/held";

interface ShownOnceProps {
  made: components["schemas"]["KeyShownOnce"];
  onClose: () => void;
}

/** A new key, to copy now or never. */
export function ShownOnce({ made, onClose }: ShownOnceProps) {
  const field = useRef<HTMLInputElement>(null);
  const [said, say] = useState("");
  useLeaveAsked(true);
  const copy = async () => {
    field.current?.select();
    try {
      await navigator.clipboard.writeText(made.api_key);
      say("Copied.");
    } catch {
      // Where the page is not served securely, or somebody said no.
      say("It is marked: copy it with the keyboard.");
    }
  };
  return (
    <Dialog title={`The key ${made.name}`} onClose={null}>
      <div className="dialog-body">
        <p>It is shown this once and kept nowhere: put it where the program finds it, before you close this.</p>
        <label className="labelled">
          <span>API key</span>
          <input className="field" readOnly ref={field} value={made.api_key} onFocus={({ target }) => target.select()} />
        </label>
        <p role="status" className="soft">
          {said}
        </p>
        <div className="dialog-actions">
          <button className="button main" onClick={() => void copy()}>
            Copy
          </button>
          <button className="button" onClick={onClose}>
            I have copied it
          </button>
        </div>
      </div>
    </Dialog>
  );
}
