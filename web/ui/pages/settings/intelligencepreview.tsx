// What another scoring would change, and the jobs that change it.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Job, Move, Moves, Preview } from "../../api-types";
import { api, Badge, Button, can, Check, Confirm, count, Dialog, FormError, Note, plural, Table, toast, useAct } from "../../kit";
import { Score } from "../score";
import { useJob } from "./job";

/** PreviewDialog says who would move. */
export function PreviewDialog({ of, onClose }: { of: Preview; onClose: () => void }) {
  const still = [of.accounts, of.contacts].every((m) => m.up + m.down === 0 && m.stages.length === 0 && m.examples.length === 0);
  return (
    <Dialog title="What would change" wide onClose={onClose} actions={<Button look="primary" onClick={onClose}>Close</Button>}>
      <p class="soft">
        Nothing is changed yet. {plural(of.signals, "signal")} of {plural(of.records, "record")} {of.signals === 1 ? "was" : "were"} scored as it is now, and again as it would be with these points given to what is stored.
      </p>
      {!of.complete && <Note tone="warn">There are more signals. The {count(of.signals)} that came last were looked at; older ones were left out.</Note>}
      {still ? (
        <p role="status">Nobody moves: every score and every stage stays as it is.</p>
      ) : (
        <>
          <MovesView title="Accounts" one="account" path="/accounts/" of={of.accounts} />
          <MovesView title="Contacts" one="contact" path="/contacts/" of={of.contacts} />
          <p class="hint">Names open in a new tab: what is written here stays.</p>
        </>
      )}
    </Dialog>
  );
}

const shown = 10;

function MovesView({ title, one, path, of }: { title: string; one: string; path: string; of: Moves }) {
  return (
    <section class="stack moves">
      <h3>{title}</h3>
      <p role="status" class="row">
        {of.up + of.down === 0 && <span class="soft">No score changes.</span>}
        {of.up > 0 && <Badge tone="good">{`${count(of.up)} up`}</Badge>}
        {of.down > 0 && <Badge tone="bad">{`${count(of.down)} down`}</Badge>}
        {of.stages.map((s) => (
          <span key={s.from + "→" + s.to} class="crossing">
            {s.from} → {s.to} <strong>{count(s.count)}</strong>
          </span>
        ))}
      </p>
      {of.examples.length > 0 && (
        <Table
          label={`The ${one}s that move the most`}
          rows={of.examples.slice(0, shown)}
          id={(m) => m.id}
          columns={[
            { head: title.slice(0, -1), cell: (m) => <a class="row-link" href={path + m.id} target="_blank">{m.name ?? m.id}</a> },
            { head: "Now", cell: (m) => <Score of={m.before} /> },
            { head: "Then", cell: (m) => <span class="row"><span class="soft" aria-hidden="true">→</span><Score of={m.after} /></span> },
            { head: "Change", cell: change, kind: "right" },
          ]}
        />
      )}
    </section>
  );
}

/** change is by how much a score would move, or its points where the score that is shown stays. */
function change(m: Move): ComponentChildren {
  const by = m.after.score - m.before.score;
  return by === 0 ? <span class="soft">0</span> : <strong class={by > 0 ? "good-text" : "bad-text"}>{(by > 0 ? "+" : "−") + count(Math.abs(by))}</strong>;
}

/** RecomputeDialog asks before stored signals are scored anew. */
export function RecomputeDialog({ unsaved, onClose, onBegun }: { unsaved: boolean; onClose: () => void; onBegun: (j: Job) => void }) {
  const tell = useSignal(false);
  return (
    <Confirm title="Recompute stored signals" act="Recompute" onClose={onClose} onConfirm={async () => onBegun(await api.post<Job>("/v1/scoring/recompute", { emit_events: tell.value }))}>
      <p>Every stored signal gets the points of the scoring in force, and all of them are added up again. Signals keep arriving meanwhile, and it goes on after a restart.</p>
      {unsaved && <Note tone="warn">What you changed here is not saved, and does not count.</Note>}
      <Check label="Tell webhooks of who moves" hint="score_changed and stage_changed, for every record that ends up elsewhere." checked={tell.value} onInput={(on) => void (tell.value = on)} />
    </Confirm>
  );
}

/** Rescoring follows the job that works scores out anew until it has ended, and says how it did. */
export function Rescoring({ id, first }: { id: string; first?: Job }) {
  const job = useJob(id, first, () => {});
  const cancel = useAct(async () => {
    await api.post<Job>(`/v1/jobs/${id}/cancel`);
    toast("Cancelled. What was worked out stays.");
  });
  return (
    <RescoringView job={job}>
      {can("write") && (
        <Button look="quiet" small busy={cancel.busy} onClick={() => void cancel.run()}>
          Cancel
        </Button>
      )}
      <FormError error={cancel.error} />
    </RescoringView>
  );
}

const ends: Record<string, string> = { done: "Scores are worked out.", cancelled: "Cancelled: some scores are worked out anew, others will be when their next signal comes." };

/** RescoringView tells how far a job is; children are what can be done about it while it goes on. */
export function RescoringView({ job, children }: { job: Job | undefined; children?: ComponentChildren }) {
  const looked = job && job.done > 0 ? ` ${plural(job.done, "signal and record", "signals and records")} looked at.` : "";
  if (job && job.ended_at !== null) {
    return (
      <Note tone={job.status === "done" ? "good" : job.status === "failed" ? "bad" : "info"}>
        <p role="status">{(ends[job.status] ?? `It ended: ${job.error}`) + looked}</p>
      </Note>
    );
  }
  return (
    <Note>
      <div class="rescoring">
        <p role="status">Working scores out anew.{looked}</p>
        <progress aria-label="Working scores out" {...(job && job.matching > 0 ? { max: Math.max(job.matching, job.done), value: job.done } : {})} />
        {children}
      </div>
    </Note>
  );
}
