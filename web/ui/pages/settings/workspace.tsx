import { useSignal } from "@preact/signals";
import type { Workspace as Settings } from "../../api-types";
import { api, ApiError, Button, can, Card, Check, ErrorState, errorOf, Facts, FormError, Id, Input, type Loaded, Note, PageHead, session, Skeleton, Textarea, Time, toast, useAct, useLoad, useUnsaved } from "../../kit";
import { type Draft, draftOf, type FieldName, fieldLabels, mistakes, patchOf, rebase, touched } from "./workspaceform";

/** Workspace is Settings → Workspace. */
export function Workspace() {
  return <WorkspaceView settings={useLoad("workspace", (signal) => api.get<Settings>("/v1/workspace", signal))} />;
}

export function WorkspaceView({ settings }: { settings: Loaded<Settings> }) {
  const w = settings.value;
  return (
    <>
      <PageHead title="Workspace">Its name and time, its limits, how long things are kept, and how signals find their account.</PageHead>
      {settings.error ? <ErrorState error={settings.error} retry={settings.reload} /> : w ? <Form settings={w} /> : <Skeleton lines={10} />}
    </>
  );
}

function Form({ settings }: { settings: Settings }) {
  const base = useSignal(settings);
  const draft = useSignal<Draft>(draftOf(settings));
  const theirs = useSignal<Settings | null>(null);
  const d = draft.value;
  const mine = touched(base.value, d);
  const wrong = mistakes(d);
  const set = (name: FieldName, v: string) => void (draft.value = { ...draft.peek(), [name]: v });
  const show = (w: Settings) => {
    base.value = w;
    theirs.value = null;
    if (session.value) session.value = { ...session.value, workspace: { ...session.value.workspace, name: w.name, timezone: w.timezone } };
  };
  const { run, busy, error, clear } = useAct(async () => {
    try {
      const saved = await api.patch<Settings>("/v1/workspace", { ...patchOf(d, mine), revision: base.value.revision });
      show(saved);
      draft.value = draftOf(saved);
      toast("Saved.");
    } catch (e) {
      if (!(e instanceof ApiError) || e.code !== "conflict") throw e;
      theirs.value = await api.get<Settings>("/v1/workspace");
    }
  });
  useUnsaved(mine.length > 0);
  const dropMine = (w: Settings) => {
    show(w);
    draft.value = draftOf(w);
    clear();
  };
  const keepMine = (w: Settings) => {
    draft.value = rebase(w, d, mine);
    show(w);
  };
  const fixed = !can("admin");
  const said = (...names: FieldName[]) => names.map((n) => wrong[n]).find(Boolean) ?? errorOf(error, ...names);
  const props = { d, set, said, fixed };
  return (
    <form
      class="long-form"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        if (mine.length > 0 && Object.keys(wrong).length === 0) void run();
      }}
    >
      {fixed && <Note>Settings are changed by administrators.</Note>}
      <General {...props} of={base.value} />
      <Limits {...props} />
      <Retention {...props} />
      <Matching {...props} />
      {theirs.value && <Conflict theirs={theirs.value} base={base.value} mine={mine} keep={keepMine} drop={dropMine} />}
      <FormError error={error} fields={Object.keys(fieldLabels)} />
      {mine.length > 0 && (
        <div class="savebar">
          <span role="status">Not saved yet: {mine.map((m) => fieldLabels[m]).join(", ")}</span>
          <Button look="quiet" onClick={() => dropMine(base.value)}>
            Discard
          </Button>
          <Button type="submit" look="primary" busy={busy} disabled={theirs.value !== null || Object.keys(wrong).length > 0}>
            Save changes
          </Button>
        </div>
      )}
    </form>
  );
}

/** Conflict tells that somebody else has saved meanwhile, and what that means for what stands here. */
export function Conflict({ theirs, base, mine, keep, drop }: { theirs: Settings; base: Settings; mine: FieldName[]; keep: (w: Settings) => void; drop: (w: Settings) => void }) {
  const both = touched(base, draftOf(theirs)).filter((f) => mine.includes(f));
  return (
    <div class="note warn" role="alert">
      <div class="stack">
        <p>
          <strong>Somebody else has changed these settings</strong> <Time at={theirs.updated_at} />.{" "}
          {both.length === 0 ? "Other fields than yours: nothing of theirs is lost when you keep yours." : `They changed ${both.map((f) => fieldLabels[f]).join(", ")} too: keeping yours replaces theirs.`}
        </p>
        <div class="row">
          <Button onClick={() => keep(theirs)}>Keep mine and look again</Button>
          <Button look="quiet" onClick={() => drop(theirs)}>
            Discard mine
          </Button>
        </div>
      </div>
    </div>
  );
}

