// The time that a list is narrowed to, in the address: ?time=24h, or ?from= and ?to=.

import { useMemo } from "preact/hooks";
import { Input, Select } from "./field";
import { param, setParams } from "./router";
import { timezone } from "./session";

const spans: Record<string, { label: string; seconds: number }> = {
  "1h": { label: "Last hour", seconds: 3600 },
  "24h": { label: "Last 24 hours", seconds: 86_400 },
  "7d": { label: "Last 7 days", seconds: 7 * 86_400 },
  "30d": { label: "Last 30 days", seconds: 30 * 86_400 },
};

/** offset is how far a zone's clocks are ahead of UTC at a moment. */
function offset(at: number, zone: string): number {
  const parts: Record<string, number> = {};
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
  } catch {
    return 0; // a zone that this browser does not know: its times are shown in UTC too
  }
  for (const p of format.formatToParts(at)) parts[p.type] = Number(p.value);
  return Date.UTC(parts.year!, parts.month! - 1, parts.day, parts.hour, parts.minute, parts.second) - Math.floor(at / 1000) * 1000;
}

/** fromLocal reads what a field for date and time holds as a time of the workspace's timezone; "" for nothing that is one. */
export function fromLocal(text: string, zone = timezone()): string {
  const wall = Date.parse(text + "Z");
  if (text === "" || Number.isNaN(wall)) return "";
  const guess = wall - offset(wall, zone);
  return new Date(wall - offset(guess, zone)).toISOString();
}

/** toLocal writes a moment as a field for date and time wants it, in the workspace's timezone. */
export function toLocal(at: string, zone = timezone()): string {
  const t = Date.parse(at);
  return Number.isNaN(t) ? "" : new Date(t + offset(t, zone)).toISOString().slice(0, 16);
}

/** useRange is the range that the address asks for, as the API's from and to. */
export function useRange(): { from: string; to: string } {
  const time = param("time");
  const since = useMemo(() => (spans[time] ? new Date(Date.now() - spans[time].seconds * 1000).toISOString() : ""), [time]);
  return since === "" ? { from: param("from"), to: param("to") } : { from: since, to: "" };
}

/** RangeFilter chooses it. */
export function RangeFilter() {
  const from = param("from");
  const to = param("to");
  const chosen = from !== "" || to !== "" ? "between" : param("time");
  return (
    <>
      <Select
        label="Time"
        value={chosen}
        onInput={(v) => setParams({ time: v, from: "", to: "" })}
        options={[{ value: "", label: "Any time" }, ...Object.entries(spans).map(([value, s]) => ({ value, label: s.label })), { value: "between", label: "Between…" }]}
      />
      {chosen === "between" && (
        <>
          <Input label={`From (${timezone()})`} type="datetime-local" value={toLocal(from)} onInput={(v) => setParams({ from: fromLocal(v), time: "between" })} />
          <Input label={`To (${timezone()})`} type="datetime-local" value={toLocal(to)} onInput={(v) => setParams({ to: fromLocal(v), time: "between" })} />
        </>
      )}
    </>
  );
}
