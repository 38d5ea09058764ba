import { useSignal } from "@preact/signals";
import type { EventType, TestResult, Webhook } from "../../api-types";
import { api, Badge, Button, Card, CopyButton, EmptyState, ErrorState, errorOf, FormError, JsonView, LinkButton, type Loaded, ms, parse, Select, Skeleton, Textarea, useAct } from "../../kit";
import { Answer } from "./delivery";
import { useTypes } from "./webhookform";
import { bodyText, curl, whyDelivery } from "./words";

/** TestTab sends a sample, which can be edited first, and shows both sides. */
export function TestTab({ webhook }: { webhook: Webhook }) {
  return <TestView webhook={webhook} types={useTypes(webhook.format)} />;
}

export function TestView({ webhook, types, result }: { webhook: Webhook; types: Loaded<EventType[]>; result?: TestResult }) {
  if (types.error) return <ErrorState error={types.error} retry={types.reload} />;
  if (!types.value) return <Skeleton lines={8} />;
  return <Bench webhook={webhook} types={types.value} before={result ?? null} />;
}

/** sampleOf is what can be edited of an event's sample: its data, or all of it in a format that has no envelope. */
function sampleOf(types: EventType[], name: string): string {
  const sample = types.find((t) => t.name === name)?.sample ?? {};
  return JSON.stringify(sample.data ?? sample, null, 2);
}

function Bench({ webhook, types, before }: { webhook: Webhook; types: EventType[]; before: TestResult | null }) {
  const start = types.find((t) => webhook.events.includes(t.name)) ?? types[0]!;
  const event = useSignal(start.name);
  const text = useSignal(sampleOf(types, start.name));
  const wrong = useSignal("");
  const result = useSignal<TestResult | null>(before);
  const { run, busy, error } = useAct(async () => {
    let data: unknown;
    wrong.value = "";
    try {
      data = parse(text.value);
    } catch (e) {
      wrong.value = "This is no JSON: " + (e as Error).message;
      return;
    }
    if (data === null || typeof data !== "object" || Array.isArray(data)) {
      wrong.value = "The data of an event is an object: { … }.";
      return;
    }
    result.value = await api.post<TestResult>(`/v1/webhooks/${webhook.id}/test`, { event: event.value, data });
  });
  const choose = (name: string) => {
    event.value = name;
    text.value = sampleOf(types, name);
    wrong.value = "";
  };
  return (
    <div class="halves">
      <form
        class="stack"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          void run();
        }}
      >
        <Select label="Event" value={event.value} onInput={choose} options={types.map((t) => ({ value: t.name, label: t.name }))} hint="Any event; it need not be one that the endpoint asks for." error={errorOf(error, "event")} />
        <Textarea label="Data" mono rows={18} value={text.value} onInput={(v) => void (text.value = v)} hint={`${types[0]?.sample.data ? "Sent in the event's envelope" : "The whole body"}, signed like a real one, once. It is marked as a test in the Delivery Log.`} error={wrong.value || errorOf(error, "data")} />
        <FormError error={error} fields={["event", "data"]} />
        <div class="row">
          <Button type="submit" look="primary" busy={busy}>
            Send test
          </Button>
          {text.value !== sampleOf(types, event.value) && <Button look="quiet" onClick={() => choose(event.value)}>Back to the sample</Button>}
        </div>
      </form>
      {result.value ? <Result of={result.value} webhook={webhook} /> : <EmptyState icon="webhook" title="The answer appears here"><p>With what was sent, what came back, and how long it took.</p></EmptyState>}
    </div>
  );
}

function Result({ of: r, webhook }: { of: TestResult; webhook: Webhook }) {
  const good = !r.error;
  const lines = Object.entries(r.request.headers).map(([name, v]) => `${name}: ${v}`);
  return (
    <div class="stack" aria-live="polite">
      <Card
        title="Answer"
        actions={
          <LinkButton href={`/settings/webhooks/${webhook.id}/deliveries/${r.delivery_id}`} small>
            In the Delivery Log
          </LinkButton>
        }
      >
        <div class="stack">
          <p class="row">
            <Badge tone={good ? "good" : "bad"} dot>
              {r.response?.status ?? "no answer"}
            </Badge>
            <strong>{good ? "Delivered." : whyDelivery(r.error)}</strong>
            {r.response && <span class="soft">{ms(r.response.duration_ms)}</span>}
          </p>
          {r.response && <Answer headers={r.response.headers} body={r.response.body} />}
        </div>
      </Card>
      <Card title="Request" actions={<CopyButton text={curl(r.request.method, r.request.url, r.request.headers, r.request.body)} label="Copy as curl" words="Copy as curl" />}>
        <div class="stack">
          <JsonView value={bodyText(r.request.body, parse)} label="request body" />
          <details class="more">
            <summary>Request headers</summary>
            <JsonView value={lines.join("\n")} label="request headers" />
          </details>
        </div>
      </Card>
    </div>
  );
}
