import { useId, useRef } from "preact/hooks";
import type { ComponentChildren } from "preact";

export type Tab = { id: string; label: string; count?: number };

/** Tabs shows one of several panels. The arrow keys go from tab to tab. */
export function Tabs({ tabs, current, onChange, label, children }: { tabs: Tab[]; current: string; onChange: (id: string) => void; label: string; children: ComponentChildren }) {
  const id = useId();
  const row = useRef<HTMLDivElement>(null);
  const step = (e: KeyboardEvent) => {
    const at = tabs.findIndex((t) => t.id === current);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length]!;
    onChange(next.id);
    row.current?.querySelector<HTMLElement>(`[data-tab="${next.id}"]`)?.focus();
  };
  return (
    <div class="tabs">
      <div role="tablist" aria-label={label} ref={row} onKeyDown={step}>
        {tabs.map((t) => (
          <button key={t.id} type="button" role="tab" id={`${id}-${t.id}`} data-tab={t.id} aria-selected={t.id === current} aria-controls={id + "-panel"} tabIndex={t.id === current ? 0 : -1} onClick={() => onChange(t.id)}>
            {t.label} {t.count !== undefined && <span class="count">{t.count}</span>}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={id + "-panel"} aria-labelledby={`${id}-${current}`}>
        {children}
      </div>
    </div>
  );
}
