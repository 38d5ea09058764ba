// One webhook: its Delivery Log, health, test, and settings, each a tab with an address of its own.

import { useSignal } from "@preact/signals";
import type { Delivery, Webhook } from "../../api-types";
import {
  api, Badge, Button, can, CopyButton, EmptyState, ErrorState, FilterSelect, FilterTime, Filters, type Loaded, Menu, Note, PageHead, type Paged, PagedTable, param, query, setParams,
  Skeleton, Status, Tabs, Time, toast, useAct, useLive, useLoad, usePages, useRange, navigate,
} from "../../kit";
import { lazy } from "../lazy";
import { DeleteWebhook, DisableWebhook } from "./webhookacts";
import { useTypes } from "./webhookform";
import { HealthTab } from "./webhookhealth";
import { ReadTab } from "./webhookread";
import { Overlap, Regenerate } from "./webhooksecret";
import { SettingsTab } from "./webhooksettings";
import { TestTab } from "./webhooktest";
import { nameOf, whyDelivery, whyDisabled } from "./words";

/** WebhookPage is Settings → Webhooks → [name]. */
export function WebhookPage({ id }: { id: string }) {
  const webhook = useLoad("webhook:" + id, (signal) => api.bare<Webhook>("GET", "/v1/webhooks/" + encodeURIComponent(id), undefined, signal));
  const types = useTypes(webhook.value?.format ?? "stairoids");
  return (
    <WebhookView webhook={webhook}>
      {(w, tab) => {
        if (tab === "health") return <HealthTab id={w.id} />;
        if (tab === "test") return <TestTab webhook={w} />;
        if (tab === "read") return <ReadTab webhook={w} />;
        if (tab === "settings") return <SettingsTab webhook={w} types={types} onChanged={webhook.set} />;
        return <DeliveryLog webhook={w} events={types.value?.map((t) => t.name) ?? []} />;
      }}
    </WebhookView>
  );
}

/** What is shown of a recovery is fetched when somebody looks at a webhook's log. */
const Recovering = lazy(() => import("./webhookrecover").then((m) => m.Recovering));
const RecoverDialog = lazy(() => import("./webhookrecover").then((m) => m.RecoverDialog));

type Open = "" | "disable" | "regenerate" | "delete";

export function WebhookView({ webhook, children }: { webhook: Loaded<Webhook>; children: (w: Webhook, tab: string) => preact.ComponentChildren }) {
  const open = useSignal<Open>("");
  const w = webhook.value;
  const enable = useAct(async () => {
    webhook.set(await api.bare<Webhook>("POST", `/v1/webhooks/${w!.id}/enable`));
    toast("Enabled. What waited is sent now.");
  });
  const back = placeOf(w);
  if (!w) {
    return (
      <>
        <PageHead title="Webhook" back={back} />
        {webhook.error ? <ErrorState error={webhook.error} retry={webhook.reload} /> : <Skeleton lines={8} />}
      </>
    );
  }
  const pull = w.kind === "pull";
  const tabs = [
    { id: "log", label: "Delivery Log" },
    { id: "health", label: "Health" },
    ...(pull ? [{ id: "read", label: "Reading" }] : can("admin") ? [{ id: "test", label: "Test" }] : []),
    { id: "settings", label: "Settings" },
  ];
  const tab = tabs.some((t) => t.id === param("tab")) ? param("tab") : "log";
  const acts = can("admin") && (
    <>
      {!pull && tab !== "test" && <Button onClick={() => setParams({ tab: "test" }, true)}>Test</Button>}
      {w.enabled ? (
        <Button onClick={() => void (open.value = "disable")}>Disable</Button>
      ) : (
        <Button look="primary" busy={enable.busy} onClick={() => void enable.run()}>
          Enable
        </Button>
      )}
      <Menu
        label={"More for " + nameOf(w)}
        items={[{ label: "Regenerate secret", icon: "key", run: () => void (open.value = "regenerate") }, "line", { label: "Delete", icon: "close", danger: true, run: () => void (open.value = "delete") }]}
      />
    </>
  );
  return (
    <>
      <PageHead title={nameOf(w)} back={back} actions={acts}>
        <span class="row">
          <Status of={w.enabled ? "enabled" : "disabled"} />
          {pull && <Badge>pull</Badge>}
          {w.url && (
            <span class="id">
              <code>{w.url}</code>
              <CopyButton text={w.url} label="Copy the URL" />
            </span>
          )}
        </span>
        {w.description && <p>{w.description}</p>}
      </PageHead>
      {!w.enabled && <Note tone="warn">It is sent nothing. {whyDisabled(w.disabled_reason)} Events that happen meanwhile are kept as skipped; once it is enabled, Recover sends them.</Note>}
      <Overlap of={w} onChanged={webhook.set} />
      {enable.error && <Note tone="bad">{enable.error.message}</Note>}
      <Tabs label={nameOf(w)} tabs={tabs} current={tab} onChange={(t) => setParams({ tab: t === "log" ? "" : t })}>
        {children(w, tab)}
      </Tabs>
      <Acts webhook={webhook} of={w} open={open.value} close={() => void (open.value = "")} />
    </>
  );
}

/** placeOf is the list that a webhook is found in. */
const placeOf = (w: Webhook | undefined) => (w?.format === "staircase" ? { href: "/settings/configurations", label: "Configurations" } : { href: "/settings/webhooks", label: "Webhooks" });

