// Recovering: sending again what a webhook's receiver has missed, looked at first, and followed while it goes on.

import { useSignal } from "@preact/signals";
import type { Job, RecoveryPreview, Webhook } from "../../api-types";
import { api, Badge, Button, can, Check, count, Dialog, errorOf, FormError, Input, Note, plural, Select, Skeleton, startOfDay, Table, Time, timezone, toast, useAct, useLoad } from "../../kit";
import { useJob } from "./job";
import { nameOf } from "./words";

const spans = [
  { value: "3600", label: "The last hour" },
  { value: "86400", label: "The last 24 hours" },
  { value: "604800", label: "The last 7 days" },
  { value: "2592000", label: "The last 30 days" },
  { value: "day", label: "Since a day…" },
];

const kinds = [
  { word: "failed", label: "Failed", hint: "No attempt was left." },
  { word: "skipped", label: "Skipped", hint: "They came while the webhook was disabled." },
  { word: "never_attempted", label: "Never attempted", hint: "The webhook takes them now; it was made, or came to name them, later." },
  { word: "delivered", label: "Delivered", hint: "Once more. A receiver tells repetitions by webhook-id." },
] as const;

type Order = { since: string; include: string[] };

/** RecoverDialog chooses what is sent again, shows what that would be, and begins it. */
export function RecoverDialog({ of, onClose, onBegun }: { of: Webhook; onClose: () => void; onBegun: () => void }) {
  const span = useSignal("86400");
  const day = useSignal(new Date().toISOString().slice(0, 10));
  const opened = useSignal(Date.now());
  const include = useSignal<string[]>(["failed", "skipped", "never_attempted"]);
  const rate = useSignal("50");
  const since = span.value === "day" ? startOfDay(day.value, timezone(), 0) : new Date(Math.floor(opened.value / 1000 - Number(span.value)) * 1000).toISOString();
  const order: Order = { since, include: include.value };
  const preview = useLoad(JSON.stringify(order), async (signal) =>
    order.include.length === 0 || since === "" ? null : await api.bare<RecoveryPreview>("POST", `/v1/webhooks/${of.id}/recover/preview`, order, signal),
  );
  const { run, busy, error } = useAct(async () => {
    await api.post<Job>(`/v1/webhooks/${of.id}/recover`, { ...order, rate_per_second: Number(rate.value) });
    onBegun();
    onClose();
  });
  const n = preview.value?.matching ?? 0;
  const tick = (word: string, on: boolean) => void (include.value = kinds.map((k) => k.word as string).filter((w) => (w === word ? on : include.value.includes(w))));
  return (
    <Dialog
      title={`Recover ${nameOf(of)}`}
      wide
      onClose={onClose}
      onSubmit={() => n > 0 && void run()}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={busy} disabled={n === 0}>
            {n === 0 ? "Send again" : `Send ${plural(n, "event")}${preview.value?.at_least ? " or more" : ""}`}
          </Button>
        </>
      }
    >
      <Select label="Events of" value={span.value} onInput={(v) => void (span.value = v)} options={spans} />
      {span.value === "day" && <Input label="Day" type="date" value={day.value} onInput={(v) => void (day.value = v)} error={errorOf(preview.error, "since")} />}
      <fieldset class="choice bare">
        <legend>What is sent</legend>
        <div class="checks">
          {kinds.map((k) => (
            <Check key={k.word} label={k.label} hint={k.hint} checked={include.value.includes(k.word)} onInput={(on) => tick(k.word, on)} />
          ))}
        </div>
      </fieldset>
      <Input label="How many in a second" type="number" value={rate.value} onInput={(v) => void (rate.value = v)} error={errorOf(error, "rate_per_second")} hint="1 to 1,000, oldest first. The webhook's own limits hold besides." />
      <Preview of={preview.value} loading={preview.loading} />
      <FormError error={error ?? preview.error} fields={["rate_per_second"]} />
    </Dialog>
  );
}

/** Preview counts what would be sent, and names the oldest. */
export function Preview({ of, loading }: { of: RecoveryPreview | null | undefined; loading: boolean }) {
  if (of === undefined) return loading ? <Skeleton lines={3} /> : null;
  if (of === null) return <p class="soft">Choose what is sent.</p>;
  if (of.matching === 0) return <p role="status">Nothing was missed: there is nothing to send.</p>;
  return (
    <div class="stack">
      <p role="status" class="row">
        {kinds.map((k) => of.counts[k.word] > 0 && <Badge key={k.word}>{`${count(of.counts[k.word])} ${k.label.toLowerCase()}`}</Badge>)}
        {of.at_least && <span class="soft">counted so far</span>}
      </p>
      <Table
        label="The oldest of them"
        rows={of.events.slice(0, 5)}
        id={(e) => e.event_id}
        columns={[
          { head: "The oldest", cell: (e) => e.event },
          { head: "Missed", cell: (e) => e.missed.replaceAll("_", " ") },
          { head: "Happened", cell: (e) => <Time at={e.created_at} /> },
        ]}
      />
    </div>
  );
}

/** going says whether a job is a recovery of a webhook that has not ended. */
const going = (j: Job, of: Webhook): boolean => j.kind === "recover" && j.subject === of.id && j.ended_at === null;

/** Recovering follows the recovery that goes on, if one does; round changes when one has begun. */
export function Recovering({ of, round }: { of: Webhook; round: number }) {
  const jobs = useLoad("recovering:" + of.id + round, (signal) => api.get<Job[]>("/v1/jobs?limit=20", signal));
  const job = jobs.value?.find((j) => going(j, of));
  return job ? <RecoveringView key={job.id} job={job} onEnded={jobs.reload} /> : null;
}

function RecoveringView({ job, onEnded }: { job: Job; onEnded: () => void }) {
  const now = useJob(job.id, job, (j) => {
    toast(j.status === "failed" ? `The recovery ended: ${j.error}` : `${plural(j.done, "event")} of the recovery ${j.done === 1 ? "is" : "are"} on the way.`);
    onEnded();
  });
  const cancel = useAct(async () => {
    await api.post<Job>(`/v1/jobs/${job.id}/cancel`);
    toast("Cancelled. What was not sent yet stays as it was.");
    onEnded();
  });
  const act = can("admin") && (
    <Button look="quiet" busy={cancel.busy} onClick={() => void cancel.run()}>
      Cancel the recovery
    </Button>
  );
  return (
    <RecoveryProgress job={now ?? job}>
      {act}
      <FormError error={cancel.error} />
    </RecoveryProgress>
  );
}

/** RecoveryProgress tells how far a recovery is. */
export function RecoveryProgress({ job: { done, matching }, children }: { job: Job; children?: preact.ComponentChildren }) {
  return (
    <Note>
      <p role="status">{`Recovering: ${count(done)} of ${plural(Math.max(matching, done), "event")} set going.`}</p>
      <progress max={Math.max(matching, done, 1)} value={done} aria-label="Events set going" />
      {children}
    </Note>
  );
}
