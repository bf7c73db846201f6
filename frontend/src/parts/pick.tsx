interface PickProps {
  name: string;
  onPick: () => void;
  className?: string;
}

/** A name that filters by itself when pressed. */
export function Pick({ name, onPick, className = "" }: PickProps) {
  return (
    <button className={`pick ${className}`} title={`Only ${name}`} onClick={onPick}>
      {name}
    </button>
  );
}
