import { useSignal } from "@preact/signals";
import type { Capture, Delivery, Signal } from "../api-types";
import { api, Button, can, Card, EmptyState, ErrorState, Facts, FormError, Id, JsonView, type Loaded, Note, type Paged, PagedTable, PageHead, Skeleton, Status, Time, useAct, useLoad, usePages } from "../kit";
import { qualifiedFacts } from "./fit";
import { points } from "./score";
import { company, person } from "./signal-columns";

export function SignalPage({ id }: { id: string }) {
  const at = "/v1/signals/" + encodeURIComponent(id);
  const signal = useLoad(at, (stop) => api.get<Signal>(at, stop));
  const caused = usePages<Delivery>(at + "/deliveries");
  return <SignalView signal={signal} caused={caused} />;
}

const back = { href: "/signals", label: "Signals" };

export function SignalView({ signal, caused, qualified }: { signal: Loaded<Signal>; caused: Paged<Delivery>; qualified?: Capture }) {
  const answer = useSignal(qualified);
  const { run, busy, error } = useAct(async (id: string) => void (answer.value = await api.post<Capture>(`/v1/signals/${encodeURIComponent(id)}/qualify`)));
  const s = signal.value;
  if (!s) {
    return (
      <>
        <PageHead title="Signal" back={back} />
        {signal.error ? <ErrorState error={signal.error} retry={signal.reload} /> : <Skeleton lines={6} />}
      </>
    );
  }
  return (
    <>
      <PageHead
        title={s.type}
        back={back}
        actions={
          can("write") &&
          !s.erased_at &&
          (s.account ?? s.contact) && (
            <Button busy={busy} onClick={() => void run(s.id)}>
              Qualify
            </Button>
          )
        }
      >
        From {s.source}, <Time at={s.occurred_at} />
      </PageHead>
      {s.erased_at && <Note tone="warn">The record that this signal was about was erased; only its type and times are left.</Note>}
      <div class="split">
        <div class="stack">
          <Card title="Properties">{Object.keys(s.properties).length === 0 ? <p class="soft">It was sent without properties.</p> : <JsonView value={s.properties} label="properties" />}</Card>
          <Card title="What it caused" flush>
            <Caused caused={caused} />
          </Card>
        </div>
        <aside class="stack">
          <div class="answer" role="status">
            <FormError error={error} />
            {answer.value && <Answered of={answer.value} record={recordOf(s)} />}
          </div>
          <Card title="About">
            <Facts
              rows={[
                ["Account", s.account ? <a href={"/accounts/" + s.account.id}>{company(s)}</a> : <span class="none">none</span>],
                ["Contact", s.contact ? <a href={"/contacts/" + s.contact.id}>{person(s)}</a> : <span class="none">none</span>],
                ["Event", s.event_name ?? <span class="none">–</span>],
                ["Source", <a href={"/signals?source=" + encodeURIComponent(s.source)}>{s.source}</a>],
                ["Occurred", <Time at={s.occurred_at} />],
                ["Taken", <Time at={s.created_at} />],
                ["Points", <Reasons of={s} />],
                ["Backfill", s.backfill ? "yes: it caused nothing" : "no"],
                ["Id", <Id of={s.id} />],
              ]}
            />
          </Card>
        </aside>
      </div>
    </>
  );
}

/** recordOf is the page of the record that a signal landed on: the contact, or else the account. */
const recordOf = (s: Signal): string => (s.contact ? "/contacts/" + s.contact.id : s.account ? "/accounts/" + s.account.id : "");

/** Answered is what qualifying came to just now. */
function Answered({ of: { qualification: q }, record }: { of: Capture; record: string }) {
  return (
    <Card title="Qualified just now" actions={record !== "" && q.icp_score !== null && <a href={record + "?fit=now"}>Why?</a>}>
      {q.icp_score === null ? <p class="soft">Nothing was judged: no ICP is live.</p> : <Facts rows={qualifiedFacts(q)} />}
    </Card>
  );
}

/** Reasons says what the signal was worth, and which rules made it so. */
function Reasons({ of }: { of: Signal }) {
  return (
    <span class="two-lines">
      <span>{points(of.score)}</span>
      <span>{of.score_reasons.map((r) => `${r.rule} ${points(r.points)}`).join(", ")}</span>
    </span>
  );
}

function Caused({ caused }: { caused: Paged<Delivery> }) {
  return (
    <PagedTable
      label="Deliveries that this signal caused"
      pages={caused}
      id={(d) => d.id}
      href={(d) => `/settings/webhooks/${d.webhook_id}/deliveries/${d.id}`}
      empty={
        <EmptyState title="No deliveries">
          <p>No webhook was subscribed to what happened here, or it was history.</p>
        </EmptyState>
      }
      columns={[
        { head: "Event", cell: (d) => d.event },
        { head: "Status", cell: (d) => <Status of={d.status} /> },
        { head: "Attempts", cell: (d) => d.attempt_count, kind: "right" },
        { head: "Webhook", cell: (d) => <code>{d.webhook_id}</code>, kind: "low" },
        { head: "Made", cell: (d) => <Time at={d.created_at} />, kind: "tight" },
      ]}
    />
  );
}
