// One number over time, with levels that have names, marks where something happened, and what is to come dashed. A pointer or the arrow keys go from
// moment to moment; whoever cannot see it reads its summary, hears each moment, or opens the table.

import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { type Canvas, useCanvas } from "./canvas";
import { type CurveData, type CurveMark, type CurvePoint, curveOptions, type Hover, pointAt, seconds, short } from "./curvedraw";
import { PlotFrame } from "./plot";
import { clock, count } from "./time";

export type { CurveLevel, CurveMark, CurvePoint } from "./curvedraw";

type Props = CurveData & {
  title: string;
  /** The title stands above it already. */
  untitled?: boolean;
  summary: string;
  /** What the value and its note are called in the table, and the marks. */
  heads: [string, string, string];
  /** What picking a moment does, in words. */
  hint: string;
  onPick: (at: string, now: boolean) => void;
};

const height = 200;

export function Curve(props: Props) {
  const { title, untitled, summary, points, now, heads, hint, onPick } = props;
  const latest = useRef(props);
  latest.current = props;
  const hover = useSignal<Hover | null>(null);
  const past = points.map((p, i) => (i <= now ? p.y : null));
  const ahead = points.map((p, i) => (i >= now ? p.y : null));
  const data = [points.map((p) => seconds(p.at)), past, ahead] as uPlot.AlignedData;
  const canvas = useCanvas(data, height, "", (Plotter, host) => curveOptions(Plotter, host, latest, height, hover));
  const pick = () => {
    const at = hover.peek()?.index;
    const point = at === undefined ? undefined : points[at];
    if (point) onPick(point.at, at === now);
  };
  const shown = hover.value && points[hover.value.index] ? hover.value : null;
  const beside = marksBefore(props);
  return (
    <PlotFrame title={title} untitled={untitled} summary={summary} heads={["Time", ...heads]} rows={() => points.map((p, i) => ({ at: p.at, words: long(p.at), cells: [count(p.value), p.note, (beside[i] ?? []).map(said).join(", ") || "–"] }))} wordy>
      <Slider props={props} canvas={canvas} hover={hover} index={shown?.index ?? null} pick={pick}>
        {shown && shown.left !== null && <Tip of={points[shown.index]!} left={shown.left} flip={shown.flip} marks={beside[shown.index] ?? []} ahead={shown.index > now} />}
      </Slider>
      <p class="hint plot-hint">{hint}</p>
    </PlotFrame>
  );
}

const long = (at: string): string => `${short(at)}, ${clock(at)}`;
const said = (m: CurveMark): string => `${m.name} ${m.words}`;

/** marksBefore gathers by point the marks since the point before. */
function marksBefore({ points, marks }: CurveData): CurveMark[][] {
  const of: CurveMark[][] = points.map(() => []);
  let i = 0;
  for (const m of marks) {
    const at = Date.parse(m.at);
    while (i < points.length && Date.parse(points[i]!.at) < at) i++;
    of[i]?.push(m);
  }
  return of;
}

/** Slider is the plot as what one moves along by keys. */
function Slider({ props, canvas, hover, index, pick, children }: { props: Props; canvas: Canvas; hover: Signal<Hover | null>; index: number | null; pick: () => void; children: ComponentChildren }) {
  const { points, now, title } = props;
  const id = useId();
  const at = index ?? now;
  const point = points[at]!;
  const go = (to: number) => {
    const index = Math.min(points.length - 1, Math.max(0, to));
    if (canvas.plot.current) pointAt(canvas.plot.current, points[index]!.at);
    else hover.value = { index, left: null, flip: false };
  };
  const keys = (e: KeyboardEvent) => {
    const page = Math.max(1, Math.round(points.length / 10));
    const to = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, PageUp: at + page, PageDown: at - page, Home: 0, End: points.length - 1 }[e.key];
    if (to !== undefined) go(to);
    else if (e.key === "Enter" || e.key === " ") pick();
    else return;
    e.preventDefault();
  };
  return (
    <div
      class="curve"
      role="slider"
      tabIndex={0}
      aria-label={title + ", moment by moment"}
      aria-describedby={id}
      aria-valuemin={0}
      aria-valuemax={points.length - 1}
      aria-valuenow={at}
      aria-valuetext={`${long(point.at)}: ${count(point.value)} ${point.note}`}
      onKeyDown={keys}
      onFocus={(e) => e.currentTarget.matches(":focus-visible") && go(at)}
      onBlur={() => {
        hover.value = null;
        canvas.plot.current?.setCursor({ left: -10, top: -10 });
      }}
      onClick={pick}
    >
      <div class="plot-canvas" ref={canvas.box} style={{ height: height + "px" }} aria-hidden="true" />
      <span id={id} class="unseen">
        Enter: {props.hint}
      </span>
      {children}
    </div>
  );
}

const most = 3; // marks in words

function Tip({ of: p, left, flip, marks, ahead }: { of: CurvePoint; left: number; flip: boolean; marks: CurveMark[]; ahead: boolean }) {
  const heaviest = [...marks].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  return (
    <div class={"curve-tip" + (flip ? " flip" : "")} style={{ left: left + "px" }} aria-hidden="true">
      <span class="curve-when">
        {long(p.at)}
        {ahead && " · ahead"}
      </span>
      <span class="curve-value">
        <strong>{count(p.value)}</strong> {p.note}
      </span>
      {heaviest.slice(0, most).map((m, i) => (
        <span key={i} class="curve-mark">
          <span>{m.name}</span> {m.words}
        </span>
      ))}
      {heaviest.length > most && <span class="curve-mark">and {heaviest.length - most} more</span>}
    </div>
  );
}
