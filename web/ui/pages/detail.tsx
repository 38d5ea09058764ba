import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { Contact, Job, Signal } from "../api-types";
import {
  api, can, Card, Confirm, type Column, EmptyState, ErrorState, Facts, Id, LinkButton, type Loaded, Menu, navigate, type Paged, PagedTable, PageHead, param, query, setParams, Skeleton, Tabs, Time, toast,
  useCalm, useGathered, useLoad, usePages,
} from "../kit";
import type { RecordKind } from "../types";
import { Breakdown, FitCard } from "./fit";
import { newest } from "./overview";
import { type AnyRecord, isContact, keyOf, nameOf, scalar, words } from "./record";
import { ScoreAndWhy } from "./score";
import { type Course, CourseCard, useCourse } from "./scorehistory";
import { signalColumns } from "./signal-columns";
import { Why } from "./why";

export const AccountPage = ({ id }: { id: string }) => <Detail key={id} kind="account" id={id} />;
export const ContactPage = ({ id }: { id: string }) => <Detail key={id} kind="contact" id={id} />;

function Detail({ kind, id }: { kind: RecordKind; id: string }) {
  const at = `/v1/${words[kind].many}/${encodeURIComponent(id)}`;
  const record = useLoad<AnyRecord>(at, (stop) => api.get<AnyRecord>(at, stop));
  const course = useCourse(kind, id);
  const timeline = usePages<Signal>(at + "/timeline");
  const people = usePages<Contact>("/v1/contacts" + query({ account_id: id }), (path, stop) => (kind === "account" ? api.list<Contact>(path, stop) : Promise.resolve({ rows: [], next: "", total: null })));
  const anew = useCalm(() => {
    record.reload();
    course.reload();
  }, 3_000);
  useGathered<Signal>(
    "signal",
    50,
    (rows) => {
      const mine = rows.filter((s) => s[kind]?.id === record.value?.id);
      if (mine.length === 0) return;
      if (timeline.page === 0) timeline.update((shown) => newest(mine, shown, 50));
      anew();
    },
    !!record.value,
  );
  return (
    <>
      <DetailView kind={kind} record={record} course={course} timeline={timeline} people={people} />
      {record.value && param("why") !== "" && <Why kind={kind} of={record.value} at={param("why")} onAt={(why) => setParams({ why })} />}
      {record.value && param("fit") !== "" && <Breakdown kind={kind} of={record.value} />}
    </>
  );
}

type Props = { kind: RecordKind; record: Loaded<AnyRecord>; course: Loaded<Course>; timeline: Paged<Signal>; people: Paged<Contact> };

export function DetailView({ kind, record, course, timeline, people }: Props) {
  const w = words[kind];
  const erasing = useSignal(false);
  const r = record.value;
  const known = useRef(false); // what stands below the plot waits for it once
  known.current ||= !!course.value || !!course.error;
  const back = { href: w.path, label: w.Title };
  if (!r) {
    return (
      <>
        <PageHead title={kind === "account" ? "Account" : "Contact"} back={back} />
        {record.error ? <ErrorState error={record.error} retry={record.reload} /> : <Skeleton lines={8} />}
      </>
    );
  }
  const self = `${w.path}/${r.id}`;
  const tab = param("tab") || "timeline";
  const tabs = [{ id: "timeline", label: "Timeline" }, ...(kind === "account" ? [{ id: "contacts", label: "Contacts" }] : []), { id: "attributes", label: "Attributes", count: Object.keys(r.attributes).length }];
  return (
    <>
      <PageHead
        title={nameOf(r)}
        back={back}
        actions={
          can("write") && (
            <>
              <LinkButton href={self + "/edit"}>Edit</LinkButton>
              <Menu
                label={"More for this " + w.one}
                items={[
                  { label: "Merge with another…", icon: "merge", href: self + "/merge" },
                  ...(can("admin") ? (["line", { label: "Erase…", icon: "close", danger: true, run: () => void (erasing.value = true) }] as const) : []),
                ]}
              />
            </>
          )
        }
      >
        {nameOf(r) === keyOf(r) ? undefined : keyOf(r)}
      </PageHead>
      {known.current ? (
        <div class="split">
          <div class="stack">
            <CourseCard course={course} />
            <Tabs label="Views" tabs={tabs} current={tab} onChange={(v) => setParams({ tab: v === "timeline" ? "" : v })}>
              {tab === "contacts" ? <People people={people} /> : tab === "attributes" ? <Attributes of={r} /> : <Timeline timeline={timeline} kind={kind} />}
            </Tabs>
          </div>
          <aside class="stack">
            <Card title="About">
              <Facts rows={isContact(r) ? contactFacts(r) : accountFacts(r)} />
            </Card>
            <FitCard of={r} />
          </aside>
        </div>
      ) : (
        <Skeleton lines={8} />
      )}
      {erasing.value && <Erase kind={kind} record={r} onClose={() => void (erasing.value = false)} />}
    </>
  );
}

