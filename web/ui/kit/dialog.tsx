// Dialogs are the browser's own: it keeps the focus inside, closes on Escape and gives the focus back.

import { signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import type { ApiError } from "./api";
import { Button } from "./button";
import { FormError, Input } from "./field";
import { useAct } from "./load";

type Props = {
  title: string;
  children: ComponentChildren;
  onClose: () => void;
  /** The buttons, the main one last. */
  actions?: ComponentChildren;
  /** Pressing Enter in a field does this. */
  onSubmit?: () => void;
  wide?: boolean;
  /** It comes from the side and is as high as the window: for what belongs to something on the page. */
  drawer?: boolean;
};

/** Dialog is open while it is rendered. */
export function Dialog({ title, children, onClose, actions, onSubmit, wide, drawer }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const d = ref.current!;
    d.showModal();
    d.querySelector<HTMLElement>(drawer ? "[autofocus]" : "[autofocus], .dialog-body input:not([type=checkbox]), .dialog-body textarea, .dialog-body select")?.focus();
    return () => d.close();
  }, []);
  return (
    <dialog
      ref={ref}
      class={drawer ? "drawer" : wide ? "wide" : undefined}
      aria-labelledby={id}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
      onMouseDown={(e) => e.target === ref.current && onClose()}
    >
      <form
        method="dialog"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          onSubmit?.();
        }}
      >
        <header>
          <h2 id={id}>{title}</h2>
          <Button look="quiet" icon="close" label="Close" small onClick={onClose} />
        </header>
        <div class="dialog-body" tabIndex={drawer ? 0 : undefined}>
          {children}
        </div>
        {actions && <footer>{actions}</footer>}
      </form>
    </dialog>
  );
}

type ConfirmProps = {
  title: string;
  children: ComponentChildren;
  /** What the button says: the act, not "OK". */
  act: string;
  /** What must be typed, for acts that cannot be undone; "" asks for nothing. */
  name?: string;
  danger?: boolean;
  onConfirm: () => Promise<void>;
  onClose: () => void;
};

/** Confirm asks before an act, and for its subject's name where the act cannot be undone. It closes when the act has worked. */
export function Confirm({ title, children, act, name = "", danger, onConfirm, onClose }: ConfirmProps) {
  const typed = useSignal("");
  const { run, busy, error } = useAct(async () => {
    await onConfirm();
    onClose();
  });
  const ready = name === "" || typed.value.trim() === name;
  return (
    <Dialog
      title={title}
      onClose={onClose}
      onSubmit={() => ready && void run()}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look={danger ? "danger" : "primary"} disabled={!ready} busy={busy}>
            {act}
          </Button>
        </>
      }
    >
      {children}
      {name !== "" && <Input label={`Type ${name} to confirm`} value={typed.value} onInput={(v) => void (typed.value = v)} mono />}
      <FormError error={error as ApiError | null} />
    </Dialog>
  );
}

// The one question that the program itself asks.
const leaving = signal<((go: boolean) => void) | null>(null);

/** askToLeave asks whether unsaved changes may be lost. */
export function askToLeave(): Promise<boolean> {
  leaving.peek()?.(false);
  return new Promise((resolve) => {
    leaving.value = (go) => {
      leaving.value = null;
      resolve(go);
    };
  });
}

/** LeaveDialog is where that question appears. */
export function LeaveDialog() {
  const answer = leaving.value;
  if (!answer) return null;
  return (
    <Dialog
      title="Leave without saving?"
      onClose={() => answer(false)}
      onSubmit={() => answer(false)}
      actions={
        <>
          <Button look="danger" onClick={() => answer(true)}>
            Leave
          </Button>
          <Button type="submit" look="primary">
            Stay
          </Button>
        </>
      }
    >
      <p>What you changed on this page is not saved.</p>
    </Dialog>
  );
}
