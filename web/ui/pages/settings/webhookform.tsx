// The fields of a webhook, for the page that adds one and for the one that changes it.

import type { EventType, Webhook } from "../../api-types";
import { api, type ApiError, Badge, Button, Check, ErrorState, errorOf, Input, type Loaded, Note, Select, Skeleton, Textarea, useLoad } from "../../kit";
import { draftOfFilter, type FilterDraft, filterOf } from "./webhookfilter";

export type HeaderField = { name: string; value: string };

export type Draft = {
  kind: Webhook["kind"];
  url: string;
  events: string[];
  format: Webhook["format"];
  /** The variant of the format's signature; "" is its own. */
  signature: "" | "prefixed" | "secret_sha256";
  label: string;
  description: string;
  /** null leaves the headers as they are: their values are never shown. */
  headers: HeaderField[] | null;
  inFlight: string;
  /** "" is no bound. */
  rate: string;
  retries: "stairoids" | "standard" | "own";
  /** The waits of "own", in seconds. */
  waits: string;
  temporary: boolean;
  filter: FilterDraft;
  /** An ed25519 key signs too. */
  asymmetric: boolean;
  secret: string;
};

export const blank: Draft = {
  kind: "push", url: "", events: ["signal.created"], format: "stairoids", signature: "", label: "", description: "", headers: [], inFlight: "8", rate: "", retries: "stairoids", waits: "",
  temporary: false, asymmetric: false, filter: draftOfFilter(null), secret: "",
};

/** draftOf is a webhook as the form has it. */
export const draftOf = (w: Webhook): Draft => ({
  ...blank, kind: w.kind, url: w.url ?? "", events: w.events, format: w.format, signature: (w.signature_format ?? "") as Draft["signature"], label: w.label ?? "", description: w.description ?? "",
  headers: null, inFlight: String(w.max_in_flight), rate: w.rate_per_second === 0 ? "" : String(w.rate_per_second),
  retries: w.retry_preset ?? "own", waits: w.retry_schedule.join(", "), temporary: w.temporary, asymmetric: w.public_key !== null, filter: draftOfFilter(w.filter),
});

/** tidy leaves out what a wider choice holds already. */
export function tidy(events: string[]): string[] {
  if (events.includes("*")) return ["*"];
  const groups = events.filter((e) => e.endsWith(".*")).map((e) => e.slice(0, -1));
  return events.filter((e) => e.endsWith(".*") || !groups.some((g) => e.startsWith(g)));
}

/** bodyOf is what the API takes; the fields that only a new webhook has are added for it. */
export function bodyOf(d: Draft, fresh: boolean): Record<string, unknown> {
  const push = d.kind === "push";
  const headers = d.headers?.filter((h) => h.name.trim() !== "" || h.value !== "");
  return {
    ...(push ? { url: d.url.trim(), max_in_flight: Number(d.inFlight), rate_per_second: Number(d.rate), ...retriesOf(d) } : {}),
    ...(d.format === "staircase" ? {} : { events: tidy(d.events) }),
    label: d.label.trim() || null,
    description: d.description.trim() || null,
    ...(d.format in signatures && (fresh ? d.signature !== "" : true) ? { signature_format: d.signature || null } : {}),
    ...((fresh && filterOf(d.filter) === null) || d.format === "staircase" ? {} : { filter: filterOf(d.filter) }),
    ...(fresh && !d.asymmetric ? {} : { asymmetric: d.asymmetric }),
    ...(headers && push ? { headers: Object.fromEntries(headers.map((h) => [h.name.trim(), h.value])) } : {}),
    ...(fresh ? { kind: d.kind, format: d.format, ...(d.temporary && !push ? { temporary: true } : {}), ...(d.secret === "" ? {} : { secret: d.secret }) } : {}),
  };
}

function retriesOf(d: Draft): Record<string, unknown> {
  if (d.retries !== "own") return { retry_preset: d.retries };
  return { retry_schedule: d.waits.split(/[\s,]+/).filter((text) => text !== "").map(Number) };
}

/** wait is a number of seconds in the largest unit that it is a whole number of. */
export function wait(seconds: number): string {
  if (seconds % 3600 === 0) return seconds / 3600 + " h";
  return seconds % 60 === 0 ? seconds / 60 + " min" : seconds + " s";
}

