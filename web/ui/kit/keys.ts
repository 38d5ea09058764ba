// Keys that work everywhere: ? for help, / for the search, g and a letter for a page. They are silent while somebody types.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { navigate } from "./router";

export type Shortcut = { keys: string; what: string; run: () => void };

/** helpOpen shows the list of keys. */
export const helpOpen = signal(false);

/** shortcuts are those that hold now. */
export const shortcuts = signal<Shortcut[]>([]);

/** useShortcuts adds keys while a component is shown: one character, or "g x". */
export function useShortcuts(mine: Shortcut[]): void {
  useEffect(() => {
    shortcuts.value = [...shortcuts.peek(), ...mine];
    return () => void (shortcuts.value = shortcuts.peek().filter((s) => !mine.includes(s)));
  }, []);
}

/** goTo is the shortcut of a page. */
export const goTo = (key: string, title: string, path: string): Shortcut => ({ keys: "g " + key, what: title, run: () => void navigate(path) });

function typing(e: Event): boolean {
  const t = e.target as HTMLElement | null;
  return !!t && (t.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(t.tagName));
}

let pending = "";
let forget: ReturnType<typeof setTimeout> | undefined;

/** listen starts listening to the keyboard. */
export function listen(): void {
  document.addEventListener("keydown", (e) => {
    if (e.metaKey || e.ctrlKey || e.altKey || e.defaultPrevented || typing(e) || document.querySelector("dialog[open]")) return;
    if (e.key === "?") {
      helpOpen.value = true;
      e.preventDefault();
      return;
    }
    if (e.key === "/") {
      const field = document.querySelector<HTMLInputElement>("[data-search]");
      if (field) {
        field.focus();
        field.select();
        e.preventDefault();
      }
      return;
    }
    const chord = pending === "" ? e.key : pending + " " + e.key;
    clearTimeout(forget);
    pending = "";
    const hit = shortcuts.peek().find((s) => s.keys === chord);
    if (hit) {
      e.preventDefault();
      hit.run();
    } else if (shortcuts.peek().some((s) => s.keys.startsWith(chord + " "))) {
      pending = chord;
      forget = setTimeout(() => void (pending = ""), 1200);
    }
  });
}
