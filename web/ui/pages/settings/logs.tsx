import { useSignal } from "@preact/signals";
import {
  Badge, Button, CopyButton, Dialog, EmptyState, exact, Facts, FilterInput, FilterSelect, Filters, FilterTime, Id, live, LinkButton, ms, PageHead, type Paged, PagedTable, param, plural, query, type Range, setParams, Status, Time, useGathered, usePages, useRange,
} from "../../kit";
import type { Log } from "../../api-types";

const filters = ["q", "signal_id", "domain", "status"];

/** Logs is Settings → Logs: what became of every signal, and of whatever else was refused. */
export function Logs() {
  const range = useRange();
  const list = usePages<Log>("/v1/logs" + query({ ...Object.fromEntries(filters.map((f) => [f, param(f)])), ...range }));
  const paused = param("live") === "off";
  const fresh = useSignal<Set<string>>(new Set());
  const follows = !paused && list.page === 0 && range.to === "" && !list.error;
  useGathered<Log>(
    "log",
    50,
    (rows) => {
      const mine = rows.filter((r) => fits(r, range));
      if (mine.length === 0) return;
      const ids = new Set(mine.map((r) => r.id));
      fresh.value = ids;
      list.update((shown) => [...mine, ...shown.filter((r) => !ids.has(r.id))].slice(0, 50));
    },
    follows,
  );
  return <LogsView list={list} follows={follows} fresh={(row) => fresh.value.has(row.id)} />;
}

/** fits says whether a row is one that the filters of the address ask for, as the API would. */
function fits(row: Log, range: Range): boolean {
  const q = param("q").toLowerCase();
  const text = [row.request_id, row.path, row.code, row.message, row.param, row.signal_id, row.type, row.source, row.domain, row.email].join("\n").toLowerCase();
  return (
    text.includes(q) &&
    (param("signal_id") === "" || param("signal_id") === row.signal_id) &&
    (param("domain") === "" || param("domain").toLowerCase() === row.domain) &&
    (param("status") === "" || param("status") === row.status) &&
    (range.from === "" || Date.parse(row.at) >= Date.parse(range.from))
  );
}

const titleOf = (l: Log): string => l.type ?? [l.method, l.path].filter(Boolean).join(" ");

export function LogsView({ list, follows, fresh }: { list: Paged<Log>; follows: boolean; fresh?: (row: Log) => boolean }) {
  const open = useSignal<Log | null>(null);
  const filtered = [...filters, "time", "since", "until"].some((f) => param(f) !== "");
  const clear = () => setParams({ q: "", signal_id: "", domain: "", status: "", time: "", since: "", until: "" });
  return (
    <>
      <PageHead title="Logs" actions={<LiveSwitch />}>
        <span class="live-line">
          <i class={"lamp" + (follows && live.value === "on" ? " on" : "")} aria-hidden="true" />
          What became of every signal that was sent, and of every request that was refused.
        </span>
      </PageHead>
      <Filters>
        <FilterInput name="q" label="Search messages, types, e-mails" search />
        <FilterInput name="signal_id" label="Signal id" />
        <FilterInput name="domain" label="Domain" />
        <FilterSelect
          name="status"
          label="Status"
          options={[{ value: "", label: "Any status" }, { value: "accepted", label: "Accepted" }, { value: "duplicate", label: "Duplicate" }, { value: "refused", label: "Refused" }, { value: "ignored_fields", label: "Ignored fields" }]}
        />
        <FilterTime />
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
          { head: "What", cell: (l) => <span class="two-lines"><span>{titleOf(l)}</span><span>{l.count > 1 && `${plural(l.count, "time", "times")}: `}{l.message ?? (l.ignored.length > 0 ? "Ignored: " + l.ignored.join(", ") : (l.source ?? ""))}</span></span> },
          { head: "Status", cell: (l) => <Status of={l.status} /> },
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
    <Button icon={paused ? "play" : "pause"} onClick={() => setParams({ live: paused ? "" : "off" })}>
      {paused ? "Follow" : "Pause"}
    </Button>
  );
}

export function Entry({ of: l, onClose }: { of: Log; onClose: () => void }) {
  const none = <span class="none">none</span>;
  return (
    <Dialog title={titleOf(l)} wide onClose={onClose} actions={<><CopyButton text={JSON.stringify(l, null, 2)} label="Copy as JSON" words="Copy as JSON" />{l.signal_id && <LinkButton href={"/signals/" + l.signal_id}>To the signal</LinkButton>}</>}>
      <p class="row">
        <Status of={l.status} />
        {l.http_status !== null && <Badge>{l.http_status}</Badge>}
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
          ["Requests", l.count > 1 ? `${plural(l.count, "request")} like this one` : "1"],
          ["Took", l.took_ms !== null ? ms(l.took_ms) : none],
        ]}
      />
    </Dialog>
  );
}
