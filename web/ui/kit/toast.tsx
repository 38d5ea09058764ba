// Toasts say that something has worked, and offer to take it back. Errors stand where they happened instead.

import { signal } from "@preact/signals";
import { Button } from "./button";
import { asApiError } from "./load";

type Toast = { id: number; text: string; bad?: boolean; undo?: () => Promise<void> };

const toasts = signal<Toast[]>([]);
let last = 0;

const drop = (id: number) => void (toasts.value = toasts.peek().filter((t) => t.id !== id));

/** toast says a line for some seconds; with undo it stays longer and offers it. */
export function toast(text: string, undo?: () => Promise<void>, bad = false): void {
  const id = ++last;
  toasts.value = [...toasts.peek().slice(-2), { id, text, undo, bad }];
  setTimeout(() => drop(id), undo || bad ? 12_000 : 5_000);
}

async function takeBack(t: Toast): Promise<void> {
  drop(t.id);
  try {
    await t.undo!();
    toast("Undone.");
  } catch (e) {
    toast(asApiError(e).message, undefined, true);
  }
}

/** Toasts is where they appear. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((t) => (
        <div key={t.id} class={"toast" + (t.bad ? " bad" : "")}>
          <span>{t.text}</span>
          {t.undo && (
            <Button look="quiet" small icon="undo" onClick={() => void takeBack(t)}>
              Undo
            </Button>
          )}
          <Button look="quiet" small icon="close" label="Dismiss" onClick={() => drop(t.id)} />
        </div>
      ))}
    </div>
  );
}
