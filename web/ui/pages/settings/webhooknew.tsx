import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { EventType, MadeWebhook } from "../../api-types";
import { api, Button, Card, Choice, CopyButton, ErrorState, errorOf, FormError, Input, LinkButton, type Loaded, PageHead, param, SecretOnce, Skeleton, useAct, useUnsaved } from "../../kit";
import { qualified } from "./qualification";
import { FilterFields } from "./webhookfilter";
import { blank, bodyOf, type Draft, Events, formFields, Headers, KeySwitch, Names, Pace, SignatureForm, twice, useTypes } from "./webhookform";
import { nameOf } from "./words";

/** AddEndpoint is Settings → Webhooks → Add Endpoint. */
export function AddEndpoint() {
  return <AddEndpointView typesOf={useTypes} event={param("event")} />;
}

/** backFrom is the list that the form was opened from. */
const backFrom = (event: string) =>
  event === qualified ? { href: "/settings/signal-qualification-webhook", label: "Signal qualification webhook" } : { href: "/settings/webhooks", label: "Webhooks" };

/** typesOf is a hook: the same one at each call. */
type TypesOf = {
  typesOf: (f: Draft["format"]) => Loaded<EventType[]>;
  /** The event that is chosen from the start; "" chooses the usual one. */
  event?: string;
};

export function AddEndpointView({ typesOf, event = "" }: TypesOf) {
  const made = useSignal<MadeWebhook | null>(null);
  if (made.value) return <EndpointMade of={made.value} event={event} />;
  return (
    <>
      <PageHead title="Add Endpoint" back={backFrom(event)}>
        Say where events go and which ones. You see its signing secret next, once.
      </PageHead>
      <Form typesOf={typesOf} event={event} onMade={(w) => void (made.value = w)} />
    </>
  );
}

function Form({ typesOf, event, onMade }: TypesOf & { onMade: (w: MadeWebhook) => void }) {
  const draft = useSignal<Draft>(event ? { ...blank, events: [event] } : blank);
  const touched = useSignal(false);
  const set = (change: Partial<Draft>) => {
    draft.value = { ...draft.peek(), ...change };
    touched.value = true;
  };
  const d = draft.value;
  const { run, busy, error } = useAct(async () => onMade(await api.bare<MadeWebhook>("POST", "/v1/webhooks", bodyOf(d, true))));
  const types = typesOf(d.format);
  const shown = useRef(false); // the form waits for its first events, and stays while those of another format are read
  shown.current ||= types.value !== undefined;
  useUnsaved(touched.value);
  if (!shown.current) return types.error ? <ErrorState error={types.error} retry={types.reload} /> : <Skeleton lines={8} />;
  const push = d.kind === "push";
  return (
    <form
      class="long-form"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        if (twice(d.headers) === "") void run();
      }}
    >
      <Choice
        label="How it gets them"
        value={d.kind}
        onInput={(kind) => set({ kind: kind as Draft["kind"] })}
        options={[
          { value: "push", label: "Push", hint: "We send each event to a URL over HTTPS, and again until it answers 2xx." },
          { value: "pull", label: "Pull", hint: "A program of yours reads them, in order and missing none. For what no request reaches from outside." },
        ]}
      />
      {push && <Input label="URL" type="url" mono autofocus value={d.url} onInput={(url) => set({ url })} placeholder="https://hooks.example.com/signalbox" error={errorOf(error, "url")} hint="HTTPS, and an address that the internet reaches." />}
      <Choice label="Format" value={d.format} onInput={(format) => set(changed(d, format as Draft["format"]))} options={formats} />
      <p class="hint after">All are signed in the headers of Standard Webhooks too, so any of its libraries verifies them. The format is fixed once the endpoint is made.</p>
      <Events draft={d} set={set} error={error} types={types} />
      {d.format !== "staircase" && <FilterFields of={d.format} value={d.filter} onInput={(filter) => set({ filter })} error={error} />}
      <Names draft={d} set={set} error={error} />
      <details class="more" open={["headers", "max_in_flight", "rate_per_second", "retry_schedule", "secret"].includes(error?.param ?? "")}>
        <summary>More: headers, pace, a secret of your own</summary>
        <div class="stack">
          {push && <Headers value={d.headers} onInput={(headers) => set({ headers })} names={[]} error={errorOf(error, "headers")} />}
          <div class="pair">
            {push && <Pace draft={d} set={set} error={error} />}
            <SignatureForm draft={d} set={set} />
          </div>
          <Input label="Signing secret" optional type="password" autocomplete="new-password" mono value={d.secret} onInput={(secret) => set({ secret })} hint="At least 16 characters. One is made unless you bring your own." error={errorOf(error, "secret")} />
          <KeySwitch draft={d} set={set} />
          {!push && (
            <Choice
              label="How long it stays"
              value={d.temporary ? "temporary" : ""}
              onInput={(v) => set({ temporary: v === "temporary" })}
              options={[
                { value: "", label: "Until it is deleted" },
                { value: "temporary", label: "As long as it is read", hint: "It goes with its last reader, for trying something out." },
              ]}
            />
          )}
        </div>
      </details>
      <FormError error={error} fields={formFields} />
      <div class="row">
        <Button type="submit" look="primary" busy={busy}>
          Add Endpoint
        </Button>
        <LinkButton href={backFrom(event ?? "").href}>Cancel</LinkButton>
      </div>
    </form>
  );
}