/** twice is the header that is named twice, "" for none. */
export function twice(headers: HeaderField[] | null): string {
  const seen = new Set<string>();
  for (const h of headers ?? []) {
    const name = h.name.trim().toLowerCase();
    if (name !== "" && seen.has(name)) return h.name.trim();
    seen.add(name);
  }
  return "";
}

/** formFields are those whose errors stand under a field of this form. */
export const formFields = ["url", "events", "label", "description", "headers", "max_in_flight", "rate_per_second", "retry_preset", "retry_schedule", "secret", "filter"];

type FieldsProps = { draft: Draft; set: (change: Partial<Draft>) => void; error: ApiError | null };

/** Names are the fields that tell webhooks apart. */
export function Names({ draft, set, error }: FieldsProps) {
  return (
    <>
      <Input label="Label" optional value={draft.label} onInput={(label) => set({ label })} placeholder="CRM" error={errorOf(error, "label")} max={200} />
      <Textarea label="Description" optional rows={2} value={draft.description} onInput={(description) => set({ description })} hint="What it is for, and whom to ask." error={errorOf(error, "description")} />
    </>
  );
}

/** EventChecklist chooses events, whole groups of them, or all. */
export function EventChecklist({ types, value, onInput, error }: { types: EventType[]; value: string[]; onInput: (v: string[]) => void; error?: string }) {
  const groups = [...new Set(types.map((t) => t.name.split(".")[0]!))];
  const all = value.includes("*");
  const known = new Set(["*", ...groups.map((g) => g + ".*"), ...types.map((t) => t.name)]);
  const others = value.filter((v) => !known.has(v));
  const toggle = (name: string, on: boolean) => onInput(on ? [...value, name] : value.filter((v) => v !== name));
  return (
    <fieldset class="choice" aria-label="Events">
      <legend>Events</legend>
      <div class="checks padded">
        <Check label="All events" hint="Also those that a later version adds." checked={all} onInput={(on) => toggle("*", on)} />
        {groups.map((g) => {
          const whole = value.includes(g + ".*");
          const mine = types.filter((t) => t.name.startsWith(g + "."));
          return (
            <div key={g} class="checks">
              {mine.length > 1 && <Check label={<>All <code>{g}.*</code> events</>} checked={all || whole} disabled={all} onInput={(on) => toggle(g + ".*", on)} />}
              <div class={"checks" + (mine.length > 1 ? " inside" : "")}>
                {mine.map((t) => (
                  <Check
                    key={t.name}
                    label={<><code>{t.name}</code>{!t.produced && <> <Badge>not sent yet</Badge></>}</>}
                    hint={t.produced ? t.description : t.description + " This version sends it in tests only."}
                    checked={all || whole || value.includes(t.name)}
                    disabled={all || whole}
                    onInput={(on) => toggle(t.name, on)}
                  />
                ))}
              </div>
            </div>
          );
        })}
        {others.map((o) => (
          <Check key={o} label={<code>{o}</code>} checked onInput={() => toggle(o, false)} />
        ))}
      </div>
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
    </fieldset>
  );
}

/** Headers are a receiver's own, a name and a value each. */
export function Headers({ value, onInput, names, error }: { value: HeaderField[] | null; onInput: (v: HeaderField[] | null) => void; names: string[]; error?: string }) {
  const again = twice(value);
  const said = again !== "" ? `${again} is there twice: each header has one value.` : error;
  const change = (i: number, by: Partial<HeaderField>) => onInput(value!.map((h, at) => (at === i ? { ...h, ...by } : h)));
  return (
    <fieldset class="choice bare">
      <legend>
        Custom headers<span class="optional"> optional</span>
      </legend>
      {value === null ? (
        <div class="row">
          {names.length === 0 ? <span class="soft">None.</span> : names.map((n) => <code key={n}>{n}: [hidden]</code>)}
          <Button small onClick={() => onInput(names.length === 0 ? [{ name: "", value: "" }] : names.map((name) => ({ name, value: "" })))}>
            {names.length === 0 ? "Add a header" : "Replace all"}
          </Button>
        </div>
      ) : (
        <div class="checks">
          {value.map((h, i) => (
            <div key={i} class="line-of-fields">
              <Input label={`Header ${i + 1}, name`} hideLabel placeholder="X-Api-Key" mono value={h.name} onInput={(name) => change(i, { name })} />
              <Input label={`Header ${i + 1}, value`} hideLabel placeholder="its value" mono value={h.value} onInput={(v) => change(i, { value: v })} />
              <Button look="quiet" icon="close" label={`Take header ${i + 1} out`} onClick={() => onInput(value.filter((_, at) => at !== i))} />
            </div>
          ))}
          <div class="row">
            <Button small icon="plus" onClick={() => onInput([...value, { name: "", value: "" }])}>
              Add a header
            </Button>
            {names.length > 0 && <span class="hint">These replace all that were there; values are never shown again.</span>}
          </div>
        </div>
      )}
      {said && (
        <p class="error" role="alert">
          {said}
        </p>
      )}
      <p class="hint">Sent with every delivery, for instance what a gateway wants to see.</p>
    </fieldset>
  );
}

