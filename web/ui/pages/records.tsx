import type { Account, Contact } from "../api-types";
import { api, can, type Column, EmptyState, FilterInput, Filters, LinkButton, Note, PagedTable, type Paged, PageHead, param, params, plural, query, setParams, Time, useLoad, usePages } from "../kit";
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
    { head: "Score", cell: (a) => <Score of={a} /> },
    { head: "Fits", cell: (a) => <Fits of={a} />, kind: "low" },
    { head: "Last signal", cell: (a) => <Time at={a.last_signal_at} />, kind: "tight", sort: "last_signal_at" },
    { head: "Known since", cell: (a) => <Time at={a.created_at} />, kind: "low", sort: "created_at" },
  ],
  contact: [
    { head: "Contact", cell: nameOf, sort: "name" },
    { head: "E-mail", cell: (c) => c.email ?? <span class="none">–</span> },
    { head: "Title", cell: (c) => c.title ?? <span class="none">–</span>, kind: "low" },
    { head: "Score", cell: (c) => <Score of={c} /> },
    { head: "Fits", cell: (c) => <Fits of={c} />, kind: "low" },
    { head: "Account", cell: (c) => (c.account_id ? <a href={"/accounts/" + c.account_id}>{c.account_domain ?? "account"}</a> : <span class="none">–</span>) },
    { head: "Last signal", cell: (c) => <Time at={c.last_signal_at} />, kind: "tight", sort: "last_signal_at" },
    { head: "Known since", cell: (c) => <Time at={c.created_at} />, kind: "low", sort: "created_at" },
  ],
};

/** orders are those that the API has; a heading asks for the nearest. */
const orders: Record<string, string> = { "-name": "name", name: "name", created_at: "-created_at" };

function Records({ kind }: { kind: RecordKind }) {
  const sort = param("sort");
  const pages = usePages<Account | Contact>(`/v1/${words[kind].many}` + query({ q: param("q"), status: kind === "account" ? param("status") : "", sort }));
  const proposed = useLoad("proposed", (signal) => api.list<Merge>(`/v1/merges?status=proposed&kind=${kind}&limit=50`, signal));
  return <RecordsView kind={kind} pages={pages} sort={sort || "-created_at"} proposals={proposed.value?.rows.length ?? 0} />;
}

type Props = { kind: RecordKind; pages: Paged<Account | Contact>; sort: string; proposals: number };

export function RecordsView({ kind, pages, sort, proposals }: Props) {
  const w = words[kind];
  const filtered = params.value.has("q") || params.value.has("status");
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
            <EmptyState icon="search" title={`No ${w.one} fits`} actions={<a href={w.path}>Clear the search</a>}>
              <p>Try fewer letters, or another spelling.</p>
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