const none = <span class="none">–</span>;

const common = (r: AnyRecord): [string, ComponentChildren][] => [
  ["Score", <ScoreAndWhy of={r} />],
  ["Last signal", <Time at={r.last_signal_at} />],
  ["Known since", <Time at={r.created_at} />],
  ["Changed", <Time at={r.updated_at} />],
  ["Id", <Id of={r.id} />],
];

const accountFacts = (r: AnyRecord): [string, ComponentChildren][] => {
  if (isContact(r)) return common(r);
  return [["Domain", r.domain ?? none], ["Status", r.status ?? none], ...common(r)];
};

const contactFacts = (r: Contact): [string, ComponentChildren][] => [
  ["E-mail", r.email ?? none],
  ["Title", r.title ?? none],
  ["LinkedIn", r.linkedin_url ?? none],
  ["Account", r.account_id ? <a href={"/accounts/" + r.account_id}>{r.account_domain ?? "account"}</a> : none],
  ...common(r),
];

function Timeline({ timeline, kind }: { timeline: Paged<Signal>; kind: RecordKind }) {
  const shown = kind === "account" ? signalColumns.filter((c) => c.head !== "Account") : signalColumns.filter((c) => c.head !== "Contact");
  return (
    <PagedTable
      label="Timeline"
      pages={timeline}
      id={(s) => s.id}
      href={(s) => "/signals/" + s.id}
      columns={shown}
      empty={
        <EmptyState icon="signals" title="No signals">
          <p>Nothing has been said about this {words[kind].one} yet, or it is older than what is kept.</p>
        </EmptyState>
      }
    />
  );
}

const peopleColumns: Column<Contact>[] = [
  { head: "Contact", cell: nameOf },
  { head: "E-mail", cell: (c) => c.email ?? none },
  { head: "Title", cell: (c) => c.title ?? none, kind: "low" },
  { head: "Last signal", cell: (c) => <Time at={c.last_signal_at} />, kind: "tight" },
];

function People({ people }: { people: Paged<Contact> }) {
  return (
    <PagedTable
      label="Contacts"
      pages={people}
      id={(c) => c.id}
      href={(c) => "/contacts/" + c.id}
      columns={peopleColumns}
      empty={
        <EmptyState icon="contacts" title="No contacts">
          <p>People with an e-mail address of this company appear here.</p>
        </EmptyState>
      }
    />
  );
}

function Attributes({ of }: { of: AnyRecord }) {
  const all = Object.entries(of.attributes);
  if (all.length === 0) {
    return (
      <EmptyState title="No attributes">
        <p>Signals and imports bring them along, and you can write your own.</p>
      </EmptyState>
    );
  }
  return <Facts rows={all.map(([name, v]) => [name, scalar(v)])} />;
}

function Erase({ kind, record, onClose }: { kind: RecordKind; record: AnyRecord; onClose: () => void }) {
  const w = words[kind];
  const erase = async () => {
    await api.del<Job>(`/v1/${w.many}/${record.id}`);
    toast(`The ${w.one} is being erased.`);
    await navigate(w.path, { force: true });
  };
  return (
    <Confirm title={`Erase this ${w.one}?`} act="Erase" danger name={keyOf(record)} onConfirm={erase} onClose={onClose}>
      <p>
        <strong>{nameOf(record)}</strong> goes, and what its signals said goes with it: their types and times stay, for the counts. This cannot be undone.
      </p>
    </Confirm>
  );
}
