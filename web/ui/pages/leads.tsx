import type { Lead } from "../api-types";
import { can, type Column, CopyButton, count, EmptyState, PageHead, type Paged, PagedTable, Time, usePages } from "../kit";
import { CodeAndScore } from "./fit";
import { Score } from "./score";
import { curlOf } from "./types/words";

/** Leads is the page of the records that signals landed on. */
export function Leads() {
  return <LeadsView pages={usePages<Lead>("/v1/leads")} />;
}

const none = <span class="none">–</span>;

const company = (l: Lead): string => l.account?.name || l.account?.domain || "";

/** personOf is how the one is called whom a signal named; "" where it named none. */
const personOf = (l: Lead): string => (l.contact ? l.contact.name || l.contact.email || l.contact.linkedin_url || "Contact without a name" : "");

const columns: Column<Lead>[] = [
  { head: "Lead", cell: (l) => <Who of={l} /> },
  { head: "Qualification", cell: (l) => <Qualification of={l.qualification} /> },
  { head: "Score", cell: (l) => <Score of={l} /> },
  { head: "First source", cell: (l) => l.first_source ?? none, kind: "low" },
  { head: "Last source", cell: (l) => l.last_source ?? none, kind: "low" },
  { head: "Signals by source", cell: (l) => <Sources of={l.signals_by_source} /> },
  { head: "Last signal", cell: (l) => <Time at={l.last_signal_at} />, kind: "tight" },
];

/** Who is a person and the company, or the company alone. */
function Who({ of }: { of: Lead }) {
  const person = personOf(of);
  return (
    <span class="two-lines">
      <strong>{person || company(of) || "Account without a name"}</strong>
      {person !== "" && company(of) !== "" && <span>{company(of)}</span>}
    </span>
  );
}

/** Qualification says whom a lead fits, and how well. */
function Qualification({ of: q }: { of: Lead["qualification"] }) {
  if (!q) return none;
  if (q.icp_code === null && q.persona_code === null) return <span class="soft">no fit</span>;
  return (
    <span class="two-lines">
      {q.icp_code !== null && <CodeAndScore code={q.icp_code} score={q.icp_score} otherwise="" />}
      {q.persona_code !== null && <CodeAndScore code={q.persona_code} score={q.persona_score} otherwise="" />}
    </span>
  );
}

/** shownSources is how many sources have room in a row. */
const shownSources = 2;

/** Sources counts signals by where they came from, most first. */
function Sources({ of }: { of: Lead["signals_by_source"] }) {
  const all = Object.entries(of).sort(([, a], [, b]) => b - a);
  if (all.length === 0) return none;
  const more = all.length - shownSources;
  return (
    <span class="soft" title={all.map(([source, n]) => `${source}: ${count(n)}`).join("\n")}>
      {all.slice(0, shownSources).map(([source, n], i) => (
        <span key={source}>
          {i > 0 && ", "}
          {source} <b>{count(n)}</b>
        </span>
      ))}
      {more > 0 && ` and ${more} more`}
    </span>
  );
}

export function LeadsView({ pages }: { pages: Paged<Lead> }) {
  return (
    <>
      <PageHead title="Leads">The people and companies that signals landed on, those with the latest signals first: whom they fit, how warm they are, and where they came from.</PageHead>
      <PagedTable label="Leads" pages={pages} id={(l) => l.id} href={(l) => (l.contact ? "/contacts/" + l.contact.id : "/accounts/" + (l.account?.id ?? l.id))} columns={columns} empty={<NoLeads />} />
    </>
  );
}

/** NoLeads teaches how the first one comes to be. */
function NoLeads() {
  const command = curlOf({ name: "form_submit" }, location.origin);
  return (
    <>
      <EmptyState icon="leads" title="No leads yet">
        <p>
          A lead is there with the first signal about a person or a company. Capture one as below
          {can("admin") && (
            <>
              , with a key of <a href="/settings/api-keys">Settings → API Keys</a>
            </>
          )}
          : the answer says whom it fits.
        </p>
      </EmptyState>
      <div class="snippet lone">
        <pre tabIndex={0} role="region" aria-label="The command for a first lead">{command}</pre>
        <CopyButton text={command} label="Copy the command" />
      </div>
    </>
  );
}
