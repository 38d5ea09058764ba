import { useSignal } from "@preact/signals";
import type { EventType, Webhook } from "../../api-types";
import { api, Button, can, Card, ErrorState, Facts, FormError, errorOf, Id, Input, type Loaded, Note, Skeleton, Time, toast, useAct, useUnsaved } from "../../kit";
import { FilterFields } from "./webhookfilter";
import { bodyOf, type Draft, draftOf, Events, formFields, Headers, KeySwitch, Names, Pace, SignatureForm, twice, wait } from "./webhookform";

/** SettingsTab changes a webhook; who may not change it reads it. */
export function SettingsTab({ webhook, types, onChanged }: { webhook: Webhook; types: Loaded<EventType[]>; onChanged: (w: Webhook) => void }) {
  if (types.error) return <ErrorState error={types.error} retry={types.reload} />;
  if (!types.value) return <Skeleton lines={8} />;
  return (
    <div class="split">
      {can("admin") ? <Form key={webhook.revision} webhook={webhook} types={types} onChanged={onChanged} /> : <Reading of={webhook} />}
      <aside>
        <Card title="Facts">
          <Facts
            rows={[
              ["Id", <Id of={webhook.id} />],
              ["Kind", webhook.kind],
              ["Format", webhook.format],
              ...(webhook.public_key ? [["Public key", <Id of={webhook.public_key} />] as [string, preact.ComponentChildren]] : []),
              ["Added", <Time at={webhook.created_at} />],
              ["Changed", <Time at={webhook.updated_at} />],
            ]}
          />
          <p class="hint">Kind and format were fixed when it was added.</p>
        </Card>
      </aside>
    </div>
  );
}

function Reading({ of }: { of: Webhook }) {
  return (
    <div class="stack">
      <Note>Webhooks are changed by administrators.</Note>
      <Facts
        rows={[
          ["URL", of.url ?? <span class="none">read by its receiver</span>],
          ["Events", of.events.join(", ") || <span class="none">none: notifications name it</span>],
          ["Custom headers", of.header_names.join(", ") || <span class="none">none</span>],
          ["Max in flight", String(of.max_in_flight)],
          ["Requests per second", of.rate_per_second === 0 ? <span class="none">as many as it takes</span> : String(of.rate_per_second)],
          ["Waits between attempts", of.retry_schedule.map(wait).join(", ") || <span class="none">none: one attempt</span>],
          ["Public key", of.public_key ? <code class="wrap">{of.public_key}</code> : <span class="none">none: the secret alone signs</span>],
          ["Description", of.description ?? <span class="none">none</span>],
        ]}
      />
    </div>
  );
}

function Form({ webhook, types, onChanged }: { webhook: Webhook; types: Loaded<EventType[]>; onChanged: (w: Webhook) => void }) {
  const first = draftOf(webhook);
  const draft = useSignal<Draft>(first);
  const d = draft.value;
  const set = (change: Partial<Draft>) => void (draft.value = { ...draft.peek(), ...change });
  const dirty = JSON.stringify(bodyOf(d, false)) !== JSON.stringify(bodyOf(first, false));
  useUnsaved(dirty);
  const { run, busy, error, clear } = useAct(async () => {
    const [was, is] = [bodyOf(first, false), bodyOf(d, false)];
    const change = Object.fromEntries(Object.entries(is).filter(([name, v]) => JSON.stringify(v) !== JSON.stringify(was[name])));
    onChanged(await api.bare<Webhook>("PATCH", "/v1/webhooks/" + webhook.id, change));
    toast("Saved.");
  });
  return (
    <form
      class="long-form"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        if (dirty && twice(d.headers) === "") void run();
      }}
    >
      {webhook.kind === "push" && <Input label="URL" type="url" mono value={d.url} onInput={(url) => set({ url })} error={errorOf(error, "url")} />}
      <Events draft={d} set={set} error={error} types={types} />
      {d.format !== "staircase" && <FilterFields of={d.format} value={d.filter} onInput={(filter) => set({ filter })} error={error} />}
      <Names draft={d} set={set} error={error} />
      {webhook.kind === "push" && <Headers value={d.headers} onInput={(headers) => set({ headers })} names={webhook.header_names} error={errorOf(error, "headers")} />}
      <div class="pair">
        {webhook.kind === "push" && <Pace draft={d} set={set} error={error} />}
        <SignatureForm draft={d} set={set} />
      </div>
      <KeySwitch draft={d} set={set} />
      <FormError error={error} fields={formFields} />
      {dirty && (
        <div class="savebar">
          <span role="status">Not saved yet</span>
          <Button
            look="quiet"
            onClick={() => {
              draft.value = first;
              clear();
            }}
          >
            Discard
          </Button>
          <Button type="submit" look="primary" busy={busy}>
            Save changes
          </Button>
        </div>
      )}
    </form>
  );
}
