import type { Contribution, Score as Explained } from "../api-types";
import { api, atWall, Button, type Column, Dialog, ErrorState, Input, type Loaded, plural, query, Skeleton, Table, Time, timezone, useKept, useLoad, wall } from "../kit";
import type { RecordKind } from "../types";
import { words } from "./record";
import { points, Score } from "./score";

type Props = {
  kind: RecordKind;
  of: { id: string; score: number };
  /** The moment, "now" for now. */
  at: string;
  /** onAt picks another moment; "" closes. */
  onAt: (at: string) => void;
};

/** Why says what a record's score was made of at a moment. That of now follows the record. */
export function Why({ kind, of, at, onAt }: Props) {
  const now = at === "now";
  const path = `/v1/${words[kind].many}/${of.id}/score` + query({ at: now ? "" : at });
  const score = useKept(useLoad(path + (now ? " " + of.score : ""), (stop) => api.get<Explained>(path, stop)));
  return <WhyView score={score} at={at} onAt={onAt} />;
}

/** WhyView lists what a score is made of, the largest share first, and adds it up. */
export function WhyView({ score, at, onAt }: { score: Loaded<Explained>; at: string; onAt: (at: string) => void }) {
  const s = score.error ? undefined : score.value;
  const verb = at === "now" ? "is" : Date.parse(at) > Date.now() ? "will be" : "was";
  return (
    <Dialog title={s ? `Why the score ${verb} ${s.score}` : `Why the score ${verb} what it ${verb}`} drawer onClose={() => onAt("")} actions={<Button look="primary" onClick={() => onAt("")}>Close</Button>}>
      <AsOf at={at === "now" ? (s?.at ?? "") : at} now={at === "now"} onAt={onAt} />
      {score.error ? <ErrorState error={score.error} retry={score.reload} /> : s ? <Parts of={s} stale={score.loading} ahead={verb === "will be"} /> : <Skeleton lines={8} />}
    </Dialog>
  );
}

/** AsOf picks the moment. */
function AsOf({ at, now, onAt }: { at: string; now: boolean; onAt: (at: string) => void }) {
  const shown = Number.isNaN(Date.parse(at)) ? "" : wall(at);
  return (
    <div class="why-at">
      <Input label="As of" type="datetime-local" value={shown} onInput={(v) => v !== shown && atWall(v) !== "" && onAt(atWall(v))} hint={timezone().replace(/_/g, " ")} />
      <Button disabled={now} onClick={() => onAt("now")}>
        Now
      </Button>
    </div>
  );
}

const shown = 50;

/** left writes what is left of points, to a hundredth. */
const left = (n: number): string => (n <= -0.005 ? "−" : "") + Math.abs(n).toFixed(2);

function Parts({ of: s, stale, ahead }: { of: Explained; stale: boolean; ahead: boolean }) {
  const list = s.contributions.slice(0, shown);
  const others = s.contributions.slice(shown);
  const rest = { signals: s.rest.signals + others.length, points: s.rest.points + others.reduce((sum, c) => sum + c.decayed_points, 0) };
  if (list.length === 0 && Math.abs(rest.points) < 0.005) {
    return (
      <p class="soft">
        No signal counts for it {ahead ? "then" : "yet"}.
      </p>
    );
  }
  return (
    <div class="why" aria-busy={stale}>
      <p class="soft">What decay and the cap of its type have left of each signal's points adds up to the score.{ahead && " This is what it comes to if nothing more happens."}</p>
      {list.length > 0 && <Table label="What the score is made of" rows={list} id={(c) => c.signal_id} href={(c) => "/signals/" + c.signal_id} columns={columns(list)} />}
      <Sum of={s} rest={rest} />
    </div>
  );
}

/** columns says what came of each signal; the bars are drawn to one scale. */
function columns(list: Contribution[]): Column<Contribution>[] {
  const most = list.reduce((n, c) => Math.max(n, Math.abs(c.points), Math.abs(c.decayed_points)), 1);
  return [
    { head: "Signal", cell: (c) => c.type },
    { head: "When", cell: (c) => <Time at={c.occurred_at} />, kind: "tight" },
    { head: "Points", cell: (c) => <span class="why-came">{points(c.points)}</span>, kind: "right" },
    { head: "Left", cell: (c) => <Left of={c} most={most} />, kind: "right" },
  ];
}

function Left({ of: c, most }: { of: Contribution; most: number }) {
  const share = (n: number) => `${(100 * Math.abs(n)) / most}%`;
  return (
    <span class={"why-left" + (c.decayed_points < 0 ? " bad" : "")}>
      <span>{left(c.decayed_points)}</span>
      <span class="why-bar" aria-hidden="true">
        <i style={{ width: share(c.points) }} />
        <b style={{ width: share(c.decayed_points) }} />
      </span>
    </span>
  );
}

/** Sum adds up what is listed, what is not, and what is shown of it. */
function Sum({ of: s, rest }: { of: Explained; rest: { signals: number; points: number } }) {
  return (
    <dl class="why-sum">
      {(rest.signals > 0 || Math.abs(rest.points) >= 0.005) && (
        <div>
          <dt>{rest.signals > 0 ? plural(rest.signals, "more signal") : "Signals that are gone"}</dt>
          <dd>{left(rest.points)}</dd>
        </div>
      )}
      <div>
        <dt>Points together</dt>
        <dd>{left(s.points)}</dd>
      </div>
      <div class="why-score">
        <dt>Score, in whole points</dt>
        <dd>
          <Score of={s} />
        </dd>
      </div>
    </dl>
  );
}
