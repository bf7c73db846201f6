interface ChoiceProps<Value> {
  label: string;
  options: readonly (readonly [Value, string])[];
  value: Value;
  onChoose: (value: Value) => void;
}

/** One of a few, all in sight. */
export function Choice<Value extends string | number>({ label, options, value, onChoose }: ChoiceProps<Value>) {
  return (
    <span className="range-presets choice" role="group" aria-label={label}>
      {options.map(([each, title]) => (
        <button key={each} className="range-preset" aria-pressed={each === value} onClick={() => onChoose(each)}>
          {title}
        </button>
      ))}
    </span>
  );
}
