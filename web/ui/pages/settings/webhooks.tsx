import type { Webhook, WebhookHealth, WebhookList } from "../../api-types";
import { api, can, EmptyState, LinkButton, Note, PageHead, type Page, type Paged, PagedTable, percent, Status, Time, useLoad, usePages } from "../../kit";
import { nameOf } from "./words";

/** readWebhooks reads the one list that has a shape of its own. */
export async function readWebhooks(path: string, signal: AbortSignal): Promise<Page<Webhook>> {
  const a = await api.bare<WebhookList>("GET", path, undefined, signal);
  return { rows: a.webhooks, next: a.next_cursor ?? "", total: a.total };
}

/** Webhooks is Settings → Webhooks. */
export function Webhooks() {
  return <WebhooksView webhooks={usePages("/v1/webhooks", readWebhooks)} health={(w) => <Health of={w} />} />;
}

export function WebhooksView({ webhooks, health }: { webhooks: Paged<Webhook>; health: (w: Webhook) => preact.ComponentChildren }) {
  const add = can("admin") && (
    <LinkButton href="/settings/webhooks/new" look="primary" icon="plus">
      Add Endpoint
    </LinkButton>
  );
  return (
    <>
      <PageHead title="Webhooks" actions={add}>
        Where events go: each endpoint gets those that it asks for, signed, and again until it has taken them.
      </PageHead>
      {!can("admin") && <Note>Webhooks are added and changed by administrators. You can read their Delivery Logs.</Note>}
      <PagedTable
        label="Webhooks"
        pages={webhooks}
        id={(w) => w.id}
        href={(w) => "/settings/webhooks/" + w.id}
        empty={
          <EmptyState icon="webhook" title="No endpoints yet" actions={add}>
            <p>{can("admin") ? "Add one, choose its events, and send a test to see what arrives." : "An administrator adds the first one."}</p>
          </EmptyState>
        }
        columns={[
          {
            head: "Endpoint",
            cell: (w) => (
              <span class="two-lines">
                <span>{nameOf(w)}</span>
                <span>{w.kind === "pull" ? "read by its receiver" : w.label ? w.url : w.description}</span>
              </span>
            ),
          },
          { head: "Events", cell: (w) => <Events of={w} /> },
          { head: "State", cell: (w) => <Status of={w.enabled ? "enabled" : "disabled"} /> },
          { head: "Last 24 hours", cell: health, kind: "wide" },
          { head: "Added", cell: (w) => <Time at={w.created_at} />, kind: "low" },
        ]}
      />
    </>
  );
}

function Events({ of }: { of: Webhook }) {
  const first = of.events[0] === "*" ? "all events" : of.events[0];
  const more = of.events.length - 1;
  return (
    <span class="soft" title={of.events.join("\n")}>
      {first}
      {more > 0 && ` and ${more} more`}
    </span>
  );
}

/** Health is how one webhook did, in a few words. */
function Health({ of }: { of: Webhook }) {
  const health = useLoad("health:" + of.id, (signal) => api.get<WebhookHealth>(`/v1/webhooks/${of.id}/health`, signal));
  if (health.error) return <span class="none">{health.error.status === 404 ? "not known yet" : "not known"}</span>;
  return health.value ? <HealthWords of={health.value} /> : <span class="none">…</span>;
}

export function HealthWords({ of }: { of: WebhookHealth }) {
  if (of.success_rate_24h === null) return <span class="none">nothing sent</span>;
  const tone = of.success_rate_24h >= 0.99 ? "" : of.success_rate_24h >= 0.9 ? "warn-text" : "bad-text";
  return (
    <span class={tone}>
      {percent(of.success_rate_24h)} delivered{of.pending > 0 && <span class="soft">, {of.pending} waiting</span>}
    </span>
  );
}
