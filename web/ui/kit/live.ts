// The one stream of server-sent events: opened while somebody listens, opened again when it breaks, with a growing pause.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

export type Topic = "signal" | "delivery" | "log" | "stats";
type Listener = (row: unknown) => void;

/** live says how the stream is: off while nobody listens, lost while it is being opened again. */
export const live = signal<"off" | "opening" | "on" | "lost">("off");

const listeners: Record<Topic, Set<Listener>> = { signal: new Set(), delivery: new Set(), log: new Set(), stats: new Set() };
const topicsOf: Partial<Record<Topic, string>> = { signal: "signals", delivery: "deliveries", log: "logs" };

let source: EventSource | null = null;
let opened = "";
let retry = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** wanted are the topics that somebody listens to, as the API writes them. */
function wanted(): string | null {
  const topics = (Object.keys(listeners) as Topic[]).filter((t) => listeners[t].size > 0);
  if (topics.length === 0) return null;
  return topics.map((t) => topicsOf[t]).filter(Boolean).sort().join(",");
}

function close(): void {
  clearTimeout(timer);
  source?.close();
  source = null;
}

/** follow makes the stream carry what is listened to now. */
function follow(): void {
  const topics = wanted();
  if (topics === null) {
    close();
    live.value = "off";
    return;
  }
  if (source && opened === topics) return;
  close();
  opened = topics;
  if (live.peek() !== "lost") live.value = "opening";
  const s = new EventSource("/v1/stream" + "?topics=" + encodeURIComponent(topics || "deliveries"));
  source = s;
  s.onopen = () => {
    retry = 0;
    live.value = "on";
  };
  s.onerror = () => {
    if (source !== s) return;
    close();
    live.value = "lost";
    const pause = Math.min(30_000, 500 * 2 ** retry++) * (0.75 + Math.random() / 2);
    timer = setTimeout(follow, pause);
  };
  for (const topic of Object.keys(listeners) as Topic[]) {
    s.addEventListener(topic, (e) => {
      let row: unknown;
      try {
        row = JSON.parse((e as MessageEvent<string>).data);
      } catch {
        return;
      }
      for (const f of listeners[topic]) f(row);
    });
  }
}

let scheduled = false;

/** later gathers what mounts and unmounts in one go into one change of the stream. */
function later(): void {
  if (scheduled) return;
  scheduled = true;
  setTimeout(() => {
    scheduled = false;
    follow();
  }, 0);
}

/** useLive listens to a topic while the component is shown and on is true. */
export function useLive<T>(topic: Topic, f: (row: T) => void, on = true): void {
  useEffect(() => {
    if (!on) return;
    const listener: Listener = (row) => f(row as T);
    listeners[topic].add(listener);
    later();
    return () => {
      listeners[topic].delete(listener);
      later();
    };
  });
}

addEventListener("online", () => {
  if (live.peek() === "lost") {
    clearTimeout(timer);
    retry = 0;
    follow();
  }
});

/** useGathered hands on what arrives in one go, a few times a second: a flood of rows must not become a flood of paintings. */
export function useGathered<T>(topic: Topic, most: number, f: (rows: T[]) => void, on = true): void {
  const waiting = useRef<T[]>([]);
  const then = useRef(f);
  then.current = f;
  useLive<T>(
    topic,
    (row) => {
      waiting.current.push(row);
      if (waiting.current.length > most) waiting.current.shift();
    },
    on,
  );
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => {
      if (waiting.current.length === 0 || document.hidden) return;
      const rows = waiting.current.reverse();
      waiting.current = [];
      then.current(rows);
    }, 250);
    return () => clearInterval(timer);
  }, [on]);
}
