import type { Card } from "../api/types";

const DAY = 86_400_000;

export function CardView({ card }: { card: Card }) {
  return (
    <article className={isOverdue(card, Date.now()) ? "card overdue" : "card"}>
      <h3>{card.title}</h3>
      {card.labels.map((label) => (
        <LabelBadge key={label} label={label} />
      ))}
    </article>
  );
}

export function isOverdue(card: Card, now: number): boolean {
  return card.due !== undefined && new Date(card.due).getTime() < now - DAY;
}

function LabelBadge({ label }: { label: string }) {
  return <span style={{ background: labelColour(label) }}>{label}</span>;
}

/** The same label has the same colour everywhere: a hash of its text. */
export function labelColour(label: string): string {
  let hash = 0;
  for (const letter of label) hash = (hash * 31 + letter.charCodeAt(0)) % 360;
  return `hsl(${hash} 60% 80%)`;
}
