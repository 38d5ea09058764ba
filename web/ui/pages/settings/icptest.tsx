// What an ICP or a persona says of one record.

import { useSignal } from "@preact/signals";
import type { Tested } from "../../api-types";
import { type ApiError, api, Badge, Button, Card, ErrorState, FormError, Input, type Loaded, Note, percent, query, Select, Skeleton, useAct, useDebounced, useLoad } from "../../kit";
import type { RecordKind } from "../../types";
import { type AnyRecord, isContact, keyOf, nameOf } from "../record";
import { Answers, reasonOf } from "../verdict";
import type { Kind } from "./icpdraft";

/** RecordsOf finds records by a search: a hook, the same one at each call. */
export type RecordsOf = (kind: RecordKind, q: string) => Loaded<AnyRecord[]>;

/** useRecords are those that had a signal last. */
export const useRecords: RecordsOf = (kind, q) =>
  useLoad(`judge:${kind}:${q}`, async (stop) => (await api.list<AnyRecord>(`/v1/${kind}s` + query({ q, sort: "-last_signal_at", limit: 6 }), stop)).rows);

/** Tester judges whatever record is picked; judge asks the API, about what is in the form. */
export function Tester({ kind, recordsOf, judge }: { kind: Kind; recordsOf: RecordsOf; judge: (record: Record<string, string>) => Promise<Tested> }) {
  const of = useSignal<AnyRecord | null>(null);
  const verdict = useSignal<Tested | null>(null);
  const { run, busy, error, clear } = useAct(async (r: AnyRecord) => {
    of.value = r;
    verdict.value = null;
    verdict.value = await judge(isContact(r) ? { contact_id: r.id } : { account_id: r.id });
  });
  const another = () => {
    of.value = null;
    clear();
  };
  return (
    <Card title="Test on a record">
      <div class="stack">
        {of.value ? (
          <TestedView of={of.value} verdict={verdict.value} error={error}>
            <Button small busy={busy} onClick={() => void run(of.peek()!)}>
              Test again
            </Button>
            <Button small look="quiet" onClick={another}>
              Another record
            </Button>
          </TestedView>
        ) : (
          <Chooser first={kind === "icp" ? "account" : "contact"} recordsOf={recordsOf} onChoose={(r) => void run(r)} />
        )}
      </div>
    </Card>
  );
}

const kinds = [
  { value: "account", label: "Accounts" },
  { value: "contact", label: "Contacts" },
];

function Chooser({ first, recordsOf, onChoose }: { first: RecordKind; recordsOf: RecordsOf; onChoose: (r: AnyRecord) => void }) {
  const kind = useSignal<RecordKind>(first);
  const text = useSignal("");
  const q = useSignal("");
  useDebounced(text, 200, (v) => void (q.value = v.trim()));
  const found = recordsOf(kind.value, q.value);
  const rows = found.value;
  return (
    <>
      <p class="soft">See what it says of somebody before it judges everybody. Nothing changes.</p>
      <div class="line-of-fields two">
        <Select label="Look among" hideLabel value={kind.value} onInput={(v) => void (kind.value = v as RecordKind)} options={kinds} />
        <Input label="Search a record" hideLabel type="search" placeholder={kind.value === "account" ? "Name or domain" : "Name or e-mail"} value={text.value} onInput={(v) => void (text.value = v)} />
      </div>
      {found.error ? (
        <ErrorState error={found.error} retry={found.reload} />
      ) : !rows ? (
        <Skeleton lines={4} />
      ) : rows.length === 0 ? (
        <p class="soft">{q.value === "" ? "There are no records yet: send a signal first." : "No record fits."}</p>
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
    </>
  );
}

/** TestedView shows a verdict with each answer. */
export function TestedView({ of, verdict, error, children }: { of: AnyRecord; verdict: Tested | null; error: ApiError | null; children?: preact.ComponentChildren }) {
  return (
    <>
      <div class="tested-head">
        <span class="two-lines">
          <strong>{nameOf(of)}</strong>
          <span>{keyOf(of)}</span>
        </span>
        <div class="row">{children}</div>
      </div>
      {error && (error.param === "" ? <FormError error={error} /> : <Note tone="bad">It cannot be tested yet: {error.message}</Note>)}
      {!error && !verdict && <Skeleton lines={5} />}
      {verdict && <Verdict of={verdict} />}
    </>
  );
}

function Verdict({ of: v }: { of: Tested }) {
  return (
    <>
      <p class="tested-verdict" role="status">
        <Badge tone={v.fits ? "good" : "bad"} dot>
          {v.fits ? "fits" : "does not fit"}
        </Badge>
        {v.fits && <strong>{v.score} of 100</strong>}
        <span class="soft">{percent(v.coverage)} of what it asks is known</span>
      </p>
      {!v.fits && <p>{reasonOf(v)}</p>}
      <Answers of={v} label="What it asked" />
      {!v.complete && <Note tone="warn">It asks for signals, and this record has more of them than a test looks at: only the latest were counted.</Note>}
    </>
  );
}
