import { useComputed, useSignal } from "@preact/signals";
import type { ImportAnswer } from "../api-types";
import { api, Badge, Button, Card, count, FormError, LinkButton, navigate, Note, PageHead, plural, Select, Table, useAct, useUnsaved } from "../kit";
import type { RecordKind } from "../types";
import { attribute, guess, missing, readCSV, skip, targets, toRow } from "./csv";
import { undoImport } from "./imports";
import { words } from "./record";

export const ImportAccounts = () => <ImportPage kind="account" />;
export const ImportContacts = () => <ImportPage kind="contact" />;

const batch = 1000;
const biggest = 64 << 20;

type File = { name: string; heads: string[]; rows: string[][] };
type Outcome = { dry: boolean; done: number; counts: Record<string, number>; refused: { line: number; why: string }[]; name: string };

/** ImportPage takes a file, asks which column is what, tries it without changing anything, and then does it. */
export function ImportPage({ kind }: { kind: RecordKind }) {
  const w = words[kind];
  const file = useSignal<File | null>(null);
  const map = useSignal<string[]>([]);
  const outcome = useSignal<Outcome | null>(null);
  const take = useAct(async (f: globalThis.File) => {
    if (f.size > biggest) throw new Error("This file is larger than 64 MiB. Use signalbox import, which reads files of any size.");
    const [heads, ...rows] = readCSV(await f.text());
    if (!heads || rows.length === 0) throw new Error("There are no rows in this file: it needs a line of headings and at least one more.");
    file.value = { name: f.name, heads, rows };
    map.value = guess(kind, heads);
    outcome.value = null;
  });
  const send = useAct(async (dry: boolean) => {
    const f = file.value!;
    const name = `${f.name.slice(0, 70)} ${new Date().toISOString().slice(0, 19).replace("T", " ")}`;
    let o: Outcome = { dry, done: 0, counts: {}, refused: [], name };
    for (let i = 0; i < f.rows.length; i += batch) {
      const rows = f.rows.slice(i, i + batch).map((cells) => toRow(f.heads, map.value, cells));
      const answer = await api.post<ImportAnswer>(`/v1/${w.many}/batch`, { [w.many]: rows, ...(dry ? { dry_run: true } : { import: name }) });
      o = add(o, answer, i);
      outcome.value = o;
    }
  });
  const going = send.busy;
  useUnsaved(going && !outcome.value?.dry);
  const lack = useComputed(() => missing(kind, map.value));
  return (
    <>
      <PageHead title={"Import " + w.many} back={{ href: w.path, label: w.Title }}>
        A CSV file with a line of headings. Rows about {w.many} that are known change them; the others make new ones.
      </PageHead>
      <Card title="1. The file">
        <div class="row">
          <label class="button plain file">
            <input type="file" accept=".csv,.tsv,.txt,text/csv" onChange={(e) => e.currentTarget.files?.[0] && void take.run(e.currentTarget.files[0])} />
            {file.value ? "Choose another file" : "Choose a file"}
          </label>
          {file.value && (
            <span class="soft">
              {file.value.name}, {plural(file.value.rows.length, "row")}
            </span>
          )}
        </div>
        <FormError error={take.error} />
      </Card>
      {file.value && (
        <Card title="2. Which column is what" flush>
          <Mapping kind={kind} file={file.value} map={map.value} onChange={(m) => { map.value = m; outcome.value = null; }} />
        </Card>
      )}
      {file.value && (
        <Card title="3. Try it, then do it">
          <div class="stack">
            {lack.value !== "" && <Note tone="warn">{lack.value}</Note>}
            {outcome.value && <OutcomeView outcome={outcome.value} total={file.value.rows.length} going={going} />}
            <FormError error={send.error} />
            <div class="row">
              {(!outcome.value || outcome.value.dry) && (
                <>
                  <Button look={outcome.value ? "plain" : "primary"} busy={going && !outcome.value} disabled={lack.value !== "" || going} onClick={() => void send.run(true)}>
                    Try it
                  </Button>
                  <Button look={outcome.value ? "primary" : "plain"} icon="upload" disabled={lack.value !== "" || going || !outcome.value} onClick={() => void send.run(false)}>
                    Import
                  </Button>
                  {!outcome.value && <span class="hint">Trying it changes nothing, and says what would come of each row.</span>}
                </>
              )}
              {outcome.value && !outcome.value.dry && !going && <After name={outcome.value.name} kind={kind} />}
            </div>
          </div>
        </Card>
      )}
    </>
  );
}

