// Plots over time. Whoever cannot see one reads its summary, and its numbers as a table.

import { useEffect, useId, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { theme } from "./theme";
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
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const id = useId();
  const scheme = theme.value;
  const data = [at.map((t) => Date.parse(t) / 1000), ...series.map((s) => s.values)] as uPlot.AlignedData;
  const latest = useRef(data);
  latest.current = data;
  useEffect(() => {
    let gone = false;
    let watch: ResizeObserver | undefined;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    void import("uplot").then(({ default: Plotter }) => {
      if (gone || !box.current) return;
      const host = box.current;
      const draw = () => {
        plot.current?.destroy();
        plot.current = new Plotter(options(Plotter, host, series, kind, height, tick), latest.current, host);
      };
      draw();
      dark.addEventListener("change", draw);
      watch = new ResizeObserver(() => plot.current?.setSize({ width: Math.max(host.clientWidth, 100), height }));
      watch.observe(host);
      cleanup = () => dark.removeEventListener("change", draw);
    });
    let cleanup = () => {};
    return () => {
      gone = true;
      cleanup();
      watch?.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [scheme, kind, height, series.map((s) => s.name + s.tone).join()]);
  useEffect(() => plot.current?.setData(data), [data.flat().join()]);
  return (
    <figure class="plot" aria-labelledby={id}>
      <figcaption>
        <span class="plot-title">{title}</span>
        <span id={id} class="plot-summary">
          {summary}
        </span>
      </figcaption>
      <div class="plot-canvas" ref={box} style={{ height: height + "px" }} aria-hidden="true" />
      <details>
        <summary>Show as a table</summary>
        <div class="plot-table" tabIndex={0} role="region" aria-label={title + ", as a table"}>
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                {series.map((s) => (
                  <th key={s.name} scope="col" class="right">
                    {s.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {at.map((t, i) => (
                <tr key={t}>
                  <td title={exact(t)}>{tick(new Date(t))}</td>
                  {series.map((s) => (
                    <td key={s.name} class="right">
                      {s.values[i] == null ? "–" : count(s.values[i]!) + unit}
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

function options(Plotter: typeof uPlot, host: HTMLElement, series: Series[], kind: "bars" | "line", height: number, tick: (at: Date) => string): uPlot.Options {
  const style = getComputedStyle(host);
  const colour = (name: string) => resolve(host, style.getPropertyValue("--plot-" + name));
  const font = "11px " + style.fontFamily;
  const paths = kind === "bars" ? Plotter.paths.bars!({ size: [0.7, 24], radius: 0.15 }) : Plotter.paths.linear!();
  const axis = { stroke: colour("text"), font, grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
  return {
    width: Math.max(host.clientWidth, 100),
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

/** resolve turns a colour that depends on the scheme into one that a canvas understands. */
function resolve(host: HTMLElement, value: string): string {
  const probe = document.createElement("i");
  probe.style.color = value;
  host.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
