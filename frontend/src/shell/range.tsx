import { useState } from "react";

import { days, isDay, span, today } from "../format/days";
import { useView } from "../view/useView";
import { MOST_DAYS, PRESETS, withDays, withPreset } from "../view/view";
import { Menu } from "./menu";

export function Range() {
  const { preset, from, to, inZone, edit } = useView();
  return (
    <div className="range">
      <div className="range-presets" role="group" aria-label="Window">
        {PRESETS.map(([name, title]) => (
          <button key={name} className="range-preset" aria-pressed={preset === name} onClick={() => edit(withPreset(name))}>
            {title}
          </button>
        ))}
      </div>
      <Menu title="Own window" label={days(from, to, today(inZone))} isActive={preset === null}>
        {(close) => <Days key={from + to} close={close} />}
      </Menu>
    </div>
  );
}

function Days({ close }: { close: () => void }) {
  const view = useView();
  const [from, setFrom] = useState(view.from);
  const [to, setTo] = useState(view.to);
  const wrong = refusal(from, to);
  const submit = () => {
    if (wrong !== null) return;
    view.edit(withDays(from, to));
    close();
  };
  return (
    <form
      className="days"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label>
        First day
        <input className="field" type="date" value={from} max={today(view.inZone)} onChange={(e) => setFrom(e.target.value)} />
      </label>
      <label>
        Last day
        <input className="field" type="date" value={to} max={today(view.inZone)} onChange={(e) => setTo(e.target.value)} />
      </label>
      {wrong !== null && (
        <p role="alert" className="days-wrong">
          {wrong}
        </p>
      )}
      <button className="button main" disabled={wrong !== null}>
        Show
      </button>
    </form>
  );
}

function refusal(from: string, to: string): string | null {
  if (!isDay(from) || !isDay(to)) return "Give both days.";
  if (from > to) return "The first day comes after the last.";
  return span(from, to) > MOST_DAYS ? `At most ${MOST_DAYS} days can be shown at once.` : null;
}