/** Pace is how much a receiver gets at the same time and in a second, and when it is tried again. */
export function Pace({ draft, set, error }: FieldsProps) {
  return (
    <>
      <Input
        label="Max in flight"
        type="number"
        value={draft.inFlight}
        onInput={(inFlight) => set({ inFlight })}
        hint="How many requests it gets at the same time, 1 to 100. Whoever wants one after the other says 1."
        error={errorOf(error, "max_in_flight")}
      />
      <Input
        label="Requests per second"
        optional
        type="number"
        value={draft.rate}
        onInput={(rate) => set({ rate })}
        hint="At most so many, spread evenly, 1 to 1,000. Empty: as many as it takes."
        error={errorOf(error, "rate_per_second")}
      />
      <Select
        label="Retries"
        value={draft.retries}
        onInput={(v) => set({ retries: v as Draft["retries"] })}
        options={[
          { value: "stairoids", label: "5 within 11 hours" },
          { value: "standard", label: "9 within 75 hours, as Standard Webhooks advises" },
          { value: "own", label: "A schedule of its own" },
        ]}
        hint="When a failed delivery is tried again."
      />
      {draft.retries === "own" && (
        <Input
          label="Waits in seconds"
          optional
          value={draft.waits}
          onInput={(waits) => set({ waits })}
          placeholder="60, 300, 3600"
          hint="The wait after each failed attempt, at most 20 of them. Empty: one attempt and no more."
          error={errorOf(error, "retry_schedule")}
        />
      )}
    </>
  );
}

/** signatures are the formats whose signature can be written in more than one way. */
const signatures: Partial<Record<Draft["format"], { options: { value: string; label: string }[]; hint: string }>> = {
  stairoids: {
    options: [{ value: "", label: "<hex>" }, { value: "prefixed", label: "sha256=<hex>" }],
    hint: "How X-Stairoids-Signature is written. Every delivery has the headers of Standard Webhooks too.",
  },
  staircase: {
    options: [{ value: "", label: "of the body" }, { value: "secret_sha256", label: "of the secret alone (weak)" }],
    hint: "What x-staircase-signature is the hash of. That of the secret alone is the same each time: whoever has seen one request can send another.",
  },
};

/** SignatureForm is how the format writes its signature, where there is a choice. */
export function SignatureForm({ draft, set }: Omit<FieldsProps, "error">) {
  const of = signatures[draft.format];
  return of ? <Select label="Signature header" value={draft.signature} onInput={(v) => set({ signature: v as Draft["signature"] })} options={of.options} hint={of.hint} /> : null;
}

/** useTypes are the events that a webhook of the format can be sent. */
export function useTypes(format: Draft["format"]): Loaded<EventType[]> {
  return useLoad("event-types:" + format, (signal) => api.get<EventType[]>("/v1/event-types?format=" + format, signal));
}

/** Events chooses what a webhook of the format is sent, where there is a choice. */
export function Events({ draft, set, error, types }: FieldsProps & { types: Loaded<EventType[]> }) {
  if (draft.format === "staircase") return <Note>Nothing is subscribed to: notifications name this endpoint as where they go.</Note>;
  if (types.error) return <ErrorState error={types.error} retry={types.reload} />;
  if (!types.value) return <Skeleton lines={8} />;
  return <EventChecklist types={types.value} value={draft.events} onInput={(events) => set({ events })} error={errorOf(error, "events")} />;
}

/** KeySwitch has an ed25519 key sign too. */
export function KeySwitch({ draft, set }: Omit<FieldsProps, "error">) {
  return (
    <Check
      label="Sign with a key pair too"
      hint="An ed25519 signature (v1a) beside that of the secret: receivers verify it with a public key, which need not be kept secret."
      checked={draft.asymmetric}
      onInput={(asymmetric) => set({ asymmetric })}
    />
  );
}
