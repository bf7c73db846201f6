interface BadgeProps {
  text: string;
  tone?: "good" | "bad" | "warn" | "plain";
  title?: string;
}

/** A word that says how something stands. */
export function Badge({ text, tone = "plain", title }: BadgeProps) {
  return (
    <span className={`badge ${tone}`} title={title}>
      {text}
    </span>
  );
}
