import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import {
  Badge, Button, CopyButton, Dialog, EmptyState, exact, Facts, Filters, Id, Input, JsonView, live, LinkButton, ms, PageHead, type Paged, PagedTable, param, query, RangeFilter, Select, setParams, Status, Time, useDebounced, useLive, usePages, useRange,
} from "../../kit";
import type { LogEntry } from "../../types";

const filters = ["q", "signal_id", "domain", "status"];

/** Logs is Settings → Logs: what became of every signal, and of whatever else was refused. */
export function Logs() {
  const range = useRange();
  const list = usePages<LogEntry>("/v1/logs" + query({ ...Object.fromEntries(filters.map((f) => [f, param(f)])), ...range }));
  const paused = param("live") === "off";
  const fresh = useRef(new Set<string>());
  useLive<LogEntry>(
    "log",
    (row) => {
      if (list.page > 0 || !fits(row, range)) return;
      fresh.current.add(row.id);
      list.update((rows) => (rows.some((r) => r.id === row.id) ? rows : [row, ...rows].slice(0, 200)));
    },
    !paused,
  );
  return <LogsView list={list} fresh={(row) => fresh.current.has(row.id)} />;
}

/** outcome is what became of a request, in the API's word. */
export function outcome(row: LogEntry): string {
  if (row.outcome) return row.outcome;
  return row.status >= 400 ? "refused" : row.ignored.length > 0 ? "ignored_fields" : "accepted";
}

/** fits says whether a row is one that the filters of the address ask for, as the API would. */
function fits(row: LogEntry, range: { from: string; to: string }): boolean {
  const q = param("q").toLowerCase();
  const at = Date.parse(row.at);
  const text = [row.request_id, row.path, row.code, row.message, row.param, row.signal_id, row.type, row.source, row.domain, row.email].join("\n").toLowerCase();
  return (
    (q === "" || text.includes(q)) &&
    (param("signal_id") === "" || param("signal_id") === row.signal_id) &&
    (param("domain") === "" || param("domain").toLowerCase() === row.domain) &&
    (param("status") === "" || param("status") === outcome(row)) &&
    (range.from === "" || at >= Date.parse(range.from)) &&
    (range.to === "" || at <= Date.parse(range.to))
  );
}

/** Typed is a filter that is written to the address once the typing has paused. */
function Typed({ name, label, placeholder, search }: { name: string; label: string; placeholder: string; search?: boolean }) {
  const text = useSignal(param(name));
  const written = useRef(param(name));
  if (param(name) !== written.current) {
    written.current = param(name); // changed from elsewhere: a link, or Clear
    if (text.peek().trim() !== param(name)) text.value = param(name);
  }
  useDebounced(text, 300, (v) => setParams({ [name]: v.trim() }));
  return <Input label={label} type="search" search={search} value={text.value} onInput={(v) => void (text.value = v)} placeholder={placeholder} />;
}

