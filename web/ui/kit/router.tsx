// Where we are: the address bar is the state. Every page and every filter is a link that can be sent to somebody.

import { computed, signal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";

type Place = { path: string; search: string };

const here = (): Place => ({ path: location.pathname, search: location.search });

/** place is where we are. */
export const place = signal<Place>(here());

/** params are the query's parameters. */
export const params = computed(() => new URLSearchParams(place.value.search));

/** param reads one parameter of the query, "" for none; a component that reads it follows it. */
export const param = (name: string): string => params.value.get(name) ?? "";

/** setParams changes parameters of the query in place; "" takes one out. */
export function setParams(change: Record<string, string>, push = false): void {
  const q = new URLSearchParams(location.search);
  for (const [name, v] of Object.entries(change)) {
    if (v === "") q.delete(name);
    else q.set(name, v);
  }
  const text = q.toString();
  const to = location.pathname + (text === "" ? "" : "?" + text);
  if (to === location.pathname + location.search) return;
  if (push) depth++;
  history[push ? "pushState" : "replaceState"]({ depth }, "", to);
  place.value = here();
}

// Guards keep what was not saved: while one is set, leaving asks first.
let guards = 0;
let ask: () => Promise<boolean> = async () => true;
let depth = 0; // of this entry in our part of the history
let bouncing = 0;

/** onLeave sets how to ask whether unsaved changes may be lost. */
export function onLeave(f: () => Promise<boolean>): void {
  ask = f;
}

/** useUnsaved guards the page while dirty is true: from the render on, for a click can come before the next paint. */
export function useUnsaved(dirty: boolean): void {
  useLayoutEffect(() => {
    if (!dirty) return;
    guards++;
    return () => void guards--;
  }, [dirty]);
}

/** navigate goes to a page of ours; force leaves unsaved changes behind without asking. */
export async function navigate(to: string, how: { replace?: boolean; force?: boolean } = {}): Promise<void> {
  if (guards > 0 && !how.force && !(await ask())) return;
  if (how.replace) history.replaceState({ depth }, "", to);
  else history.pushState({ depth: ++depth }, "", to);
  arrived();
  window.scrollTo(0, 0);
}

function arrived(): void {
  place.value = here();
}

/** start makes links and the browser's buttons ours. */
export function start(): void {
  depth = (history.state as { depth?: number } | null)?.depth ?? 0;
  history.replaceState({ depth }, "");
  addEventListener("popstate", (e) => void popped((e.state as { depth?: number } | null)?.depth ?? 0));
  addEventListener("beforeunload", (e) => {
    if (guards > 0) e.preventDefault();
  });
  document.addEventListener("click", (e) => {
    const a = (e.target as Element | null)?.closest?.("a");
    if (!a || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    if (a.target || a.origin !== location.origin || a.hasAttribute("download") || a.dataset.native !== undefined) return;
    e.preventDefault();
    if (a.href !== location.href) void navigate(a.pathname + a.search + a.hash);
  });
}

/** popped follows the browser's buttons: back to where we were first, if something may be lost. */
async function popped(to: number): Promise<void> {
  if (bouncing > 0) {
    bouncing--;
    return;
  }
  if (guards > 0 && to !== depth) {
    const by = to - depth;
    bouncing++;
    history.go(-by);
    if (!(await ask())) return;
    bouncing++;
    history.go(by);
    addEventListener("popstate", arrived, { once: true });
    depth = to;
    return;
  }
  depth = to;
  arrived();
}

/** match holds a path against a pattern such as /signals/:id; null: it is another page's. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const want = pattern.split("/");
  const got = path.replace(/(.)\/$/, "$1").split("/");
  if (want.length !== got.length) return null;
  const found: Record<string, string> = {};
  for (let i = 0; i < want.length; i++) {
    const w = want[i]!;
    if (w.startsWith(":")) {
      try {
        found[w.slice(1)] = decodeURIComponent(got[i]!);
      } catch {
        return null;
      }
      if (got[i] === "") return null;
    } else if (w !== got[i]) return null;
  }
  return found;
}
