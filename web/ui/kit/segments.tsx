/** Segments is a row of buttons of which one is pressed: a choice that is seen at once. */
export function Segments({ label, value, onInput, options }: { label: string; value: string; onInput: (v: string) => void; options: { value: string; label: string; words: string }[] }) {
  return (
    <div class="segments" role="group" aria-label={label}>
      {options.map((o) => (
        <button key={o.value} type="button" aria-pressed={o.value === value} aria-label={o.words} title={o.words} onClick={() => onInput(o.value)}>
          {o.label}
        </button>
      ))}
    </div>
  );
}

/** Toggle is a button that stays pressed. */
export function Toggle({ on, label, words, onClick }: { on: boolean; label: string; words: string; onClick: () => void }) {
  return (
    <div class="segments">
      <button type="button" aria-pressed={on} aria-label={words} title={words} onClick={onClick}>
        {label}
      </button>
    </div>
  );
}
