// Plots over time. Whoever cannot see one reads its summary, and its numbers as a table.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type uPlot from "uplot";
import { colours, fontOf, type Plotter, useCanvas, widthOf } from "./canvas";
import { clock, count, exact } from "./time";

export type Series = { name: string; tone: "accent" | "good" | "bad"; values: (number | null)[] };

type Props = {
  title: string;
  /** What the plot shows, in a sentence. */
  summary: string;
  at: string[];
  series: Series[];
  kind?: "bars" | "line";
  unit?: string;
  height?: number;
  /** How a moment is written on the axis. */
  tick?: (at: Date) => string;
};

export function Plot({ title, summary, at, series, kind = "bars", unit = "", height = 140, tick = clock }: Props) {
  const data = [at.map((t) => Date.parse(t) / 1000), ...series.map((s) => s.values)] as uPlot.AlignedData;
  const key = kind + series.map((s) => s.name + s.tone).join();
  const { box } = useCanvas(data, height, key, (Plotter, host) => options(Plotter, host, series, kind, height, tick));
  return (
    <PlotFrame
      title={title}
      summary={summary}
      heads={["Time", ...series.map((s) => s.name)]}
      rows={() => at.map((t, i) => ({ at: t, words: tick(new Date(t)), cells: series.map((s) => (s.values[i] == null ? "–" : count(s.values[i]!) + unit)) }))}
    >
      <div class="plot-canvas" ref={box} style={{ height: height + "px" }} aria-hidden="true" />
    </PlotFrame>
  );
}

/** PlotRow is a line of a plot's table: a moment in words, and what stands beside it. */
export type PlotRow = { at: string; words: string; cells: string[] };

type FrameProps = { title: string; summary: string; heads: string[]; rows: () => PlotRow[]; children: ComponentChildren; wordy?: boolean; untitled?: boolean };

/** PlotFrame is what every plot stands in: its title, what it shows in words, and its numbers as a table, once somebody opens it. wordy cells are no numbers; untitled: the title stands above it already. */
export function PlotFrame({ title, summary, heads, rows, children, wordy, untitled }: FrameProps) {
  const id = useId();
  const open = useSignal(false);
  const kind = wordy ? undefined : "right";
  return (
    <figure class="plot" aria-labelledby={id}>
      <figcaption>
        {!untitled && <span class="plot-title">{title}</span>}
        <span id={id} class="plot-summary">
          {summary}
        </span>
      </figcaption>
      {children}
      <details onToggle={(e) => void (open.value = e.currentTarget.open)}>
        <summary>Show as a table</summary>
        <div class="plot-table" tabIndex={0} role="region" aria-label={title + ", as a table"}>
          <table>
            <thead>
              <tr>
                {heads.map((h, i) => (
                  <th key={h} scope="col" class={i === 0 ? undefined : kind}>
                    {h}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {(open.value ? rows() : []).map((r) => (
                <tr key={r.at}>
                  <td title={exact(r.at)}>
                    <time dateTime={r.at}>{r.words}</time>
                  </td>
                  {r.cells.map((text, i) => (
                    <td key={i} class={kind}>
                      {text}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

function options(Plotter: Plotter, host: HTMLElement, series: Series[], kind: "bars" | "line", height: number, tick: (at: Date) => string): uPlot.Options {
  const colour = colours(host);
  const paths = kind === "bars" ? Plotter.paths.bars!({ size: [0.7, 24], radius: 0.15 }) : Plotter.paths.linear!();
  const axis = { stroke: colour("text"), font: fontOf(host), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
  return {
    width: widthOf(host),
    height,
    padding: [8, 4, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_, __, max) => [0, Math.max(max * 1.1, 4)] } },
    axes: [
      { ...axis, grid: { show: false }, size: 24, space: 70, values: (_, at) => at.map((s) => tick(new Date(s * 1000))) },
      { ...axis, size: 40, space: 28, values: (_, v) => v.map((n) => (Number.isInteger(n) ? count(n) : "")) },
    ],
    series: [{}, ...series.map((s) => ({ label: s.name, stroke: colour(s.tone), fill: kind === "bars" ? colour(s.tone) : undefined, width: kind === "bars" ? 0 : 1.5, points: { show: false }, paths }))],
  };
}
