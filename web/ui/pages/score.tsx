import { useSignal } from "@preact/signals";
import type { Contribution, Score as Explained } from "../api-types";
import { api, Badge, Button, type Column, Dialog, ErrorState, type Loaded, Skeleton, Table, Time, useLoad } from "../kit";
import type { RecordKind } from "../types";
import { words } from "./record";

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

/** ScoreAndWhy shows a score, and what it is made of to whoever asks. */
export function ScoreAndWhy({ kind, of }: { kind: RecordKind; of: { id: string; score: number; stage: string | null } }) {
  const open = useSignal(false);
  return (
    <span class="row">
      <Score of={of} />
      <Button look="quiet" small onClick={() => void (open.value = true)}>
        Why?
      </Button>
      {open.value && <Why kind={kind} id={of.id} onClose={() => void (open.value = false)} />}
    </span>
  );
}

function Why({ kind, id, onClose }: { kind: RecordKind; id: string; onClose: () => void }) {
  const at = `/v1/${words[kind].many}/${id}/score`;
  return <WhyView score={useLoad(at, (stop) => api.get<Explained>(at, stop))} onClose={onClose} />;
}

const shown = 50;

/** WhyView lists what a score is made of, the largest share first. */
export function WhyView({ score, onClose }: { score: Loaded<Explained>; onClose: () => void }) {
  const s = score.value;
  return (
    <Dialog title={s ? `Why the score is ${s.score}` : "Why the score is what it is"} wide onClose={onClose} actions={<Button look="primary" onClick={onClose}>Close</Button>}>
      {score.error ? <ErrorState error={score.error} retry={score.reload} /> : s ? <Parts of={s} /> : <Skeleton lines={6} />}
    </Dialog>
  );
}

const columns: Column<Contribution>[] = [
  { head: "Signal", cell: (c) => c.type },
  { head: "When", cell: (c) => <Time at={c.occurred_at} /> },
  { head: "Points", cell: (c) => points(c.points), kind: "right" },
  { head: "Left", cell: (c) => c.decayed_points.toFixed(2), kind: "right" },
];

function Parts({ of: s }: { of: Explained }) {
  if (s.contributions.length === 0) return <p class="soft">No signal counts for it yet.</p>;
  const list = s.contributions.slice(0, shown);
  const others = s.contributions.slice(shown);
  const rest = s.rest.points + others.reduce((sum, c) => sum + c.decayed_points, 0);
  const count = s.rest.signals + others.length;
  return (
    <>
      <p class="soft">Each signal's points become less with its half-life, and all signals of one type count no more than its cap. What is left of them adds up to {s.points.toFixed(2)}.</p>
      <Table
        label="What the score is made of"
        rows={list}
        id={(c) => c.signal_id}
        href={(c) => "/signals/" + c.signal_id}
        columns={columns}
      />
      {(count > 0 || Math.abs(rest) >= 0.005) && (
        <p class="hint">
          {count > 0 ? `${count.toLocaleString("en")} more signals` : "Signals that are gone"}: {rest.toFixed(2)}
        </p>
      )}
    </>
  );
}
