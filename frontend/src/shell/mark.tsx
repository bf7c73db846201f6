/** Five strokes: a tally. */
export function Mark() {
  return (
    <svg className="mark" width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="var(--accent)" />
      <path
        d="M9 8v16M14 8v16M19 8v16M24 8v16M6.5 21.5l20-11"
        stroke="var(--on-accent)"
        strokeWidth="2.6"
        strokeLinecap="round"
      />
    </svg>
  );
}