function Acts({ webhook, of: w, open, close }: { webhook: Loaded<Webhook>; of: Webhook; open: Open; close: () => void }) {
  if (open === "regenerate") {
    return (
      <Regenerate
        of={w}
        onClose={() => {
          close();
          webhook.reload();
        }}
      />
    );
  }
  if (open === "disable") {
    return (
      <DisableWebhook of={w} onClose={close} onChanged={webhook.set}>
        <p>Nothing is sent until it is enabled again. What waits now stays; events that happen meanwhile are kept as skipped.</p>
      </DisableWebhook>
    );
  }
  if (open === "delete") {
    return (
      <DeleteWebhook of={w} onClose={close} onGone={() => navigate(placeOf(w).href, { force: true })}>
        <p>It is gone at once, with its secret. What it still had to be sent ends as failed. To pause it, disable it instead.</p>
      </DeleteWebhook>
    );
  }
  return null;
}

const filters = ["status", "event", "time", "since", "until"];
const clear = () => setParams(Object.fromEntries(filters.map((f) => [f, ""])));
const states = ["pending", "retrying", "delivered", "failed", "skipped"];

function DeliveryLog({ webhook, events }: { webhook: Webhook; events: string[] }) {
  const range = useRange();
  const list = usePages<Delivery>(`/v1/webhooks/${webhook.id}/deliveries` + query({ status: param("status"), event: param("event"), ...range }));
  useLive<Delivery>("delivery", (row) => {
    if (row.webhook_id === webhook.id) list.update((rows) => arrived(rows, row, list.page === 0 && fits(row, range)));
  });
  const asking = useSignal(false);
  const round = useSignal(0);
  const recover = webhook.kind === "push" && webhook.enabled && can("admin") && <Button onClick={() => void (asking.value = true)}>Recover…</Button>;
  return (
    <div class="stack">
      {webhook.kind === "push" && <Recovering of={webhook} round={round.value} />}
      <DeliveryLogView webhook={webhook} events={events} list={list} act={recover} />
      {asking.value && (
        <RecoverDialog
          of={webhook}
          onClose={() => void (asking.value = false)}
          onBegun={() => {
            round.value++;
            list.reload();
          }}
        />
      )}
    </div>
  );
}

/** fits says whether a row is one that the filters of the address ask for. */
function fits(row: Delivery, range: { from: string; to: string }): boolean {
  const at = Date.parse(row.created_at);
  return (param("status") === "" || param("status") === row.status) && (param("event") === "" || param("event") === row.event) && (range.from === "" || at >= Date.parse(range.from)) && (range.to === "" || at <= Date.parse(range.to));
}

/** arrived puts what the stream says of a delivery into the rows: in the place of what was known of it, or on top where it may. */
export function arrived(rows: Delivery[], row: Delivery, add: boolean): Delivery[] {
  if (rows.some((r) => r.id === row.id)) return rows.map((r) => (r.id === row.id ? { ...r, ...row } : r));
  return add ? [row, ...rows].slice(0, 200) : rows;
}

export function DeliveryLogView({ webhook, events, list, act }: { webhook: Webhook; events: string[]; list: Paged<Delivery>; act?: preact.ComponentChildren }) {
  const filtered = filters.some((f) => param(f) !== "");
  const options = (any: string, values: string[]) => [{ value: "", label: any }, ...values.map((value) => ({ value, label: value }))];
  const known = param("event") === "" || events.includes(param("event")) ? events : [...events, param("event")];
  return (
    <div class="stack">
      <Filters>
        <FilterSelect name="status" label="Status" options={options("Any status", states)} />
        <FilterSelect name="event" label="Event" options={options("Any event", known)} />
        <FilterTime />
        {filtered && <Button look="quiet" onClick={clear}>Clear</Button>}
        {act}
      </Filters>
      <PagedTable
        label="Deliveries"
        pages={list}
        id={(d) => d.id}
        href={(d) => `/settings/webhooks/${webhook.id}/deliveries/${d.id}`}
        empty={<NoDeliveries webhook={webhook} filtered={filtered} />}
        columns={[
          { head: "Event", cell: (d) => <>{d.event}{d.test && <> <Badge>test</Badge></>}</> },
          { head: "Status", cell: (d) => <Status of={d.status} /> },
          { head: "Why", cell: (d) => <span class="soft">{whyDelivery(d.reason)}</span>, kind: "wide" },
          { head: "Attempts", cell: (d) => d.attempt_count, kind: "right" },
          { head: "Next attempt", cell: (d) => <Time at={d.next_attempt_at} none="" />, kind: "low" },
          { head: "Made", cell: (d) => <Time at={d.created_at} /> },
        ]}
      />
    </div>
  );
}

function NoDeliveries({ webhook, filtered }: { webhook: Webhook; filtered: boolean }) {
  if (filtered) {
    return (
      <EmptyState icon="search" title="No delivery fits these filters" actions={<Button onClick={clear}>Clear the filters</Button>}>
        <p>Widen the time, or ask for any status.</p>
      </EmptyState>
    );
  }
  const test = webhook.kind === "push" && can("admin");
  return (
    <EmptyState icon="webhook" title="Nothing was sent yet" actions={test && <Button onClick={() => setParams({ tab: "test" }, true)}>Send a test</Button>}>
      <p>Each event that it asks for appears here, with what was sent and what came back.</p>
    </EmptyState>
  );
}