const formats: { value: Draft["format"]; label: string; hint: string }[] = [
  { value: "stairoids", label: "Stairoids", hint: "{ event, id, created_at, workspace_id, data }, signed in X-Stairoids-Signature." },
  { value: "standard", label: "Standard", hint: "{ type, timestamp, data } as Standard Webhooks recommends." },
  { value: "stackone", label: "StackOne", hint: "{ project_id, event, record_type, record_id, … } of linked accounts and their records, signed in x-stackone-signature." },
  { value: "staircase", label: "Staircase", hint: "Notifications: { id, type, notification, title, account, … }, signed in x-staircase-signature." },
];

/** changed is what another format changes: the events are chosen anew where they have other names. */
function changed(d: Draft, format: Draft["format"]): Partial<Draft> {
  const named = (f: Draft["format"]) => f === "stackone" || f === "staircase";
  const events = format === "stackone" ? ["*"] : blank.events;
  return { format, signature: "", ...(named(format) || named(d.format) ? { events, filter: blank.filter } : {}) };
}

/** EndpointMade shows the secret, once, and what to do next. */
export function EndpointMade({ of, event = "" }: { of: MadeWebhook; event?: string }) {
  const page = "/settings/webhooks/" + of.id;
  return (
    <>
      <PageHead title={nameOf(of) + " is ready"} back={backFrom(event)} />
      <div class="long-form">
        <SecretOnce secret={of.secret} what="signing secret" />
        {of.standard_secret && (
          <Card title="For Standard Webhooks libraries">
            <SecretOnce secret={of.standard_secret} what="secret in their form" />
          </Card>
        )}
        {of.public_key && (
          <Card title="Public key">
            <span class="id">
              <code class="wrap">{of.public_key}</code>
              <CopyButton text={of.public_key} label="Copy the public key" />
            </span>
          </Card>
        )}
        <p class="soft">Your receiver verifies with it that a delivery is ours and unchanged. If it is lost, Regenerate secret makes another.</p>
        <div class="row">
          {of.kind === "push" ? (
            <LinkButton href={page + "?tab=test"} look="primary">
              Send a test
            </LinkButton>
          ) : (
            <LinkButton href={page + "?tab=read"} look="primary">
              How to read it
            </LinkButton>
          )}
          <LinkButton href={page}>To the Delivery Log</LinkButton>
        </div>
      </div>
    </>
  );
}
