import type { Audience, Job } from "../../api-types";
import { api, Badge, can, count, EmptyState, LinkButton, type Loaded, PageHead, PagedTable, type Paged, Time, useLoad, usePages } from "../../kit";
import { useEvery } from "./every";

/** Audiences is the list of audiences. */
export function Audiences() {
  const all = usePages<Audience>("/v1/audiences");
  useEvery(all.rows?.some((a) => a.status === "building") ?? false, all.reload);
  return <AudiencesView audiences={all} />;
}

export function AudiencesView({ audiences }: { audiences: Paged<Audience> }) {
  const add = can("write") && (
    <LinkButton href="/audiences/new" look="primary" icon="plus">
      New audience
    </LinkButton>
  );
  // What is read again and again must not look as if it came for the first time.
  const pages = audiences.rows ? { ...audiences, loading: false } : audiences;
  return (
    <>
      <PageHead title="Audiences" actions={add}>
        Accounts or contacts that a condition holds of. They follow every signal, every change, and time by themselves.
      </PageHead>
      <PagedTable
        label="Audiences"
        pages={pages}
        id={(a) => a.id}
        href={(a) => "/audiences/" + a.id}
        empty={
          <EmptyState icon="audiences" title="No audiences yet" actions={add}>
            <p>Say whom you look for, such as accounts with a score of 40 and a visit in the last two weeks. Who enters and leaves is sent as <code>audience.entered</code> and <code>audience.left</code>.</p>
            {!can("write") && <p>Administrators and analysts make them.</p>}
          </EmptyState>
        }
        columns={[
          { head: "Audience", cell: (a) => a.name },
          { head: "Of", cell: (a) => (a.entity === "account" ? "accounts" : "contacts") },
          { head: "Members", cell: (a) => count(a.members), kind: "right" },
          { head: "State", cell: (a) => <State of={a} /> },
          { head: "Condition", cell: (a) => <code title={a.condition}>{a.condition}</code>, kind: "low" },
          { head: "Changed", cell: (a) => <Time at={a.updated_at} />, kind: "low" },
        ]}
      />
    </>
  );
}

/** State says whether an audience is complete, and how far it is until then. */
export function State({ of }: { of: Audience }) {
  if (of.status === "ready") return <Badge tone="good" dot>ready</Badge>;
  return of.job_id === null ? <Building job={undefined} /> : <Filling key={of.job_id} id={of.job_id} />;
}

function Filling({ id }: { id: string }) {
  const job: Loaded<Job> = useLoad("job:" + id, (stop) => api.get<Job>("/v1/jobs/" + id, stop));
  useEvery(!job.error, job.reload);
  return <Building job={job.value} />;
}

export function Building({ job }: { job: Job | undefined }) {
  const far = job && job.matching > 0 ? Math.min(99, Math.floor((100 * job.done) / job.matching)) : 0;
  return (
    <Badge tone="info" dot>
      building{far > 0 && ` ${far}%`}
    </Badge>
  );
}
