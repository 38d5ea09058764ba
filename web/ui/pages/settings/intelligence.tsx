import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { Job, Preview, Scoring } from "../../api-types";
import { api, ApiError, Button, can, Card, Check, ErrorState, FormError, Input, type Loaded, Note, PageHead, Select, Skeleton, toast, useAct, useLoad, useUnsaved } from "../../kit";
import { Decay } from "./decay";
import { bodyOf, type Draft, draftOf, moves, paramsOf, said as saidOf, touched, twice, type Unit } from "./intelligenceform";
import { type PartProps, Points, Rules, Stages } from "./intelligenceparts";
import { PreviewDialog, RecomputeDialog, Rescoring } from "./intelligencepreview";

/** SignalIntelligence is Settings → Signal Intelligence. */
export function SignalIntelligence() {
  return <SignalIntelligenceView scoring={useLoad("scoring", (signal) => api.get<Scoring>("/v1/scoring", signal))} />;
}

export function SignalIntelligenceView({ scoring }: { scoring: Loaded<Scoring> }) {
  const asks = useSignal(false);
  const unsaved = useSignal(false);
  const job = useSignal<{ id: string; first?: Job } | null>(null);
  const s = scoring.value;
  const open = job.value ?? (s?.job_id ? { id: s.job_id } : null);
  const recompute = can("write") && s && <Button onClick={() => void (asks.value = true)}>Recompute stored signals</Button>;
  return (
    <>
      <PageHead title="Signal Intelligence" actions={recompute}>
        What signals are worth, how fast that fades, and what scores are called.
      </PageHead>
      {open && <div class="long-form"><Rescoring key={open.id} {...open} /></div>}
      {scoring.error ? <ErrorState error={scoring.error} retry={scoring.reload} /> : s ? <Form key={s.revision} scoring={s} onDirty={(dirty) => void (unsaved.value = dirty)} onJob={(id) => void (job.value = { id })} /> : <Skeleton lines={14} />}
      {asks.value && <RecomputeDialog unsaved={unsaved.value} onClose={() => void (asks.value = false)} onBegun={(first) => void (job.value = { id: first.id, first })} />}
    </>
  );
}

function Form({ scoring, onDirty, onJob }: { scoring: Scoring; onDirty: (dirty: boolean) => void; onJob: (id: string) => void }) {
  const base = useSignal(scoring);
  const draft = useSignal<Draft>(draftOf(scoring));
  const tell = useSignal(false);
  const theirs = useSignal<Scoring | null>(null);
  const preview = useSignal<Preview | null>(null);
  const d = draft.value;
  const before = draftOf(base.value);
  const mine = touched(before, d);
  const dirty = mine.length > 0;
  const stands = moves(before, d);
  useUnsaved(dirty);
  useEffect(() => onDirty(dirty), [dirty]);
  const show = (s: Scoring) => {
    base.value = s;
    theirs.value = null;
    draft.value = draftOf(s);
    save.clear();
    look.clear();
  };
  const save = useAct(async () => {
    look.clear();
    try {
      const saved = await api.put<Scoring>("/v1/scoring", { ...bodyOf(d), revision: base.value.revision, emit_events: stands && tell.value });
      show(saved);
      tell.value = false;
      if (saved.job_id) onJob(saved.job_id);
      toast("Saved.");
    } catch (e) {
      if (!(e instanceof ApiError) || e.code !== "conflict") throw e;
      const newer = await api.get<Scoring>("/v1/scoring");
      if (newer.revision === base.value.revision) throw e; // it was another conflict
      theirs.value = newer;
    }
  });
  const look = useAct(async () => {
    save.clear();
    preview.value = await api.post<Preview>("/v1/scoring/preview", bodyOf(d));
  });
  const error = save.error ?? look.error;
  useEffect(() => void (error && error.param !== "" && document.querySelector<HTMLElement>("main [aria-invalid=true]")?.focus()), [error]);
  const fixed = !can("write");
  const set = (change: Partial<Draft>) => {
    const [old, next] = [draft.peek(), { ...draft.peek(), ...change }];
    draft.value = next;
    if (rowsOf(old) === rowsOf(next)) return;
    save.clear(); // an error names its row by where it stands, and rows have moved
    look.clear();
  };
  const props: PartProps = { draft: d, set, said: (param) => saidOf(error, param), fixed };
  const ready = dirty && twice(d.types) === "" && theirs.value === null;
  return (
    <form
      class="long-form scoring"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        if (ready) void save.run();
      }}
    >
      {fixed && <Note>How signals are scored is changed by administrators and analysts.</Note>}
      <Fading {...props} base={before} />
      <Points {...props} />
      <Rules {...props} />
      <Stages {...props} />
      {theirs.value && <Changed keep={() => ((base.value = theirs.peek()!), (theirs.value = null))} drop={() => show(theirs.peek()!)} />}
      <FormError error={error} fields={[...paramsOf(d)]} />
      {dirty && (
        <SaveBar mine={mine} tell={stands ? tell : null} discard={() => show(base.value)}>
          <Button busy={look.busy} disabled={twice(d.types) !== ""} onClick={() => void look.run()}>
            Preview
          </Button>
          <Button type="submit" look="primary" busy={save.busy} disabled={!ready}>
            Save changes
          </Button>
        </SaveBar>
      )}
      {preview.value && <PreviewDialog of={preview.value} onClose={() => void (preview.value = null)} />}
    </form>
  );
}

