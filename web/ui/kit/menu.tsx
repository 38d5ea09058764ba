import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Icon, type IconName } from "./icons";

export type MenuItem = { label: string; icon?: IconName; danger?: boolean; disabled?: boolean; checked?: boolean; href?: string; native?: boolean; run?: () => void } | "line";

/** Menu offers what is done less often, behind three dots or what is given; look makes that a button. The arrow keys go through it, Escape closes it. */
export function Menu({ label, items, children, up, look }: { label: string; items: MenuItem[]; children?: ComponentChildren; up?: boolean; look?: "primary" }) {
  const open = useSignal(false);
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open.value) return;
    box.current?.querySelector<HTMLElement>("[role^=menuitem]")?.focus();
    const away = (e: Event) => {
      if (!box.current?.contains(e.target as Node)) open.value = false;
    };
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, [open.value]);
  const close = () => {
    open.value = false;
    box.current?.querySelector<HTMLElement>("[aria-haspopup]")?.focus();
  };
  const step = (e: KeyboardEvent) => {
    if (!open.peek()) return;
    const all = [...(box.current?.querySelectorAll<HTMLElement>("[role^=menuitem]:not([aria-disabled])") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[e.key];
    if (e.key === "Escape" || e.key === "Tab") {
      if (e.key === "Escape") e.preventDefault();
      close();
    } else if (to !== undefined) {
      e.preventDefault();
      all[(to + all.length) % all.length]?.focus();
    }
  };
  const toggle = () => void (open.value = !open.peek());
  return (
    <div class={"menu" + (up ? " up" : "")} ref={box} onKeyDown={step}>
      {children === undefined ? (
        <span class="menu-dots">
          <button type="button" class="button quiet bare" aria-haspopup="menu" aria-expanded={open.value} aria-controls={id} aria-label={label} title={label} onClick={toggle}>
            <Icon name="dots" />
          </button>
        </span>
      ) : (
        <button type="button" class={look ? "button " + look : "menu-button"} aria-haspopup="menu" aria-expanded={open.value} aria-controls={id} aria-label={label} onClick={toggle}>
          {children}
        </button>
      )}
      {open.value && (
        <div role="menu" id={id} aria-label={label}>
          {items.map((item, i) => (item === "line" ? <hr key={i} /> : <Item key={item.label} item={item} close={close} />))}
        </div>
      )}
    </div>
  );
}

function Item({ item, close }: { item: Exclude<MenuItem, "line">; close: () => void }) {
  const inside = (
    <>
      {item.icon ? <Icon name={item.icon} /> : <span class="icon" />}
      <span>{item.label}</span>
      {item.checked && <Icon name="check" />}
    </>
  );
  if (item.href) {
    return (
      <a role="menuitem" tabIndex={-1} href={item.href} data-native={item.native ? "" : undefined} onClick={close}>
        {inside}
      </a>
    );
  }
  return (
    <button
      type="button"
      role={item.checked === undefined ? "menuitem" : "menuitemradio"}
      aria-checked={item.checked}
      aria-disabled={item.disabled || undefined}
      tabIndex={-1}
      class={item.danger ? "danger" : undefined}
      onClick={() => {
        if (item.disabled) return;
        close();
        item.run?.();
      }}
    >
      {inside}
    </button>
  );
}

