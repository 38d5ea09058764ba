import { Badge, Button, setParams } from "../kit";

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

/** ScoreAndWhy shows a score, and leads to what it is made of. */
export function ScoreAndWhy({ of }: { of: { score: number; stage: string | null } }) {
  return (
    <span class="row">
      <Score of={of} />
      <Button look="quiet" small onClick={() => setParams({ why: "now" })}>
        Why?
      </Button>
    </span>
  );
}
