// Questions to the API as state: loading, an error, or a value; pages of lists by cursor.

import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { api, ApiError, type Page } from "./api";

export type Loaded<T> = {
  value: T | undefined;
  error: ApiError | null;
  loading: boolean;
  reload: () => void;
  /** set shows a newer value that came another way. */
  set(v: T): void;
};

/** asApiError makes whatever was thrown something to show. */
export function asApiError(e: unknown): ApiError {
  return e instanceof ApiError ? e : new ApiError(0, "internal", e instanceof Error ? e.message : String(e));
}

/** useLoad asks when the page is shown and again when key changes; what came before stays until the new answer is there, unless the key changed. */
export function useLoad<T>(key: string, ask: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const state = useSignal<{ key: string; value?: T; error: ApiError | null; loading: boolean }>({ key, error: null, loading: true });
  const round = useSignal(0);
  useEffect(() => {
    const stop = new AbortController();
    const old = state.peek();
    state.value = { key, value: old.key === key ? old.value : undefined, error: null, loading: true };
    ask(stop.signal).then(
      (value) => void (stop.signal.aborted || (state.value = { key, value, error: null, loading: false })),
      (e: unknown) => void (stop.signal.aborted || (state.value = { ...state.peek(), error: asApiError(e), loading: false })),
    );
    return () => stop.abort();
  }, [key, round.value]);
  const now = state.value;
  const current = now.key === key;
  return {
    value: current ? now.value : undefined,
    error: current ? now.error : null,
    loading: !current || now.loading,
    reload: () => void round.value++,
    set: (value) => void (state.value = { key, value, error: null, loading: false }),
  };
}

/** useCalm does something at once, and then not again for a pause, at whose end it makes up for what was asked meanwhile. */
export function useCalm(act: () => void, pause: number): () => void {
  const state = useRef<{ act: () => void; again: boolean; timer?: ReturnType<typeof setTimeout> }>({ act, again: false });
  const s = state.current;
  s.act = act;
  useEffect(() => () => clearTimeout(s.timer), []);
  const run = () => {
    s.again = s.timer !== undefined;
    if (s.again) return;
    s.act();
    s.timer = setTimeout(() => {
      s.timer = undefined;
      if (s.again) run();
    }, pause);
  };
  return run;
}

/** useKept shows the answer to the question before until the new one is there. */
export function useKept<T>(loaded: Loaded<T>): Loaded<T> {
  const kept = useRef<T | undefined>(undefined);
  if (loaded.value !== undefined || loaded.error) kept.current = loaded.value;
  return { ...loaded, value: loaded.value ?? kept.current };
}

export type Paged<T> = {
  rows: T[] | undefined;
  error: ApiError | null;
  loading: boolean;
  /** page counts from 0. */
  page: number;
  total: number | null;
  next?: () => void;
  previous?: () => void;
  reload: () => void;
  /** update changes the rows that are shown. */
  update(change: (rows: T[]) => T[]): void;
};

/** pageSize is how many rows a page has. */
export const pageSize = 50;

/**
 * found reads a page of a list, and on from an answer without a row that says where: a filter that lets little through is looked for a moment at a
 * time, and "nothing fits" is only said at the end.
 */
async function found<T>(base: string, cursor: string, read: (path: string, signal: AbortSignal) => Promise<Page<T>>, signal: AbortSignal): Promise<Page<T>> {
  for (let at = cursor; ; ) {
    const page = await read(base + (at === "" ? "" : "&cursor=" + encodeURIComponent(at)), signal);
    if (page.rows.length > 0 || page.next === "" || page.next === at) return page;
    at = page.next;
  }
}

/** usePages walks a list by cursor. path holds the filters and no cursor; a change of it goes to the first page. */
export function usePages<T>(path: string, read: (path: string, signal: AbortSignal) => Promise<Page<T>> = api.list): Paged<T> {
  const cursors = useSignal<{ path: string; stack: string[] }>({ path, stack: [""] });
  const stack = cursors.value.path === path ? cursors.value.stack : [""];
  const cursor = stack[stack.length - 1]!;
  const joint = path.includes("?") ? "&" : "?";
  const base = path + joint + "limit=" + pageSize;
  const loaded = useLoad<Page<T>>(base + "&cursor=" + cursor, (signal) => found(base, cursor, read, signal));
  const kept = useRef<T[] | undefined>(undefined);
  if (loaded.value) kept.current = loaded.value.rows;
  else if (stack.length === 1 && cursors.value.path !== path) kept.current = undefined;
  const next = loaded.value?.next ?? "";
  return {
    rows: loaded.value?.rows ?? (loaded.error ? undefined : kept.current),
    error: loaded.error,
    loading: loaded.loading,
    page: stack.length - 1,
    total: loaded.value?.total ?? null,
    next: next === "" ? undefined : () => void (cursors.value = { path, stack: [...stack, next] }),
    previous: stack.length === 1 ? undefined : () => void (cursors.value = { path, stack: stack.slice(0, -1) }),
    reload: loaded.reload,
    update: (change) => void (loaded.value && loaded.set({ ...loaded.value, rows: change(loaded.value.rows) })),
  };
}

/** useAct runs one act at a time and keeps its error for the form that shows it. */
export function useAct<A extends unknown[]>(act: (...args: A) => Promise<void>): { run: (...args: A) => Promise<void>; busy: boolean; error: ApiError | null; clear: () => void } {
  const busy = useSignal(false);
  const error = useSignal<ApiError | null>(null);
  const run = async (...args: A): Promise<void> => {
    if (busy.peek()) return;
    busy.value = true;
    error.value = null;
    try {
      await act(...args);
    } catch (e) {
      error.value = asApiError(e);
    } finally {
      busy.value = false;
    }
  };
  return { run, busy: busy.value, error: error.value, clear: () => void (error.value = null) };
}

/** useDebounced gives what was typed once the typing has paused. */
export function useDebounced(source: Signal<string>, ms: number, then: (v: string) => void): void {
  const first = useRef(true);
  useSignalEffect(() => {
    const v = source.value;
    if (first.current) {
      first.current = false;
      return;
    }
    const timer = setTimeout(() => then(v), ms);
    return () => clearTimeout(timer);
  });
}
