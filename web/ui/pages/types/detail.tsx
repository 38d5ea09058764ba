import { useSignal } from "@preact/signals";
import type { SignalType } from "../../api-types";
import { api, Button, can, Card, Confirm, CopyButton, count, ErrorState, Facts, Id, LinkButton, type Loaded, navigate, Note, PageHead, Skeleton, Switch, Table, Time, toast, useAct, useLoad } from "../../kit";
import { change } from "./list";
import { curlOf, Kinds, Named } from "./words";

const back = { href: "/signals/types", label: "Signal types" };

export function TypePage({ id }: { id: string }) {
  const at = "/v1/signal-types/" + encodeURIComponent(id);
  return <TypeView type={useLoad<SignalType>(at, (stop) => api.get<SignalType>(at, stop))} />;
}

export function TypeView({ type }: { type: Loaded<SignalType> }) {
  const open = useSignal(false);
  const t = type.value;
  if (!t) {
    return (
      <>
        <PageHead title="Signal type" back={back} />
        {type.error ? <ErrorState error={type.error} retry={type.reload} /> : <Skeleton lines={6} />}
      </>
    );
  }
  const acts = can("write") && (
    <>
      {t.declared && (
        <Button look="danger" onClick={() => void (open.value = true)}>
          Delete
        </Button>
      )}
      <LinkButton href={`/signals/types/${t.id}/edit`} look={t.declared ? "plain" : "primary"}>
        {t.declared ? "Edit" : "Declare"}
      </LinkButton>
    </>
  );
  return (
    <>
      <PageHead title={t.label} back={back} actions={acts}>
        {t.source_description ?? <>Signals call it <code>{t.name}</code>.</>}
      </PageHead>
      {!t.declared && !t.builtin && <Note>Signals have made this type. <code>POST /signals</code> refuses it until it is declared; <code>POST /v1/signals</code> takes it as it is.</Note>}
      <div class="split">
        <div class="stack">
          <Card title="Sub-rules" flush={t.sub_rules.length > 0}>
            <Buckets of={t} />
          </Card>
          {t.enabled && <Call of={t} />}
        </div>
        <aside class="stack">
          <Card title="About">
            <About of={t} onChanged={type.reload} />
          </Card>
        </aside>
      </div>
      {open.value && <Remove of={t} onClose={() => void (open.value = false)} />}
    </>
  );
}

/** Buckets says of how many signals each sub-rule holds. */
function Buckets({ of }: { of: SignalType }) {
  if (of.sub_rules.length === 0) return <p class="soft">It has none: its signals are not told apart.</p>;
  const asked = of.counted ?? 0;
  return (
    <>
      <Table
        label="Sub-rules"
        rows={of.sub_rules}
        id={(r) => r.name}
        columns={[
          { head: "Name", cell: (r) => <span class="two-lines"><strong>{r.name}</strong><code class="when">{r.when}</code></span>, kind: "wide" },
          { head: "Signals", cell: (r) => <Named as="Signals">{count(r.signals ?? 0)}</Named>, kind: "right" },
        ]}
      />
      <p class="soft under-table">
        {asked === 0 ? "There is no signal of it yet." : of.complete ? `Counted over ${asked === 1 ? "its one signal" : `all its ${count(asked)} signals`}, just now.` : `Counted over its latest ${count(asked)} signals, just now.`}
      </p>
    </>
  );
}

function Call({ of }: { of: SignalType }) {
  const curl = curlOf(of, location.origin);
  return (
    <Card title="Send one" actions={<CopyButton text={curl} label="Copy the call" words="Copy" />}>
      <div class="json">
        <pre tabIndex={0} role="region" aria-label="The call">
          <code>{curl}</code>
        </pre>
      </div>
    </Card>
  );
}

function About({ of, onChanged }: { of: SignalType; onChanged: () => void }) {
  const { run, busy } = useAct(async (by: Record<string, unknown>) => {
    try {
      await change(of, by);
      toast("Saved.");
    } catch (e) {
      toast(e instanceof Error ? e.message : String(e));
    }
    onChanged();
  });
  return (
    <Facts
      rows={[
        ["Kind", <Kinds of={of} />],
        ["Name in signals", <span class="id"><code>{of.name}</code><CopyButton text={of.name} label="Copy the name" /></span>],
        ["Autoqualify", <Switch label="Autoqualify" on={of.autoqualify} disabled={!can("write")} busy={busy} onInput={(v) => void run({ autoqualify: v })} />],
        ["Enabled", <Switch label="Enabled" on={of.enabled} disabled={!can("write")} busy={busy} onInput={(v) => void run({ enabled: v })} />],
        ["Signals", <a href={"/signals?type=" + encodeURIComponent(of.name)}>Those of this type</a>],
        [of.declared ? "Made" : "First seen", <Time at={of.created_at} />],
        ["Id", <Id of={of.id ?? ""} />],
      ]}
    />
  );
}

function Remove({ of, onClose }: { of: SignalType; onClose: () => void }) {
  return (
    <Confirm
      title={`Delete ${of.label}?`}
      act="Delete"
      danger
      onClose={onClose}
      onConfirm={async () => {
        await api.del("/v1/signal-types/" + of.id);
        toast(`${of.label} is no longer declared.`);
        await navigate(back.href, { force: true });
      }}
    >
      <p>
        {of.builtin ? "It is taken as it was built in from now on." : <><code>POST /signals</code> refuses it from now on.</>} Its sub-rules go with it. Signals that were sent stay, and while there are any the type stays in the list as seen.
      </p>
    </Confirm>
  );
}
