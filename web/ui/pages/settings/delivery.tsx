// One delivery: what was sent, how each attempt went, and how to send it again.

import type { Attempt, DeliveryDetail, TestResponse } from "../../api-types";
import {
  api, Badge, Button, can, Card, CopyButton, ErrorState, Facts, Id, JsonView, type Loaded, ms, Note, PageHead, parse, plural, Skeleton, Status, Time, toast, useAct, useLive, useLoad,
} from "../../kit";
import { bodyText, curl, whyDelivery } from "./words";

/** Delivery is a delivery's page. */
export function Delivery({ id, delivery }: { id: string; delivery: string }) {
  const loaded = useLoad("delivery:" + delivery, (signal) => api.get<DeliveryDetail>("/v1/deliveries/" + encodeURIComponent(delivery), signal));
  useLive<{ id: string }>("delivery", (row) => row.id === delivery && loaded.reload());
  return <DeliveryView webhook={id} delivery={loaded} />;
}

export function DeliveryView({ webhook, delivery }: { webhook: string; delivery: Loaded<DeliveryDetail> }) {
  const d = delivery.value;
  const { run, busy, error } = useAct(async () => {
    await api.post(`/v1/deliveries/${d!.id}/retry`);
    toast("It is sent again now.");
    delivery.reload();
  });
  return (
    <>
      <PageHead
        title={d ? d.event : "Delivery"}
        back={{ href: "/settings/webhooks/" + webhook, label: "Delivery Log" }}
        actions={
          d && (
            <>
              {d.url && d.body !== null && <CopyButton text={curlOf(d)} label="Copy as curl" words="Copy as curl" />}
              {can("admin") && !d.test && (
                <Button look="primary" busy={busy} onClick={() => void run()}>
                  Retry
                </Button>
              )}
            </>
          )
        }
      >
        {d && (
          <span class="row">
            <Status of={d.status} />
            {d.test && <Badge>test</Badge>}
            {whyDelivery(d.reason)}
          </span>
        )}
      </PageHead>
      {error && <Note tone="bad">{error.message}</Note>}
      {delivery.error ? <ErrorState error={delivery.error} retry={delivery.reload} /> : d ? <Shown of={d} /> : <Skeleton lines={8} />}
    </>
  );
}

/** curlOf has no signature: the secret is never shown, so a receiver that verifies refuses the copy. */
const curlOf = (d: DeliveryDetail): string => curl("POST", d.url!, { "content-type": "application/json", "webhook-id": d.event_id }, d.body!);

function Shown({ of: d }: { of: DeliveryDetail }) {
  return (
    <div class="split">
      <div class="stack">
        <Card title={d.attempts.length === 0 ? "Attempts" : plural(d.attempts.length, "attempt")}>
          {d.attempts.length === 0 ? <p class="soft">{d.status === "skipped" ? "It was never sent." : "No attempt has ended yet."}</p> : d.attempts.map((a, i) => <AttemptShown key={a.id} of={a} number={i + 1} />).reverse()}
        </Card>
        <Card title="Request body">
          {d.body === null ? <p class="soft">The event is past retention: its body is gone.</p> : <JsonView value={bodyText(d.body, parse)} label="request body" />}
        </Card>
      </div>
      <aside>
        <Card title="Facts">
          <Facts
            rows={[
              ["Delivery", <Id of={d.id} />],
              ["Event", <Id of={d.event_id} />],
              ["Made", <Time at={d.created_at} />],
              ["Ended", <Time at={d.done_at} none="not yet" />],
              ["Next attempt", <Time at={d.next_attempt_at} none="none" />],
              ["Attempts", String(d.attempt_count)],
              ["Format", d.format],
              ["URL", d.url ?? <span class="none">read by its receiver</span>],
            ]}
          />
          {d.url && <p class="hint">Copy as curl has no signature: the secret is never shown, so a receiver that verifies refuses the copy.</p>}
        </Card>
      </aside>
    </div>
  );
}

function AttemptShown({ of: a, number }: { of: Attempt; number: number }) {
  const good = a.status_code !== undefined && a.status_code >= 200 && a.status_code < 300 && !a.error;
  return (
    <section class="attempt">
      <h3>
        Attempt {number}
        <Badge tone={good ? "good" : "bad"} dot>
          {a.status_code ?? "no answer"}
        </Badge>
        {a.manual && <Badge>by hand</Badge>}
        <Time at={a.at} />
        <span class="soft">{ms(a.duration_ms)}</span>
      </h3>
      {a.error && <p class="bad-text">{whyDelivery(a.error)}</p>}
      <Phases of={a} />
      {a.status_code !== undefined && <Answer of={`attempt ${number}, `} headers={a.response_headers} body={a.response_body} truncated={a.response_truncated} />}
      {a.remote_addr && <p class="hint">Sent to {a.remote_addr}.</p>}
    </section>
  );
}

const phaseNames = { dns: "Name", connect: "Connect", tls: "TLS", wait: "Waiting", read: "Reading" };

/** phases are the parts of an attempt's time, in order; those that took none are left out. The first byte is counted from the connection on. */
export function phases(a: Pick<Attempt, "duration_ms" | "dns_ms" | "connect_ms" | "tls_ms" | "first_byte_ms">): { name: keyof typeof phaseNames; took: number }[] {
  const left = Math.max(a.duration_ms - a.dns_ms - a.connect_ms - a.tls_ms, 0);
  const wait = a.first_byte_ms > 0 ? Math.min(a.first_byte_ms, left) : left; // no byte came: all the rest was waiting
  const parts = { dns: a.dns_ms, connect: a.connect_ms, tls: a.tls_ms, wait, read: left - wait };
  return (Object.keys(parts) as (keyof typeof phaseNames)[]).map((name) => ({ name, took: parts[name] })).filter((p) => p.took > 0);
}

function Phases({ of }: { of: Attempt }) {
  const parts = phases(of);
  const whole = parts.reduce((sum, p) => sum + p.took, 0);
  if (whole === 0) return null;
  let at = 0;
  return (
    <div class="phases">
      <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
        {parts.map((p) => {
          const x = at;
          at += (p.took / whole) * 100;
          return <rect key={p.name} class={p.name} x={x} y="0" width={at - x} height="1" />;
        })}
      </svg>
      <ul>
        {parts.map((p) => (
          <li key={p.name} class={p.name}>
            <span>
              {phaseNames[p.name]} {ms(p.took)}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Answer is what came back: its headers folded, its body as text. */
export function Answer({ of = "", headers, body, truncated }: { of?: string; headers: TestResponse["headers"]; body: string; truncated?: boolean }) {
  const lines = Object.entries(headers).map(([name, v]) => `${name}: ${Array.isArray(v) ? v.join(", ") : String(v)}`);
  return (
    <>
      {body === "" ? <p class="soft">The answer has no body.</p> : <JsonView value={bodyText(body, parse)} label={of + "response body"} />}
      {truncated && <p class="hint">The first 16 KiB; the rest was not kept.</p>}
      {lines.length > 0 && (
        <details class="more">
          <summary>Response headers</summary>
          <JsonView value={lines.join("\n")} label={of + "response headers"} />
        </details>
      )}
    </>
  );
}
