// What a curve is drawn of, and how.

import type { Signal } from "@preact/signals";
import type uPlot from "uplot";
import { colours, fontOf, type Plotter, widthOf } from "./canvas";
import { timezone } from "./session";
import { count, day } from "./time";

export type CurvePoint = {
  at: string;
  /** How high it is drawn. */
  y: number;
  /** What is said of it, and what that is called. */
  value: number;
  note: string;
};
export type CurveLevel = { name: string; from: number };
/** CurveMark is what happened at a moment, what it was worth, and that in words. */
export type CurveMark = { at: string; name: string; weight: number; words: string };

export type CurveData = {
  points: CurvePoint[];
  /** Ascending. */
  levels: CurveLevel[];
  /** The earliest first. */
  marks: CurveMark[];
  /** The place of now among the points; what follows is dashed. */
  now: number;
};

/** Hover is the moment that is pointed at, and where it is: null before anything is drawn. */
export type Hover = { index: number; left: number | null; flip: boolean };

const hues = ["accent", "fill", "fill-ahead", "ahead", "now", "level", "mark", "bad", "ground", "text"] as const;
type Hue = Record<(typeof hues)[number], string>;

export const seconds = (at: string): number => Date.parse(at) / 1000;

/** short writes a day without its year. */
export const short = (at: Date | string): string => day(at).replace(/ \d{4}$/, "");

/** point moves the cursor of a plot to a moment. */
export const pointAt = (u: uPlot, at: string): void => u.setCursor({ left: u.valToPos(seconds(at), "x"), top: 0 });

/** curveOptions is how uPlot draws a curve. latest holds what is shown; hover follows what is pointed at, and what it held before the plot was drawn is
 * pointed at then. */
export function curveOptions(Plotter: Plotter, host: HTMLElement, latest: { current: CurveData }, height: number, hover: Signal<Hover | null>): uPlot.Options {
  const colour = colours(host);
  const hue = Object.fromEntries(hues.map((h) => [h, colour(h)])) as Hue; // once: the last drawing may come when the page is left
  const axis = { stroke: hue.text, font: fontOf(host), grid: { show: false }, ticks: { show: false } };
  const line = { width: 1.75, stroke: hue.accent, paths: Plotter.paths.linear!(), points: { show: false } };
  return {
    width: widthOf(host),
    height,
    padding: [10, 8, 0, 0],
    legend: { show: false },
    tzDate: (s) => Plotter.tzDate(new Date(s * 1000), timezone()),
    cursor: { y: false, drag: { x: false, y: false, click: () => {} }, points: { size: 9, width: 2, stroke: hue.ground, fill: hue.accent } },
    scales: { y: { range: () => [0, topOf(latest.current)] } },
    axes: [
      { ...axis, size: 26, space: 84, values: (_, at) => at.map((s) => short(new Date(s * 1000))) },
      { ...axis, size: 36, splits: () => splitsOf(latest.current), values: (_, v) => v.map(count) },
    ],
    series: [{}, { ...line, fill: (u) => fade(u, hue.fill) }, { ...line, dash: [4, 4], fill: (u) => fade(u, hue["fill-ahead"]) }],
    hooks: {
      drawClear: [(u) => ground(u, latest.current, hue)],
      draw: [(u) => stems(u, latest.current, hue), (u) => names(u, latest.current, hue, fontOf(host))],
      ready: [
        (u) => {
          const held = latest.current.points[hover.peek()?.index ?? -1];
          if (held) pointAt(u, held.at);
        },
      ],
      setCursor: [(u) => void (u.status === 1 && (hover.value = hoverOf(u)))] /* before it is drawn, it points at nothing */,
    },
  };
}

function hoverOf(u: uPlot): Hover | null {
  const { idx, left = -1 } = u.cursor;
  if (idx == null || left < 0) return null;
  return { index: idx, left: u.over.offsetLeft + u.valToPos(u.data[0][idx]!, "x"), flip: left > u.over.clientWidth * 0.6 };
}

/** topOf is where the plot ends: above the next level, unless that is so far that the curve would lie flat. */
function topOf({ points, levels }: CurveData): number {
  const max = points.reduce((n, p) => Math.max(n, p.y), 0);
  const next = levels.find((l) => l.from > max);
  return Math.max(next && next.from <= max * 2.5 + 10 ? next.from * 1.14 : 0, max * 1.18, 4);
}

