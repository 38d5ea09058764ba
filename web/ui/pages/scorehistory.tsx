import type { ScoreHistory } from "../api-types";
import { api, Card, count, Curve, day, EmptyState, ErrorState, type Loaded, param, plural, query, Segments, setParams, Skeleton, Toggle, useKept, useLoad } from "../kit";
import type { RecordKind } from "../types";
import { words } from "./record";
import { points } from "./score";

/** Course is how a score stood until now, and what decay leaves of it if nothing more comes. */
export type Course = { past: ScoreHistory; ahead: ScoreHistory | null };

type Range = { value: string; label: string; words: string; days: number; points: number; ahead: boolean };

const ranges: Range[] = [
  { value: "7d", label: "7 d", words: "7 days", days: 7, points: 169, ahead: false },
  { value: "30d", label: "30 d", words: "30 days", days: 30, points: 241, ahead: true },
  { value: "90d", label: "90 d", words: "90 days", days: 90, points: 271, ahead: true },
  { value: "1y", label: "1 y", words: "1 year", days: 365, points: 366, ahead: true },
];
const usual = ranges[2]!;
const daysAhead = 30;

/** shownRange is what the address asks for: how far back, and whether what is to come is shown too. */
function shownRange(): { range: Range; ahead: boolean } {
  const range = ranges.find((r) => r.value === param("range")) ?? usual;
  return { range, ahead: param("ahead") === "" ? range.ahead : param("ahead") === "1" };
}

const fromNow = (from: string | number, days: number): string => new Date(new Date(from).getTime() + days * 86_400_000).toISOString();

/** useCourse asks how a record's score stood. */
export function useCourse(kind: RecordKind, id: string): Loaded<Course> {
  const { range, ahead } = shownRange();
  const at = `/v1/${words[kind].many}/${encodeURIComponent(id)}/score/history`;
  const ask = async (stop: AbortSignal): Promise<Course> => {
    const past = await api.get<ScoreHistory>(at + query({ from: fromNow(Date.now(), -range.days), points: String(range.points) }), stop);
    return { past, ahead: ahead ? await api.get<ScoreHistory>(at + query({ from: past.to, to: fromNow(past.to, daysAhead), points: "61" }), stop) : null };
  };
  return useKept(useLoad(`${at} ${range.value} ${ahead}`, ask));
}

/** CourseCard shows it. */
export function CourseCard({ course }: { course: Loaded<Course> }) {
  const { range, ahead } = shownRange();
  const turn = () => setParams({ ahead: ahead !== range.ahead ? "" : ahead ? "0" : "1" });
  const c = course.value;
  return (
    <Card
      title="Score over time"
      actions={
        <>
          <Segments label="How far back" value={range.value} onInput={(v) => setParams({ range: v === usual.value ? "" : v, ahead: "" })} options={ranges} />
          <Toggle on={ahead} label="Ahead" words={`Ahead: what decay leaves in the next ${daysAhead} days`} onClick={turn} />
        </>
      }
    >
      <div class={"course" + (course.loading ? " stale" : "")} aria-busy={course.loading}>
        {course.error ? <ErrorState error={course.error} retry={course.reload} /> : c ? <Shown course={c} range={range} /> : <Skeleton lines={8} />}
      </div>
    </Card>
  );
}

function Shown({ course: { past, ahead }, range }: { course: Course; range: Range }) {
  const now = past.points.length - 1;
  const list = [...past.points, ...(ahead?.points.slice(1) ?? [])];
  if (past.signals.length === 0 && past.points.every((p) => p.score === 0)) {
    return (
      <EmptyState icon="signals" title={`Nothing counted in ${range.words}`}>
        <p>The score appears here with the first signal, and how it decays after.</p>
      </EmptyState>
    );
  }
  return (
    <Curve
      title="Score over time"
      untitled
      summary={summary(past, ahead)}
      points={list.map((p) => ({ at: p.at, y: Math.max(0, p.points), value: p.score, note: p.stage ?? "" }))}
      levels={past.stages.filter((s) => s.min > 0).map((s) => ({ name: s.name, from: s.min }))}
      marks={past.signals.map((s) => ({ at: s.at, name: s.type, weight: s.points, words: points(s.points) }))}
      now={now}
      heads={["Score", "Stage", "Signals"]}
      hint={`Pick a moment to see what made the score. ${decay(past.half_life)}`}
      onPick={(at, isNow) => setParams({ why: isNow ? "now" : at })}
    />
  );
}

/** summary says how the score stands, how high it was, and what becomes of it. */
function summary(past: ScoreHistory, ahead: ScoreHistory | null): string {
  const now = past.points.at(-1)!;
  const top = past.points.reduce((a, b) => (b.points > a.points ? b : a));
  const said = [`${count(now.score)} now${now.stage ? ", " + now.stage : ""}`];
  if (top.score > now.score) said.push(`at most ${count(top.score)} on ${date(top.at)}`);
  const last = ahead?.points.at(-1);
  const turn = ahead?.points.find((p) => p.stage !== now.stage);
  if (turn) said.push(`${turn.stage} from ${date(turn.at)} if nothing more comes`);
  else if (last && last.score !== now.score) said.push(`${count(last.score)} in ${daysAhead} days if nothing more comes`);
  return said.join(" · ");
}

/** decay says in words what a half-life does. */
function decay(halfLife: string): string {
  const [, n, unit] = /^(\d+)([dhms])$/.exec(halfLife) ?? [];
  if (!n || !unit) return "Points stay, unless set by type.";
  return `Points halve every ${plural(Number(n), { d: "day", h: "hour", m: "minute", s: "second" }[unit]!)}, unless set by type.`;
}

const date = (at: string): string => day(at).replace(/ \d{4}$/, "");
