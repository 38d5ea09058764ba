import { useSignal } from "@preact/signals";
import type { Account, Contact } from "../api-types";
import { api, Button, Card, ErrorState, FormError, Input, navigate, PageHead, plural, query, Skeleton, toast, useAct, useDebounced, useLoad } from "../kit";
import type { Merge, RecordKind } from "../types";
import { type AnyRecord, keyOf, nameOf, scalar, words } from "./record";

export const MergeAccount = ({ id }: { id: string }) => <MergePage kind="account" id={id} />;
export const MergeContact = ({ id }: { id: string }) => <MergePage kind="contact" id={id} />;

function MergePage({ kind, id }: { kind: RecordKind; id: string }) {
  const w = words[kind];
  const record = useLoad<AnyRecord>("merge:" + id, (stop) => api.get<AnyRecord>(`/v1/${w.many}/${encodeURIComponent(id)}`, stop));
  const other = useSignal<AnyRecord | null>(null);
  const r = record.value;
  if (record.error) return <ErrorState error={record.error} retry={record.reload} />;
  if (!r) return <Skeleton lines={6} />;
  return (
    <>
      <PageHead title={"Merge " + nameOf(r)} back={{ href: `${w.path}/${r.id}`, label: nameOf(r) }}>
        Two records that are one {w.one} become one: signals, contacts and keys of both. It can be undone exactly.
      </PageHead>
      {other.value ? <Preview kind={kind} from={r} into={other.value} onBack={() => void (other.value = null)} /> : <Chooser kind={kind} not={r.id} onChoose={(o) => void (other.value = o)} />}
    </>
  );
}

function Chooser({ kind, not, onChoose }: { kind: RecordKind; not: string; onChoose: (r: AnyRecord) => void }) {
  const w = words[kind];
  const text = useSignal("");
  const q = useSignal("");
  useDebounced(text, 200, (v) => void (q.value = v.trim()));
  const found = useLoad("choose:" + q.value, (stop) => api.list<Account | Contact>(`/v1/${w.many}` + query({ q: q.value, limit: 10 }), stop));
  const rows = found.value?.rows.filter((r) => r.id !== not) ?? [];
  return (
    <Card title={`Which ${w.one} does it go into?`}>
      <div class="stack">
        <Input label="Search" type="search" search autofocus placeholder={kind === "account" ? "Name or domain" : "Name or e-mail"} value={text.value} onInput={(v) => void (text.value = v)} />
        {found.error ? (
          <ErrorState error={found.error} retry={found.reload} />
        ) : !found.value ? (
          <Skeleton lines={4} />
        ) : rows.length === 0 ? (
          <p class="soft">No other {w.one} fits.</p>
        ) : (
          <ul class="choices">
            {rows.map((r) => (
              <li key={r.id}>
                <button type="button" onClick={() => onChoose(r)}>
                  <span>{nameOf(r)}</span>
                  <span class="soft">{keyOf(r)}</span>
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Card>
  );
}

function Preview({ kind, from, into, onBack }: { kind: RecordKind; from: AnyRecord; into: AnyRecord; onBack: () => void }) {
  const w = words[kind];
  const swapped = useSignal(false);
  const [a, b] = swapped.value ? [into, from] : [from, into];
  const at = `/v1/${w.many}/${a.id}/merge`;
  const preview = useLoad<Merge>(`${at}>${b.id}`, () => api.post<Merge>(at, { into: b.id, dry_run: true }));
  const { run, busy, error } = useAct(async () => {
    const m = await api.post<Merge>(at, { into: b.id });
    toast("Merged.", () => undo(m.id!));
    await navigate(`${w.path}/${b.id}`, { replace: true });
  });
  return (
    <Card
      title={`${nameOf(a)} goes into ${nameOf(b)}`}
      actions={
        <Button small onClick={() => void (swapped.value = !swapped.peek())}>
          The other way round
        </Button>
      }
    >
      <div class="stack">
        {preview.error ? <ErrorState error={preview.error} retry={preview.reload} /> : preview.value ? <MergeView merge={preview.value} /> : <Skeleton lines={6} />}
        <FormError error={error} />
        <div class="row">
          <Button look="primary" icon="merge" busy={busy} disabled={!preview.value} onClick={() => void run()}>
            Merge
          </Button>
          <Button onClick={onBack}>Choose another</Button>
        </div>
      </div>
    </Card>
  );
}

/** undo takes a merge back. */
export async function undo(id: string): Promise<void> {
  await api.post(`/v1/merges/${id}/undo`);
}

/** MergeView shows both records and what comes of them, a line for each field that differs. */
export function MergeView({ merge }: { merge: Merge }) {
  if (!merge.from || !merge.into || !merge.result) return <p class="soft">One of the two was erased.</p>;
  const { from, into, result } = merge;
  const names = fieldsOf(from, into, result);
  const { contacts, signals, keys } = merge.moves;
  return (
    <div class="stack">
      <p class="soft">
        {[plural(signals, "signal"), ...(merge.kind === "account" ? [plural(contacts, "contact")] : []), plural(keys, "key")].join(", ")} move along.
      </p>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="What comes of it">
        <table class="compare">
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">This</th>
              <th scope="col">Into</th>
              <th scope="col">Result</th>
            </tr>
          </thead>
          <tbody>
            {names.map((n) => (
              <tr key={n}>
                <th scope="row">{n.replace("attributes.", "")}</th>
                {[from, into, result].map((r, i) => (
                  <td key={i}>{at(r, n) === undefined ? <span class="none">–</span> : scalar(at(r, n))}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

const hidden = ["id", "revision", "score", "stage", "created_at", "updated_at", "last_signal_at", "attributes", "account_id"];

function fieldsOf(...records: Record<string, unknown>[]): string[] {
  const names = new Set<string>();
  for (const r of records) {
    for (const [n, v] of Object.entries(r)) if (!hidden.includes(n) && v !== null) names.add(n);
    for (const n of Object.keys((r.attributes as Record<string, unknown>) ?? {})) names.add("attributes." + n);
  }
  return [...names];
}

function at(r: Record<string, unknown>, name: string): unknown {
  const v = name.startsWith("attributes.") ? (r.attributes as Record<string, unknown> | undefined)?.[name.slice(11)] : r[name];
  return v ?? undefined;
}