type Part = { d: Draft; set: (name: FieldName, v: string) => void; said: (...names: FieldName[]) => string; fixed: boolean };

function General({ d, set, said, fixed, of }: Part & { of: Settings }) {
  return (
    <Card title="General">
      <div class="stack">
        <div class="pair">
          <Input label="Name" value={d.name} onInput={(v) => set("name", v)} disabled={fixed} error={said("name")} max={200} />
          <Input label="Timezone" value={d.timezone} onInput={(v) => set("timezone", v)} disabled={fixed} list={zones} hint="Times are shown in it to everybody here." error={said("timezone")} />
        </div>
        <Facts rows={[["Id", <Id of={of.id} />], ["Made", <Time at={of.created_at} />], ["Changed", <Time at={of.updated_at} />]]} />
      </div>
    </Card>
  );
}

const zones: string[] = Intl.supportedValuesOf?.("timeZone") ?? [];

function Limits({ d, set, said, fixed }: Part) {
  const pair = (key: "workspace" | "key" | "requests", title: string) => {
    const [minute, day] = [`limits.${key}.per_minute` as FieldName, `limits.${key}.per_day` as FieldName];
    return (
      <div class="pair">
        <Input label={title + ", a minute"} type="number" value={d[minute]} onInput={(v) => set(minute, v)} disabled={fixed} error={said(minute)} placeholder="unlimited" />
        <Input label={title + ", a day"} type="number" value={d[day]} onInput={(v) => set(day, v)} disabled={fixed} error={said(day)} placeholder="unlimited" />
      </div>
    );
  };
  return (
    <Card title="Limits">
      <div class="stack">
        <p class="soft">What is above a limit is refused with 429 and the time to wait. Empty is unlimited; a day is one of UTC.</p>
        {pair("workspace", "Signals of all")}
        {pair("key", "Signals of each key")}
        {pair("requests", "Other requests")}
      </div>
    </Card>
  );
}

function Retention({ d, set, said, fixed }: Part) {
  return (
    <Card title="Retention">
      <div class="stack">
        <p class="soft">What is older is deleted for good, some minutes after it has passed the day. Empty is for ever.</p>
        <div class="pair">
          <Input label="Signals, days" type="number" value={d["retention.signal_days"]} onInput={(v) => set("retention.signal_days", v)} disabled={fixed} placeholder="for ever" error={said("retention.signal_days")} />
          <Input label="Events and deliveries, days" type="number" value={d["retention.event_days"]} onInput={(v) => set("retention.event_days", v)} disabled={fixed} placeholder="for ever" error={said("retention.event_days")} />
        </div>
      </div>
    </Card>
  );
}

function Matching({ d, set, said, fixed }: Part) {
  return (
    <Card title="Account Matching">
      <div class="stack">
        <p class="soft">
          A signal belongs to the company of <code>account.domain</code>. Without one, the domain of <code>contact.email</code> counts, unless it is a mailbox provider's such as gmail.com.
        </p>
        <Check
          label="Require identity"
          hint="Refuse signals that have neither account.domain nor contact.email. Without it they are kept and belong to nobody."
          checked={d.require_identity === "true"}
          disabled={fixed}
          onInput={(on) => set("require_identity", on ? "true" : "")}
        />
        <div class="pair">
          <Textarea label="Mailbox providers, added" optional mono rows={5} value={d["mailbox_providers.added"]} onInput={(v) => set("mailbox_providers.added", v)} disabled={fixed} placeholder="mail.example.org" hint="A domain to a line: addresses there say nothing about a company." error={said("mailbox_providers.added")} />
          <Textarea label="Mailbox providers, removed" optional mono rows={5} value={d["mailbox_providers.removed"]} onInput={(v) => set("mailbox_providers.removed", v)} disabled={fixed} placeholder="proton.me" hint="Taken off the list that comes with Signalbox: companies after all." error={said("mailbox_providers.removed")} />
        </div>
        <Textarea label="Aliases" optional mono rows={5} value={d.aliases} onInput={(v) => set("aliases", v)} disabled={fixed} placeholder="acme.de = acmecorp.com" hint="A line each: the domain, an equals sign, and the domain that it stands for. Both are one account." error={said("aliases")} />
      </div>
    </Card>
  );
}
