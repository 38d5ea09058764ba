import { Badge } from "../kit";

/** Score is where an account or a contact stands: its points and what the stage that they reach is called. */
export function Score({ of }: { of: { score: number; stage: string | null } }) {
  return (
    <span class="score">
      <strong>{of.score}</strong>
      {of.stage && <Badge>{of.stage}</Badge>}
    </span>
  );
}

/** points writes what a signal was worth. */
export const points = (n: number): string => (n > 0 ? "+" : n < 0 ? "−" : "") + Math.abs(n).toLocaleString("en", { maximumFractionDigits: 2 });
