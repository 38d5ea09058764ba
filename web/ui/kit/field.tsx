// Fields: a label, the control, a hint, and the error in words. The error of the API with the field's `param` stands under it.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { ApiError } from "./api";

type Frame = { label: string; hint?: ComponentChildren; error?: string; optional?: boolean; hideLabel?: boolean };

/** errorOf is what the API said of a field, "" for nothing. */
export function errorOf(e: ApiError | null | undefined, ...params: string[]): string {
  if (!e || e.param === "") return "";
  return params.some((p) => e.param === p || e.param.startsWith(p + ".") || e.param.startsWith(p + "[")) ? e.message : "";
}

/** FormError is what the API said that belongs to none of the fields named. */
export function FormError({ error, fields = [] }: { error: ApiError | null; fields?: string[] }) {
  if (!error || errorOf(error, ...fields) !== "") return null;
  return (
    <div class="form-error" role="alert">
      {error.message}
      {error.requestId !== "" && <span class="request"> Request {error.requestId}</span>}
    </div>
  );
}

/** Field frames a control of your own. */
export function Field({ label, hint, error, optional, hideLabel, children }: Frame & { children: (aria: { id: string; "aria-describedby"?: string; "aria-invalid"?: true }) => ComponentChildren }) {
  const id = useId();
  const said = [error ? id + "-error" : "", hint ? id + "-hint" : ""].filter(Boolean).join(" ");
  return (
    <div class={"field" + (error ? " wrong" : "")}>
      <label for={id} class={hideLabel ? "unseen" : undefined}>
        {label}
        {optional && <span class="optional"> optional</span>}
      </label>
      {children({ id, "aria-describedby": said || undefined, "aria-invalid": error ? true : undefined })}
      {error && (
        <p class="error" id={id + "-error"} role="alert">
          {error}
        </p>
      )}
      {hint && (
        <p class="hint" id={id + "-hint"}>
          {hint}
        </p>
      )}
    </div>
  );
}

type InputProps = Frame & {
  value: string;
  onInput: (v: string) => void;
  type?: "text" | "email" | "password" | "url" | "search" | "number" | "date" | "datetime-local";
  placeholder?: string;
  autocomplete?: string;
  autofocus?: boolean;
  required?: boolean;
  disabled?: boolean;
  mono?: boolean;
  search?: boolean;
  max?: number;
  list?: string[];
};

export function Input({ value, onInput, type = "text", placeholder, autocomplete = "off", autofocus, required, disabled, mono, search, max, list, ...frame }: InputProps) {
  return (
    <Field {...frame}>
      {(aria) => (
        <>
          <input
            {...aria}
            {...({ type, list: list ? aria.id + "-list" : undefined } as { type: "text" })}
            class={mono ? "mono" : undefined}
            value={value}
            placeholder={placeholder}
            autocomplete={autocomplete as "off"}
            autofocus={autofocus}
            required={required}
            disabled={disabled}
            maxLength={max}
            spellcheck={false}
            data-search={search ? "" : undefined}
            onInput={(e) => onInput(e.currentTarget.value)}
          />
          {list && (
            <datalist id={aria.id + "-list"}>
              {list.map((v) => (
                <option key={v} value={v} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  );
}

export function Textarea({ value, onInput, rows = 4, placeholder, mono, disabled, ...frame }: Frame & { value: string; onInput: (v: string) => void; rows?: number; placeholder?: string; mono?: boolean; disabled?: boolean }) {
  return (
    <Field {...frame}>
      {(aria) => <textarea {...aria} class={mono ? "mono" : undefined} rows={rows} value={value} placeholder={placeholder} disabled={disabled} spellcheck={false} onInput={(e) => onInput(e.currentTarget.value)} />}
    </Field>
  );
}

export type Option = { value: string; label: string };

export function Select({ value, onInput, options, disabled, ...frame }: Frame & { value: string; onInput: (v: string) => void; options: Option[]; disabled?: boolean }) {
  return (
    <Field {...frame}>
      {(aria) => (
        <select {...aria} value={value} disabled={disabled} onChange={(e) => onInput(e.currentTarget.value)}>
          {options.map((o) => (
            <option key={o.value} value={o.value} selected={o.value === value}>
              {o.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** Check is a box to tick, with its words beside it. */
export function Check({ label, hint, checked, onInput, disabled }: { label: ComponentChildren; hint?: ComponentChildren; checked: boolean; onInput: (v: boolean) => void; disabled?: boolean }) {
  const id = useId();
  return (
    <div class="check">
      <input id={id} type="checkbox" checked={checked} disabled={disabled} aria-describedby={hint ? id + "-hint" : undefined} onChange={(e) => onInput(e.currentTarget.checked)} />
      <label for={id}>{label}</label>
      {hint && (
        <p class="hint" id={id + "-hint"}>
          {hint}
        </p>
      )}
    </div>
  );
}
