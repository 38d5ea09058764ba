// Settings → Configurations → Webhooks: where notifications go (S2-8…S2-14). What is shown here are the webhooks of the format staircase.

import { useSignal } from "@preact/signals";
import type { MadeWebhook, Webhook } from "../../api-types";
import {
  api, Button, can, Dialog, EmptyState, errorOf, FormError, Input, Menu, type MenuItem, Note, PageHead, type Paged, PagedTable, SecretOnce, Status, Textarea, Time, useAct, usePages,
} from "../../kit";
import { DeleteWebhook, DisableWebhook, turn } from "./webhookacts";
import { readWebhooks } from "./webhooks";
import { Regenerate } from "./webhooksecret";
import { nameOf } from "./words";

/** Configurations is Settings → Configurations. */
export function Configurations() {
  return <ConfigurationsView webhooks={usePages("/v1/webhooks?format=staircase", readWebhooks)} />;
}

type Open = { act: "add" } | { act: "regenerate" | "disable" | "delete"; webhook: Webhook };

export function ConfigurationsView({ webhooks, adds }: { webhooks: Paged<Webhook>; adds?: boolean }) {
  const open = useSignal<Open | null>(adds ? { act: "add" } : null);
  const add = can("admin") && (
    <Button look="primary" icon="plus" onClick={() => void (open.value = { act: "add" })}>
      Add webhook
    </Button>
  );
  const now = open.value;
  const close = () => void (open.value = null);
  return (
    <>
      <PageHead title="Configurations" actions={add}>
        The webhooks that notifications can name as where they go. Each is told what a notification says, signed.
      </PageHead>
      {!can("admin") && <Note>Webhooks are added and changed by administrators.</Note>}
      <h2>Webhooks</h2>
      <PagedTable
        label="Webhooks for notifications"
        pages={webhooks}
        id={(w) => w.id}
        href={(w) => "/settings/webhooks/" + w.id}
        empty={
          <EmptyState icon="webhook" title="No webhooks for notifications yet" actions={add}>
            <p>{can("admin") ? "Add one, copy its secret key, and send it a test." : "An administrator adds the first one."}</p>
          </EmptyState>
        }
        columns={[
          {
            head: "Label",
            cell: (w) => (
              <span class="two-lines">
                <span>{nameOf(w)}</span>
                <span>{w.description}</span>
              </span>
            ),
          },
          { head: "Webhook URL", cell: (w) => <span class="soft">{w.url}</span>, kind: "wide" },
          { head: "State", cell: (w) => <Status of={w.enabled ? "enabled" : "disabled"} /> },
          { head: "Added", cell: (w) => <Time at={w.created_at} />, kind: "low" },
          { head: "Acts", cell: (w) => can("admin") && <Acts of={w} open={(act) => void (open.value = { act, webhook: w })} onChanged={webhooks.reload} />, kind: "menu" },
        ]}
      />
      {now?.act === "add" && <AddWebhook onClose={close} onMade={webhooks.reload} />}
      {now?.act === "regenerate" && <Regenerate of={now.webhook} title="Webhook secret key" onClose={close} />}
      {now?.act === "disable" && (
        <DisableWebhook of={now.webhook} onClose={close} onChanged={webhooks.reload}>
          <p>It gets no notifications until it is enabled again. It stays here, and notifications keep naming it.</p>
        </DisableWebhook>
      )}
      {now?.act === "delete" && (
        <DeleteWebhook of={now.webhook} onClose={close} onGone={webhooks.reload}>
          <p>It is gone at once, with its secret key. To pause it, disable it instead.</p>
        </DeleteWebhook>
      )}
    </>
  );
}

function Acts({ of, open, onChanged }: { of: Webhook; open: (act: "regenerate" | "disable" | "delete") => void; onChanged: () => void }) {
  const { run } = useAct(() => turn(of, true, onChanged));
  const items: MenuItem[] = [
    { label: "Test", href: `/settings/webhooks/${of.id}?tab=test` },
    { label: "Edit", href: `/settings/webhooks/${of.id}?tab=settings` },
    { label: "Regenerate secret", icon: "key", run: () => open("regenerate") },
    of.enabled ? { label: "Disable", icon: "pause", run: () => open("disable") } : { label: "Enable", icon: "play", run: () => void run() },
    "line",
    { label: "Delete", icon: "close", danger: true, run: () => open("delete") },
  ];
  return <Menu label={"Acts on " + nameOf(of)} items={items} />;
}

function AddWebhook({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
  const label = useSignal("");
  const description = useSignal("");
  const url = useSignal("");
  const made = useSignal<MadeWebhook | null>(null);
  const { run, busy, error } = useAct(async () => {
    made.value = await api.bare<MadeWebhook>("POST", "/v1/webhooks", {
      format: "staircase", url: url.value.trim(), label: label.value.trim() || null, description: description.value.trim() || null,
    });
    onMade();
  });
  if (made.value) return <SecretKey secret={made.value.secret} onClose={onClose} />;
  return (
    <Dialog
      title="Add webhook"
      onClose={onClose}
      onSubmit={() => void run()}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={busy}>
            Add
          </Button>
        </>
      }
    >
      <Input label="Label" optional value={label.value} onInput={(v) => void (label.value = v)} placeholder="Support tickets" hint="What notifications call it." error={errorOf(error, "label")} max={200} />
      <Textarea label="Description" optional rows={2} value={description.value} onInput={(v) => void (description.value = v)} error={errorOf(error, "description")} />
      <Input label="Webhook URL" type="url" mono value={url.value} onInput={(v) => void (url.value = v)} placeholder="https://hooks.example.com/notifications" error={errorOf(error, "url")} hint="HTTPS, and an address that the internet reaches." />
      <FormError error={error} fields={["label", "description", "url"]} />
    </Dialog>
  );
}

/** SecretKey shows the key that receivers verify with, once. */
export function SecretKey({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Dialog title="Webhook secret key" onClose={onClose} actions={<Button look="primary" onClick={onClose}>Close</Button>}>
      <SecretOnce secret={secret} what="secret key" />
      <p class="soft">Your receiver verifies with it that a call is ours. Regenerate secret makes another, at any time.</p>
    </Dialog>
  );
}
