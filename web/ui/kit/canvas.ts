// What every plot is drawn on: uPlot, fetched when the first one is shown, drawn anew when the theme changes, as wide as its box.

import { type RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { theme } from "./theme";

export type Plotter = typeof uPlot;

/** Canvas is where a plot is: the box that it fills, and the plot once it is drawn. */
export type Canvas = { box: RefObject<HTMLDivElement | null>; plot: RefObject<uPlot | null> };

/** useCanvas draws data. What options reads besides its arguments must be fresh whenever it is asked; a change of key draws all anew. */
export function useCanvas(data: uPlot.AlignedData, height: number, key: string, options: (Plotter: Plotter, host: HTMLElement) => uPlot.Options): Canvas {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const latest = useRef({ data, options });
  latest.current = { data, options };
  useEffect(() => {
    let gone = false;
    let watch: ResizeObserver | undefined;
    let cleanup = () => {};
    const dark = matchMedia("(prefers-color-scheme: dark)");
    void import("uplot").then(({ default: Plotter }) => {
      if (gone || !box.current) return;
      const host = box.current;
      const draw = () => {
        plot.current?.destroy();
        plot.current = new Plotter(latest.current.options(Plotter, host), latest.current.data, host);
      };
      draw();
      dark.addEventListener("change", draw);
      watch = new ResizeObserver(() => plot.current?.setSize({ width: widthOf(host), height }));
      watch.observe(host);
      cleanup = () => dark.removeEventListener("change", draw);
    });
    return () => {
      gone = true;
      cleanup();
      watch?.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [theme.value, height, key]);
  useEffect(() => plot.current?.setData(data), [data.flat().join()]);
  return { box, plot };
}

/** widthOf is how wide a plot in a box is. */
export const widthOf = (host: HTMLElement): number => Math.max(host.clientWidth, 100);

/** colours gives the colours of plots by name, as a canvas understands them. */
export function colours(host: HTMLElement): (name: string) => string {
  const style = getComputedStyle(host);
  return (name) => resolve(host, style.getPropertyValue("--plot-" + name));
}

/** fontOf is what a plot's words are written in. */
export const fontOf = (host: HTMLElement, size = 11): string => `${size}px ${getComputedStyle(host).fontFamily}`;

/** resolve turns a colour that depends on the scheme into one that a canvas understands. */
function resolve(host: HTMLElement, value: string): string {
  const probe = document.createElement("i");
  probe.style.color = value;
  host.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