/** inView are the levels that the plot reaches, with room between them. */
function inView(data: CurveData): CurveLevel[] {
  const top = topOf(data);
  let before = 0;
  return data.levels.filter((l) => {
    const fits = l.from < top && l.from - before > top * 0.09;
    if (fits) before = l.from;
    return fits;
  });
}

/** splitsOf are the numbers on the side: those of the levels; where there are none, round ones. */
function splitsOf(data: CurveData): number[] {
  const levels = inView(data).map((l) => l.from);
  if (levels.length > 0) return [0, ...levels];
  const top = topOf(data);
  const ten = 10 ** Math.floor(Math.log10(top / 2));
  const step = Math.max(1, ten * ([5, 2, 1].find((n) => ten * n <= top / 2) ?? 1));
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, i) => i * step);
}

/** fade fills what is under the curve, less and less downwards. */
function fade(u: uPlot, colour: string): CanvasGradient {
  const { top, height } = u.bbox;
  const fill = u.ctx.createLinearGradient(0, top, 0, top + height);
  fill.addColorStop(0, colour);
  fill.addColorStop(1, colour.replace(/[\d.]+\)$/, "0)"));
  return fill;
}

/** crisp is where a line of one pixel is not blurred. */
const crisp = (n: number): number => Math.round(n) + 0.5;

/** ground draws what lies behind the curve: what is to come a shade apart, and the levels. */
function ground(u: uPlot, data: CurveData, hue: Hue): void {
  const { ctx, bbox } = u;
  const { left, top, width, height } = bbox;
  const right = left + width;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  const now = data.points[data.now];
  if (now && data.now < data.points.length - 1) {
    const x = crisp(u.valToPos(seconds(now.at), "x", true));
    ctx.fillStyle = hue.ahead;
    ctx.fillRect(x, top, right - x, height);
    ctx.strokeStyle = hue.now;
    stroke(ctx, x, top, x, top + height);
  }
  for (const from of [0, ...inView(data).map((l) => l.from)]) {
    const y = crisp(u.valToPos(from, "y", true));
    ctx.strokeStyle = hue[from === 0 ? "now" : "level"];
    stroke(ctx, left, y, right, y);
  }
  ctx.restore();
}

function stroke(ctx: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

/** stems draws the marks: where something happened, the higher the more it was worth. */
function stems(u: uPlot, { marks }: CurveData, hue: Hue): void {
  const { ctx, bbox } = u;
  const heaviest = marks.reduce((n, m) => Math.max(n, Math.abs(m.weight)), 1);
  const base = bbox.top + bbox.height;
  ctx.save();
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.lineCap = "round";
  ctx.setLineDash([]); // the curve leaves its own
  for (const m of marks) {
    const x = u.valToPos(seconds(m.at), "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = hue[m.weight < 0 ? "bad" : "mark"];
    stroke(ctx, x, base - devicePixelRatio, x, base - (4 + 14 * Math.sqrt(Math.abs(m.weight) / heaviest)) * devicePixelRatio);
  }
  ctx.restore();
}

/** names writes what the levels are called, and where now is, above whatever is drawn there. */
function names(u: uPlot, data: CurveData, hue: Hue, font: string): void {
  const { ctx, bbox } = u;
  const right = bbox.left + bbox.width;
  ctx.save();
  ctx.font = font.replace(/^\d+/, (n) => String(Number(n) * devicePixelRatio));
  ctx.lineWidth = 4 * devicePixelRatio;
  ctx.lineJoin = "round";
  ctx.strokeStyle = hue.ground;
  ctx.fillStyle = hue.text;
  ctx.textBaseline = "bottom";
  ctx.textAlign = "right";
  const write = (text: string, x: number, y: number) => {
    ctx.strokeText(text, x, y);
    ctx.fillText(text, x, y);
  };
  const now = data.points[data.now];
  if (now && data.now < data.points.length - 1) write("now", u.valToPos(seconds(now.at), "x", true) - 4 * devicePixelRatio, bbox.top + 12 * devicePixelRatio);
  for (const l of inView(data)) write(l.name, right - 4 * devicePixelRatio, u.valToPos(l.from, "y", true) - 2 * devicePixelRatio);
  ctx.restore();
}