/** add counts one answer in. */
export function add(o: Outcome, answer: ImportAnswer, offset: number): Outcome {
  const counts = { ...o.counts };
  const refused = [...o.refused];
  for (const r of answer.results) {
    counts[r.status] = (counts[r.status] ?? 0) + 1;
    // The heading is the file's first line.
    if (r.error && refused.length < 100) refused.push({ line: offset + r.index + 2, why: r.error.message });
  }
  return { ...o, counts, refused, done: o.done + answer.results.length };
}

function Mapping({ kind, file, map, onChange }: { kind: RecordKind; file: File; map: string[]; onChange: (m: string[]) => void }) {
  const options = [{ value: skip, label: "Leave out" }, ...targets[kind].map((t) => ({ value: t.field, label: t.label })), { value: attribute, label: "Attribute" }];
  const choose = (i: number, v: string) => onChange(map.map((old, j) => (j === i ? v : v !== skip && v !== attribute && old === v ? skip : old)));
  return (
    <Table
      label="Columns of the file"
      rows={file.heads.map((head, i) => ({ head, i }))}
      id={(r) => String(r.i)}
      columns={[
        { head: "Column", cell: (r) => r.head || <span class="none">no heading</span> },
        { head: "Becomes", cell: (r) => <Select label={`What ${r.head} becomes`} hideLabel value={map[r.i]!} onInput={(v) => choose(r.i, v)} options={options} /> },
        { head: "For instance", cell: (r) => file.rows.slice(0, 3).map((row) => row[r.i] ?? "").filter(Boolean).join(", "), kind: "low" },
      ]}
    />
  );
}

const tone = { created: "good", updated: "info", unchanged: "neutral", rejected: "bad", failed: "bad" } as const;

export function OutcomeView({ outcome, total, going }: { outcome: Outcome; total: number; going: boolean }) {
  return (
    <div class="stack">
      <p role="status">
        {going ? `${count(outcome.done)} of ${plural(total, "row")}…` : outcome.dry ? `Nothing was changed yet. Of ${plural(outcome.done, "row")}:` : `Done. Of ${plural(outcome.done, "row")}:`}
      </p>
      <progress max={total} value={outcome.done} aria-label="Rows done" />
      <div class="row">
        {Object.entries(tone).map(([s, t]) => (outcome.counts[s] ? <Badge key={s} tone={t}>{`${count(outcome.counts[s]!)} ${outcome.dry ? "would be " : ""}${s}`}</Badge> : null))}
      </div>
      {outcome.refused.length > 0 && (
        <Table label="Rows that were refused" rows={outcome.refused} id={(r) => String(r.line)} columns={[{ head: "Line", cell: (r) => r.line, kind: "tight" }, { head: "Why", cell: (r) => <span class="wrap">{r.why}</span> }]} />
      )}
    </div>
  );
}

function After({ name, kind }: { name: string; kind: RecordKind }) {
  const { run, busy, error } = useAct(async () => {
    await undoImport(name);
    await navigate(words[kind].path);
  });
  return (
    <>
      <LinkButton href={words[kind].path} look="primary">
        To the {words[kind].many}
      </LinkButton>
      <Button icon="undo" busy={busy} onClick={() => void run()}>
        Undo this import
      </Button>
      <FormError error={error} />
    </>
  );
}
