import { useSignal } from "@preact/signals";
import type { Key, MadeKey } from "../../api-types";
import {
  api, Badge, Button, Choice, Confirm, CopyButton, day, Dialog, EmptyState, errorOf, FormError, Input, Menu, PageHead, type Paged, PagedTable, SecretOnce, Select, startOfDay, Time, timezone, toast, useAct, usePages,
} from "../../kit";

/** ApiKeys is Settings → API Keys. */
export function ApiKeys() {
  return <ApiKeysView keys={usePages<Key>("/v1/api-keys")} />;
}

type Open = { act: "create" } | { act: "rename" | "revoke"; key: Key };

export function ApiKeysView({ keys }: { keys: Paged<Key> }) {
  const open = useSignal<Open | null>(null);
  const create = (
    <Button look="primary" icon="plus" onClick={() => void (open.value = { act: "create" })}>
      Create API Key
    </Button>
  );
  const close = () => void (open.value = null);
  const now = open.value;
  return (
    <>
      <PageHead title="API Keys" actions={create}>
        Programs prove with a key who they are. Give each its own, with no more than it needs: then one can be revoked and the others go on.
      </PageHead>
      <PagedTable
        label="API keys"
        pages={keys}
        id={(k) => k.id}
        empty={
          <EmptyState icon="key" title="No API keys yet" actions={create}>
            <p>Create one, and send your first signal with it.</p>
          </EmptyState>
        }
        columns={[
          { head: "Name", cell: (k) => <span class="two-lines"><strong>{k.name}</strong><code>sk_live_…{k.hint}</code></span> },
          { head: "Scope", cell: (k) => <Badge>{scopes.find((s) => s.value === k.scope)?.label ?? k.scope}</Badge> },
          { head: "Last used", cell: (k) => <Time at={k.last_used_at} /> },
          { head: "Standing", cell: (k) => <Standing of={k} />, kind: "wide" },
          { head: "Created", cell: (k) => <Time at={k.created_at} />, kind: "low" },
          { head: "Acts", cell: (k) => !k.revoked_at && <KeyMenu of={k} open={(act) => void (open.value = { act, key: k })} />, kind: "menu" },
        ]}
      />
      {now?.act === "create" && <CreateKey onClose={close} onMade={keys.reload} />}
      {now?.act === "rename" && <RenameKey of={now.key} onClose={close} onDone={keys.reload} />}
      {now?.act === "revoke" && <RevokeKey of={now.key} onClose={close} onDone={keys.reload} />}
    </>
  );
}

function KeyMenu({ of, open }: { of: Key; open: (act: "rename" | "revoke") => void }) {
  return <Menu label={"Acts on " + of.name} items={[{ label: "Rename", run: () => open("rename") }, { label: "Revoke", danger: true, run: () => open("revoke") }]} />;
}

function Standing({ of }: { of: Key }) {
  if (of.revoked_at) return <Badge>revoked</Badge>;
  if (!of.expires_at) return <Badge tone="good" dot>active</Badge>;
  if (Date.parse(of.expires_at) <= Date.now()) return <Badge tone="bad" dot>expired</Badge>;
  const soon = Date.parse(of.expires_at) - Date.now() < 7 * 86_400_000;
  return (
    <span class="row">
      <Badge tone={soon ? "warn" : "good"} dot>
        active
      </Badge>
      <span class="soft">
        ends <Time at={of.expires_at} />
      </span>
    </span>
  );
}

const scopes: { value: Key["scope"]; label: string; hint: string }[] = [
  { value: "ingest", label: "Ingest", hint: "Sends signals and reads nothing. For websites, forms and whatever only reports." },
  { value: "read", label: "Read", hint: "Reads everything but keys, members and the audit log. For reports and exports." },
  { value: "write", label: "Write", hint: "Changes records and sends signals; reads nothing. For one-way synchronisation." },
  { value: "read_write", label: "Read and write", hint: "Both. For integrations that work in both directions." },
  { value: "admin", label: "Admin", hint: "Also keys, members, settings and erasure. For your own automation, and kept like a password." },
];

const lives = [
  { value: "", label: "Never" },
  { value: "30", label: "In 30 days" },
  { value: "90", label: "In 90 days" },
  { value: "365", label: "In a year" },
  { value: "day", label: "After a day that you choose" },
];

