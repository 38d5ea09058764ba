import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export type ChoiceOption = { value: string; label: string; hint?: ComponentChildren; disabled?: boolean };

/** Choice takes one of several where each needs words; Select does where a word is enough. */
export function Choice({ label, value, onInput, options, error }: { label: string; value: string; onInput: (v: string) => void; options: ChoiceOption[]; error?: string }) {
  const id = useId();
  return (
    <fieldset class="choice" aria-describedby={error ? id + "-error" : undefined}>
      <legend>{label}</legend>
      <div>
        {options.map((o) => (
          <div key={o.value} class={"check choice-row" + (o.value === value ? " chosen" : "")}>
            <input id={`${id}-${o.value}`} type="radio" name={id} value={o.value} checked={o.value === value} disabled={o.disabled} aria-describedby={o.hint ? `${id}-${o.value}-hint` : undefined} onChange={() => onInput(o.value)} />
            <label for={`${id}-${o.value}`}>{o.label}</label>
            {o.hint && (
              <p class="hint" id={`${id}-${o.value}-hint`}>
                {o.hint}
              </p>
            )}
          </div>
        ))}
      </div>
      {error && (
        <p class="error" id={id + "-error"} role="alert">
          {error}
        </p>
      )}
    </fieldset>
  );
}
