// Filters whose state is the address.

import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Input, type Option, Select } from "./field";
import { useDebounced } from "./load";
import { param, setParams } from "./router";
import { timezone } from "./session";

/** FilterInput is a field bound to a parameter of the query; it follows once the typing pauses. */
export function FilterInput({ name, label, placeholder, search, list }: { name: string; label: string; placeholder?: string; search?: boolean; list?: string[] }) {
  const now = param(name);
  const text = useSignal(now);
  useEffect(() => {
    if (text.peek().trim() !== now) text.value = now; // the address changed by itself
  }, [now]);
  useDebounced(text, 200, (v) => setParams({ [name]: v.trim() }));
  return <Input label={label} hideLabel type="search" search={search} list={list} placeholder={placeholder ?? label} value={text.value} onInput={(v) => void (text.value = v)} />;
}

/** FilterSelect is a choice bound to a parameter of the query. */
export function FilterSelect({ name, label, options }: { name: string; label: string; options: Option[] }) {
  return <Select label={label} hideLabel value={param(name)} onInput={(v) => setParams({ [name]: v })} options={options} />;
}

/** Range is a span of time, as the API takes it; "" for an open end. */
export type Range = { from: string; to: string };

const spans: Record<string, number> = { "15m": 15 * 60, "1h": 3600, "24h": 86_400, "7d": 7 * 86_400, "30d": 30 * 86_400 };

/** useRange reads the span of the query: `time` for a last while, or `since` and `until` for days of the workspace's timezone. */
export function useRange(): Range {
  const time = param("time");
  const since = param("since");
  const until = param("until");
  return useMemo(() => {
    const span = spans[time];
    if (span) return { from: new Date(Math.floor(Date.now() / 1000 - span) * 1000).toISOString(), to: "" };
    if (time !== "days") return { from: "", to: "" };
    return { from: since === "" ? "" : startOfDay(since, timezone(), 0), to: until === "" ? "" : startOfDay(until, timezone(), 1) };
  }, [time, since, until]);
}

/** startOfDay is the moment at which a date begins in a timezone, plus days. */
export function startOfDay(date: string, zone: string, plus: number): string {
  const at = Date.parse(date + "T00:00:00Z") + plus * 86_400_000;
  if (Number.isNaN(at)) return "";
  // The offset at the guess is right but for days that change it; the second look settles those.
  let t = at - offset(at, zone);
  t = at - offset(t, zone);
  return new Date(plus > 0 ? t - 1 : t).toISOString();
}

/** offset is how far a zone's clock is ahead of UTC at a moment, in milliseconds. */
function offset(at: number, zone: string): number {
  const parts = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" }).formatToParts(at);
  const n = (type: string) => Number(parts.find((p) => p.type === type)?.value);
  return Date.UTC(n("year"), n("month") - 1, n("day"), n("hour"), n("minute"), n("second")) - Math.floor(at / 1000) * 1000;
}

/** FilterTime chooses the span of useRange. */
export function FilterTime() {
  const days = param("time") === "days";
  return (
    <>
      <Select
        label="Time"
        hideLabel
        value={param("time")}
        onInput={(v) => setParams({ time: v, ...(v === "days" ? {} : { since: "", until: "" }) })}
        options={[
          { value: "", label: "Any time" },
          { value: "15m", label: "Last 15 minutes" },
          { value: "1h", label: "Last hour" },
          { value: "24h", label: "Last 24 hours" },
          { value: "7d", label: "Last 7 days" },
          { value: "30d", label: "Last 30 days" },
          { value: "days", label: "Days…" },
        ]}
      />
      {days && <Input label="From" hideLabel type="date" value={param("since")} onInput={(v) => setParams({ since: v })} />}
      {days && <Input label="To" hideLabel type="date" value={param("until")} onInput={(v) => setParams({ until: v })} />}
    </>
  );
}