function CreateKey({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
  const name = useSignal("");
  const scope = useSignal<Key["scope"]>("ingest");
  const life = useSignal("365");
  const last = useSignal("");
  const made = useSignal<MadeKey | null>(null);
  const { run, busy, error } = useAct(async () => {
    const expires = life.value === "" ? null : life.value === "day" ? startOfDay(last.value, timezone(), 1) : new Date(Date.now() + Number(life.value) * 86_400_000).toISOString();
    made.value = await api.post<MadeKey>("/v1/api-keys", { name: name.value.trim(), scope: scope.value, ...(expires === null ? {} : { expires_at: expires }) });
    onMade();
  });
  if (made.value) return <KeyMade of={made.value} onClose={onClose} />;
  return (
    <Dialog
      title="Create API Key"
      onClose={onClose}
      onSubmit={() => void run()}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={busy} disabled={life.value === "day" && last.value === ""}>
            Create API Key
          </Button>
        </>
      }
    >
      <Input label="Name" value={name.value} onInput={(v) => void (name.value = v)} placeholder="website" hint="What uses it, so that you know later which one to revoke." error={errorOf(error, "name")} max={200} />
      <Choice label="What it may do" value={scope.value} onInput={(v) => void (scope.value = v as Key["scope"])} options={scopes} error={errorOf(error, "scope")} />
      <div class="pair">
        <Select label="Expires" value={life.value} onInput={(v) => void (life.value = v)} options={lives} />
        {life.value === "day" && <Input label="Last day" type="date" value={last.value} onInput={(v) => void (last.value = v)} error={errorOf(error, "expires_at")} />}
      </div>
      <FormError error={error} fields={life.value === "day" ? ["name", "scope", "expires_at"] : ["name", "scope"]} />
    </Dialog>
  );
}

/** KeyMade shows the key, once, and the call that tries it. */
export function KeyMade({ of, onClose }: { of: MadeKey; onClose: () => void }) {
  const url = location.origin + "/v1/signals";
  const curl = `curl -X POST ${url} \\\n  -H "Authorization: Bearer ${of.key}" \\\n  -H "Content-Type: application/json" \\\n  -d '{"type":"page_view","source":"curl","contact":{"email":"jane@example.com"}}'`;
  const sends = of.scope !== "read";
  return (
    <Dialog title={`${of.name} is ready`} onClose={onClose} actions={<Button look="primary" onClick={onClose}>Done</Button>}>
      <SecretOnce secret={of.key} what="API key" />
      {of.expires_at && <p class="soft">It expires on {day(of.expires_at)}.</p>}
      {sends && (
        <div class="stack">
          <p>Send a signal with it:</p>
          <div class="json">
            <pre tabIndex={0} role="region" aria-label="The call">
              <code>{curl}</code>
            </pre>
            <CopyButton text={curl} label="Copy the call" />
          </div>
        </div>
      )}
    </Dialog>
  );
}

function RenameKey({ of, onClose, onDone }: { of: Key; onClose: () => void; onDone: () => void }) {
  const name = useSignal(of.name);
  const { run, busy, error } = useAct(async () => {
    await api.patch("/v1/api-keys/" + of.id, { name: name.value.trim() });
    toast("Renamed.", async () => {
      await api.patch("/v1/api-keys/" + of.id, { name: of.name });
      onDone();
    });
    onDone();
    onClose();
  });
  return (
    <Dialog
      title={"Rename " + of.name}
      onClose={onClose}
      onSubmit={() => void run()}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={busy}>
            Rename
          </Button>
        </>
      }
    >
      <Input label="Name" value={name.value} onInput={(v) => void (name.value = v)} error={errorOf(error, "name")} max={200} />
      <FormError error={error} fields={["name"]} />
    </Dialog>
  );
}

function RevokeKey({ of, onClose, onDone }: { of: Key; onClose: () => void; onDone: () => void }) {
  return (
    <Confirm
      title={`Revoke ${of.name}?`}
      act="Revoke"
      danger
      name={of.name.trim()}
      onClose={onClose}
      onConfirm={async () => {
        await api.del("/v1/api-keys/" + of.id);
        toast(`${of.name} is revoked.`);
        onDone();
      }}
    >
      <p>
        Whatever uses this key is refused from now on, at once and for good. {of.last_used_at ? <>It was last used <Time at={of.last_used_at} />.</> : "It was never used."}
      </p>
    </Confirm>
  );
}
