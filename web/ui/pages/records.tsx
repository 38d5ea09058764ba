import type { Account, Audience, Contact, Scoring } from "../api-types";
import { api, can, type Column, EmptyState, FilterInput, FilterSelect, Filters, LinkButton, Note, type Option, PagedTable, type Paged, PageHead, param, params, plural, query, Select, setParams, Time, useLoad, usePages } from "../kit";
import type { Merge, RecordKind } from "../types";
import { Fits } from "./fit";
import { nameOf, words } from "./record";
import { Score } from "./score";

export const Accounts = () => <Records kind="account" />;
export const Contacts = () => <Records kind="contact" />;

const columns: { account: Column<Account>[]; contact: Column<Contact>[] } = {
  account: [
    { head: "Account", cell: nameOf, sort: "name" },
    { head: "Domain", cell: (a) => a.domain ?? <span class="none">–</span> },
    { head: "Status", cell: (a) => a.status ?? <span class="none">–</span>, kind: "low" },
    { head: "Score", cell: (a) => <Score of={a} />, sort: "score" },
    { head: "Fits", cell: (a) => <Fits of={a} />, kind: "low" },
    { head: "Last signal", cell: (a) => <Time at={a.last_signal_at} />, kind: "tight", sort: "last_signal_at" },
    { head: "Known since", cell: (a) => <Time at={a.created_at} />, kind: "low", sort: "created_at" },
  ],
  contact: [
    { head: "Contact", cell: nameOf, sort: "name" },
    { head: "E-mail", cell: (c) => c.email ?? <span class="none">–</span> },
    { head: "Title", cell: (c) => c.title ?? <span class="none">–</span>, kind: "low" },
    { head: "Score", cell: (c) => <Score of={c} />, sort: "score" },
    { head: "Fits", cell: (c) => <Fits of={c} />, kind: "low" },
    { head: "Account", cell: (c) => (c.account_id ? <a href={"/accounts/" + c.account_id}>{c.account_domain ?? "account"}</a> : <span class="none">–</span>) },
    { head: "Last signal", cell: (c) => <Time at={c.last_signal_at} />, kind: "tight", sort: "last_signal_at" },
    { head: "Known since", cell: (c) => <Time at={c.created_at} />, kind: "low", sort: "created_at" },
  ],
};

/** orders are those that the API has; a heading asks for the nearest. */
const orders: Record<string, string> = { "-name": "name", name: "name", created_at: "", "-created_at": "", score: "-score" };

/** sorts are the orders by their names; the newest come first unless another one is asked for. */
const sorts: Option[] = [
  { value: "", label: "Newest first" },
  { value: "-last_signal_at", label: "By latest signal" },
  { value: "-score", label: "By score" },
  { value: "last_signal_at", label: "By oldest signal" },
  { value: "name", label: "By name" },
];

/** narrowing are the parameters that a list is narrowed by. */
const narrowing = ["q", "status", "stage", "audience_id"];

/** choices are what a list can be narrowed by, as far as it is known by now. What the address has is among them in any case. */
type Choices = { stages: string[]; audiences: Option[] };

function Records({ kind }: { kind: RecordKind }) {
  const sort = param("sort");
  const narrowed = { q: param("q"), status: kind === "account" ? param("status") : "", stage: param("stage"), audience_id: param("audience_id") };
  const pages = usePages<Account | Contact>(`/v1/${words[kind].many}` + query({ ...narrowed, sort }));
  const scoring = useLoad("scoring", (stop) => api.get<Scoring>("/v1/scoring", stop));
  const audiences = useLoad("audiences", (stop) => api.all<Audience>("/v1/audiences", stop));
  const choices = {
    stages: scoring.value?.stages[kind].map((s) => s.name) ?? [],
    audiences: audiences.value?.filter((a) => a.entity === kind).map((a) => ({ value: a.id, label: a.name })) ?? [],
  };
  const proposed = useLoad("proposed", (signal) => api.list<Merge>(`/v1/merges?status=proposed&kind=${kind}&limit=50`, signal));
  return <RecordsView kind={kind} pages={pages} sort={sort || "-created_at"} proposals={proposed.value?.rows.length ?? 0} choices={choices} />;
}

type Props = { kind: RecordKind; pages: Paged<Account | Contact>; sort: string; proposals: number; choices?: Choices };

/** among are the options with the one that is chosen, whether it is known or not, behind one for any. */
function among(any: string, known: Option[], chosen: string): Option[] {
  const more = chosen === "" || known.some((o) => o.value === chosen) ? [] : [{ value: chosen, label: chosen }];
  return [{ value: "", label: any }, ...known, ...more];
}

export function RecordsView({ kind, pages, sort, proposals, choices = { stages: [], audiences: [] } }: Props) {
  const w = words[kind];
  const filtered = narrowing.some((name) => params.value.has(name));
  const stages = choices.stages.map((name) => ({ value: name, label: name }));
  return (
    <>
      <PageHead
        title={w.Title}
        actions={
          can("write") && (
            <>
              <LinkButton href="/imports">Imports</LinkButton>
              <LinkButton href={w.path + "/import"} icon="upload">
                Import CSV
              </LinkButton>
            </>
          )
        }
      >
        {kind === "account" ? "The companies that signals are about, known by their domain." : "The people that signals are about, known by e-mail or LinkedIn profile."}
      </PageHead>
      {proposals > 0 && (
        <Note>
          {plural(proposals, "pair")}{proposals === 50 ? " or more" : ""} may be the same {w.one}. <a href={"/merges?kind=" + kind}>Look at {proposals === 1 ? "it" : "them"}</a>
        </Note>
      )}
      <Filters>
        <FilterInput name="q" label={kind === "account" ? "Name or domain" : "Name or e-mail"} search />
        {kind === "account" && <FilterInput name="status" label="Status" list={["prospect", "customer", "churned"]} />}
        <FilterSelect name="stage" label="Stage" options={among("Any stage", stages, param("stage"))} />
        {(choices.audiences.length > 0 || param("audience_id") !== "") && <FilterSelect name="audience_id" label="Audience" options={among("Any audience", choices.audiences, param("audience_id"))} />}
        <Select label="Sort" hideLabel value={sort === "-created_at" ? "" : sort} onInput={(v) => setParams({ sort: v })} options={sorts} />
      </Filters>
      <PagedTable
        label={w.Title}
        pages={pages}
        id={(r) => r.id}
        href={(r) => `${w.path}/${r.id}`}
        columns={columns[kind] as Column<Account | Contact>[]}
        sort={sort}
        onSort={(v) => setParams({ sort: orders[v] ?? v })}
        empty={
          filtered ? (
            <EmptyState icon="search" title={`No ${w.one} fits`} actions={<a href={w.path}>Clear the filters</a>}>
              <p>Try fewer letters, another spelling, or fewer filters.</p>
            </EmptyState>
          ) : (
            <EmptyState icon={kind === "account" ? "accounts" : "contacts"} title={`No ${w.many} yet`} actions={can("write") && <LinkButton href={w.path + "/import"}>Import CSV</LinkButton>}>
              <p>They come to be with the first signal about them, or by an import.</p>
            </EmptyState>
          )
        }
      />
    </>
  );
}