export function LogsView({ list, fresh }: { list: Paged<LogEntry>; fresh?: (row: LogEntry) => boolean }) {
  const open = useSignal<LogEntry | null>(null);
  const filtered = [...filters, "time", "from", "to"].some((f) => param(f) !== "");
  const clear = () => setParams({ q: "", signal_id: "", domain: "", status: "", time: "", from: "", to: "" });
  return (
    <>
      <PageHead title="Logs" actions={<LiveSwitch />}>
        What became of every signal that was sent, and of every request that was refused.
      </PageHead>
      <Filters>
        <Typed name="q" label="Search" placeholder="Message, type, e-mail, request…" search />
        <Typed name="signal_id" label="Signal id" placeholder="sig_…" />
        <Typed name="domain" label="Domain" placeholder="acme.com" />
        <Select
          label="Status"
          value={param("status")}
          onInput={(status) => setParams({ status })}
          options={[{ value: "", label: "Any" }, { value: "accepted", label: "Accepted" }, { value: "duplicate", label: "Duplicate" }, { value: "refused", label: "Refused" }, { value: "ignored_fields", label: "Ignored fields" }]}
        />
        <RangeFilter />
        {filtered && <Button look="quiet" onClick={clear}>Clear</Button>}
      </Filters>
      <PagedTable
        label="Logs"
        pages={list}
        id={(l) => l.id}
        fresh={fresh}
        onOpen={(l) => void (open.value = l)}
        current={(l) => open.value?.id === l.id}
        empty={
          filtered ? (
            <EmptyState icon="search" title="Nothing fits these filters" actions={<Button onClick={clear}>Clear the filters</Button>}>
              <p>A signal that is not here never arrived: look at what sends it, and at its API key.</p>
            </EmptyState>
          ) : (
            <EmptyState icon="logs" title="Nothing was sent yet" actions={<LinkButton href="/settings/api-keys">To the API Keys</LinkButton>}>
              <p>Send a signal with an API key: it appears here at once, refused ones with the reason.</p>
            </EmptyState>
          )
        }
        columns={[
          { head: "What", cell: (l) => <span class="two-lines"><span>{l.type ?? `${l.method} ${l.path}`}</span><span>{l.message ?? (l.ignored.length > 0 ? "Ignored: " + l.ignored.join(", ") : (l.source ?? ""))}</span></span> },
          { head: "Status", cell: (l) => <Status of={outcome(l)} /> },
          { head: "Whose", cell: (l) => l.email ?? l.domain ?? <span class="none">–</span> },
          { head: "Key", cell: (l) => l.api_key?.name ?? <span class="none">–</span>, kind: "low" },
          { head: "Time", cell: (l) => <Time at={l.at} /> },
        ]}
      />
      {open.value && <Entry of={open.value} onClose={() => void (open.value = null)} />}
    </>
  );
}

/** LiveSwitch holds the rows still, or lets them come. */
function LiveSwitch() {
  const paused = param("live") === "off";
  return (
    <>
      {!paused && live.value === "on" && <Badge tone="good" dot>live</Badge>}
      <Button icon={paused ? "play" : "pause"} onClick={() => setParams({ live: paused ? "" : "off" })}>
        {paused ? "Resume" : "Pause"}
      </Button>
    </>
  );
}

function Entry({ of: l, onClose }: { of: LogEntry; onClose: () => void }) {
  const none = <span class="none">none</span>;
  return (
    <Dialog title={l.type ?? `${l.method} ${l.path}`} wide onClose={onClose} actions={<><CopyButton text={JSON.stringify(l, null, 2)} label="Copy as JSON" words="Copy as JSON" />{l.signal_id && <LinkButton href={"/signals/" + l.signal_id}>To the signal</LinkButton>}</>}>
      <p class="row">
        <Status of={outcome(l)} />
        {l.status > 0 && <Badge>{l.status}</Badge>}
        {l.message && <strong>{l.message}</strong>}
      </p>
      <Facts
        rows={[
          ["Time", exact(l.at)],
          ["Signal", l.signal_id ? <Id of={l.signal_id} /> : none],
          ["Source", l.source ?? none],
          ["Company", l.domain ?? none],
          ["Person", l.email ?? none],
          ["Code", l.code ? <code>{l.code}</code> : none],
          ["Field", l.param ? <code>{l.param}</code> : none],
          ["Ignored fields", l.ignored.length > 0 ? l.ignored.map((f) => <><code>{f}</code> </>) : none],
          ["API key", l.api_key?.name ?? none],
          ["Request", l.request_id ? <Id of={l.request_id} /> : none],
          ["Call", l.path ? <code>{l.method} {l.path}</code> : none],
          ["Took", l.took_ms > 0 ? ms(l.took_ms) : none],
        ]}
      />
      {l.code === "validation_error" && <JsonView value={{ code: l.code, message: l.message, param: l.param }} label="error" />}
    </Dialog>
  );
}
