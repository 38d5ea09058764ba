// Times: relative to read, exact on hover, in the workspace's timezone.

import { signal } from "@preact/signals";
import { timezone } from "./session";

/** tick makes relative times move on. */
const tick = signal(Date.now());
setInterval(() => {
  if (!document.hidden) tick.value = Date.now();
}, 5_000);

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options);
  let f = formats.get(key);
  if (!f) {
    try {
      f = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone });
    } catch {
      f = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" }); // a zone that this browser does not know
    }
    formats.set(key, f);
  }
  return f;
}

/** exact writes a moment to the millisecond: 25 Nov 2026, 14:03:07.512 CET. */
export function exact(at: string): string {
  const t = new Date(at);
  if (Number.isNaN(t.getTime())) return at;
  return format(timezone(), { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, timeZoneName: "short" }).format(t);
}

/** clock writes a moment's time of day, for the axes of plots. */
export function clock(at: Date | string): string {
  return format(timezone(), { hour: "2-digit", minute: "2-digit" }).format(new Date(at));
}

/** day writes a moment's date. */
export function day(at: Date | string): string {
  return format(timezone(), { day: "numeric", month: "short", year: "numeric" }).format(new Date(at));
}

/** wall writes a moment as a field for a date and a time does, in the workspace's timezone. */
export function wall(at: Date | string): string {
  const parts = format(timezone(), { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).formatToParts(new Date(at));
  const of = (type: string) => parts.find((p) => p.type === type)?.value ?? "";
  return `${of("year").padStart(4, "0")}-${of("month")}-${of("day")}T${of("hour")}:${of("minute")}`;
}

/** atWall is the moment that such a field says, "" when it says none. A time that a clock's change leaves out is the one an hour later. */
export function atWall(text: string): string {
  const said = Date.parse(text + "Z");
  if (Number.isNaN(said)) return "";
  let at = said;
  for (let i = 0; i < 2; i++) at += said - Date.parse(wall(new Date(at)) + "Z");
  return new Date(at).toISOString();
}

const steps: [number, string, number][] = [
  [60, "s", 1],
  [3600, "min", 60],
  [86400, "h", 3600],
  [86400 * 30, "d", 86400],
];

/** relative writes how long ago a moment is, or how long until. */
export function relative(at: string, now: number): string {
  const t = Date.parse(at);
  if (Number.isNaN(t)) return at;
  const gone = Math.round((now - t) / 1000);
  const span = Math.abs(gone);
  if (span < 5) return "now";
  for (const [below, unit, size] of steps) {
    if (span < below) {
      const n = Math.floor(span / size) + " " + unit;
      return gone > 0 ? n + " ago" : "in " + n;
    }
  }
  return day(at);
}

/** Time shows a moment; without one it shows what stands for none. */
export function Time({ at, none = "never" }: { at: string | null | undefined; none?: string }) {
  if (!at) return <span class="none">{none}</span>;
  return (
    <time dateTime={at} title={exact(at)}>
      {relative(at, Math.max(tick.value, Date.now()))}
    </time>
  );
}

/** ms writes a duration. */
export function ms(v: number): string {
  if (v < 1) return "<1 ms";
  if (v < 1000) return Math.round(v) + " ms";
  if (v < 60_000) return (v / 1000).toFixed(v < 10_000 ? 1 : 0) + " s";
  return Math.round(v / 60_000) + " min";
}

const grouped = new Intl.NumberFormat("en-US");

/** count writes a number with its thousands apart. */
export const count = (n: number): string => grouped.format(n);

/** percent writes a rate between 0 and 1, never rounding a failure away. */
export function percent(rate: number | null): string {
  if (rate === null) return "–";
  if (rate === 1) return "100%";
  return Math.min(99.99, rate * 100).toFixed(rate > 0.999 ? 2 : 1) + "%";
}

/** plural writes 1 contact, 2 contacts. */
export const plural = (n: number, one: string, many = one + "s"): string => `${count(n)} ${n === 1 ? one : many}`;