/** SaveBar says what is not saved; tell is whether webhooks are to be told of who moves, null where nobody does. */
function SaveBar({ mine, tell, discard, children }: { mine: string[]; tell: Signal<boolean> | null; discard: () => void; children: ComponentChildren }) {
  return (
    <div class="savebar">
      <span role="status">Not saved yet: {mine.join(", ")}</span>
      {tell && <Check label="Tell webhooks of who moves" checked={tell.value} onInput={(on) => void (tell.value = on)} />}
      <div class="row">
        <Button look="quiet" onClick={discard}>
          Discard
        </Button>
        {children}
      </div>
    </div>
  );
}

/** rowsOf says which rows stand where. */
const rowsOf = ({ rules, stages }: Draft): string => [rules, stages.account, stages.contact].map((rows) => rows.map((r) => r.key)).join(";");

/** Changed tells that somebody else has saved meanwhile, with both ways out. */
export function Changed({ keep, drop }: { keep: () => void; drop: () => void }) {
  return (
    <div class="note warn" role="alert">
      <div class="stack">
        <p>
          <strong>Somebody else has changed the scoring meanwhile.</strong> Theirs is in force. Reload it and lose what you changed, or keep yours: saving it takes the place of theirs.
        </p>
        <div class="row">
          <Button onClick={drop}>Reload</Button>
          <Button look="quiet" onClick={keep}>
            Keep mine
          </Button>
        </div>
      </div>
    </div>
  );
}

const units: { value: Unit; label: string }[] = [
  { value: "d", label: "days" },
  { value: "h", label: "hours" },
  { value: "m", label: "minutes" },
  { value: "s", label: "seconds" },
  { value: "never", label: "never" },
];

/** Fading is how fast points become less, and what bounds them, for all types that say nothing else. */
function Fading({ draft: d, set, said, fixed, base }: PartProps & { base: Draft }) {
  return (
    <Card title="Fading">
      <div class="stack">
        <p class="soft">Points become half as many with each half-life, so that a score tells of the interest of now.</p>
        <div class="fading">
          <div class="half-life">
            {d.half.unit === "never" ? null : (
              <div class="number">
                <Input label="Half-life" type="number" value={d.half.number} onInput={(number) => set({ half: { ...d.half, number } })} disabled={fixed} error={said("half_life")} />
              </div>
            )}
            <Select label={d.half.unit === "never" ? "Half-life" : "Unit"} value={d.half.unit} onInput={(unit) => set({ half: { number: d.half.number || "14", unit: unit as Unit } })} disabled={fixed} options={units} />
          </div>
          <div class="number">
            <Input label="Cap" type="number" value={d.cap} onInput={(cap) => set({ cap })} disabled={fixed} error={said("default_cap")} hint="The most that all signals of one type count together." />
          </div>
          <div class="number">
            <Input label="Boost" type="number" value={d.boost} onInput={(boost) => set({ boost })} disabled={fixed} error={said("boost")} hint="0 to 10. By how much many of a type count more than their sum." />
          </div>
        </div>
        <Decay draft={d} base={base} />
      </div>
    </Card>
  );
}
