/** Switch turns something on or off at once; Check is for what a form sends later. */
export function Switch({ label, on, onInput, disabled, busy }: { label: string; on: boolean; onInput: (v: boolean) => void; disabled?: boolean; busy?: boolean }) {
  return (
    <button type="button" class="switch" role="switch" aria-checked={on} aria-label={label} aria-busy={busy} title={label} disabled={disabled} onClick={() => busy || onInput(!on)}>
      <i aria-hidden="true" />
    </button>
  );
}
