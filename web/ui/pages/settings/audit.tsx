import { useSignal } from "@preact/signals";
import { Badge, Button, CopyButton, Dialog, Diff, EmptyState, exact, Facts, FilterSelect, FilterTime, Filters, Id, PageHead, type Paged, PagedTable, param, query, setParams, Time, changes, usePages, useLoad, useRange, api } from "../../kit";
import type { Audit as AuditEntry, Member } from "../../api-types";

/** AuditLog is every change: who made it, of what, before and after. */
export function AuditLog() {
  const range = useRange();
  const list = usePages<AuditEntry>("/v1/audit-log" + query({ actor: param("actor"), action: param("action"), subject: param("subject"), ...range }));
  const members = useLoad("audit-members", async (signal) => (await api.list<Member>("/v1/members?limit=200", signal)).rows);
  return <AuditLogView list={list} members={members.value ?? []} />;
}

const kinds: Record<string, string> = {
  api_key: "API key", webhook: "Webhook", delivery: "Delivery", member: "Member", workspace: "Workspace", account: "Account", contact: "Contact", merge: "Merge", import: "Import", job: "Job", icp: "ICP", persona: "Persona",
};

/** said writes an action in words: webhook.updated is "Webhook updated". */
export function said(action: string): string {
  const [kind, ...rest] = action.split(".");
  return [kinds[kind!] ?? kind!, ...rest].join(" ").replaceAll("_", " ");
}

const actorOf = (e: AuditEntry): string => e.actor.name ?? (e.actor.type === "system" ? "Signalbox" : (e.actor.id ?? "unknown"));
const subjectOf = (e: AuditEntry): string => e.subject.name ?? e.subject.id ?? "";

export function AuditLogView({ list, members }: { list: Paged<AuditEntry>; members: Member[] }) {
  const open = useSignal<AuditEntry | null>(null);
  const names = ["actor", "action", "subject", "time", "since", "until"];
  const filtered = names.some((n) => param(n) !== "");
  const clear = () => setParams(Object.fromEntries(names.map((n) => [n, ""])));
  const things = Object.entries(kinds).map(([value, label]) => ({ value, label: label + " changes" }));
  const who = members.map((m) => ({ value: m.id, label: m.name || m.email }));
  const known = (options: { value: string; label: string }[], v: string) => (v === "" || options.some((o) => o.value === v) ? options : [...options, { value: v, label: v }]);
  return (
    <>
      <PageHead title="Audit log">Every change to this workspace: who made it, when, and what it changed. Entries cannot be changed or taken out.</PageHead>
      <Filters>
        <FilterSelect name="actor" label="Who" options={[{ value: "", label: "Anybody" }, ...known(who, param("actor"))]} />
        <FilterSelect name="action" label="What" options={[{ value: "", label: "Anything" }, ...known(things, param("action"))]} />
        <FilterTime />
        {param("subject") !== "" && <Badge>only {param("subject")}</Badge>}
        {filtered && <Button look="quiet" onClick={clear}>Clear</Button>}
      </Filters>
      <PagedTable
        label="Audit log"
        pages={list}
        id={(e) => e.id}
        onOpen={(e) => void (open.value = e)}
        current={(e) => open.value?.id === e.id}
        empty={
          filtered ? (
            <EmptyState icon="search" title="No change fits these filters" actions={<Button onClick={clear}>Clear the filters</Button>} />
          ) : (
            <EmptyState icon="audit" title="Nothing was changed yet"><p>The first key, webhook or invitation appears here.</p></EmptyState>
          )
        }
        columns={[
          { head: "What", cell: (e) => <span class="two-lines"><span>{said(e.action)}</span><span>{subjectOf(e)}</span></span> },
          { head: "Changed", cell: (e) => <span class="soft">{fieldsOf(e)}</span>, kind: "low" },
          { head: "Who", cell: (e) => <>{actorOf(e)}{e.actor.type === "api_key" && <> <Badge>API key</Badge></>}</> },
          { head: "When", cell: (e) => <Time at={e.at} /> },
        ]}
      />
      {open.value && <Entry of={open.value} onClose={() => void (open.value = null)} />}
    </>
  );
}

function fieldsOf(e: AuditEntry): string {
  if (!e.before || !e.after) return "";
  const fields = changes(e.before, e.after).map((c) => c.field);
  return fields.length > 3 ? fields.slice(0, 3).join(", ") + ` and ${fields.length - 3} more` : fields.join(", ");
}

export function Entry({ of: e, onClose }: { of: AuditEntry; onClose: () => void }) {
  const only = (subject: string) => {
    setParams({ subject });
    onClose();
  };
  return (
    <Dialog
      title={said(e.action)}
      wide
      onClose={onClose}
      actions={
        <>
          <CopyButton text={JSON.stringify(e, null, 2)} label="Copy as JSON" words="Copy as JSON" />
          {e.subject.id && <Button onClick={() => only(e.subject.id!)}>All changes of it</Button>}
        </>
      }
    >
      <Facts
        rows={[
          ["Subject", <>{subjectOf(e) || <span class="none">none</span>}</>],
          ["Who", <>{actorOf(e)} <span class="soft">{e.actor.type.replace("_", " ")}</span></>],
          ["When", exact(e.at)],
          ["Request", e.request_id ? <Id of={e.request_id} /> : <span class="none">none</span>],
        ]}
      />
      <Diff before={e.before} after={e.after} />
    </Dialog>
  );
}
