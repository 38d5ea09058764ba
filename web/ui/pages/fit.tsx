// What a record's qualification came to: in a word, in short, and in a drawer with what every ICP and persona said.

import type { Fit, Qualification, Qualified, Verdict } from "../api-types";
import { api, Badge, Button, Card, Dialog, EmptyState, ErrorState, Facts, type Loaded, percent, setParams, Skeleton, Time, useKept, useLoad } from "../kit";
import type { RecordKind } from "../types";
import { type AnyRecord, words } from "./record";
import { Answers, reasonOf, share } from "./verdict";

const none = <span class="none">–</span>;

/** Fits is the ICP that a record fits, for lists. */
export function Fits({ of }: { of: { qualification: Fit | null } }) {
  const code = of.qualification?.icp_code;
  return code ? <span class="soft">{code}</span> : none;
}

/** CodeAndScore is a profile that fits, and how well. */
export function CodeAndScore({ code, score, otherwise }: { code: string | null; score: number | null; otherwise: string }) {
  if (code === null) return <span class="none">{otherwise}</span>;
  return (
    <span class="fit">
      <span>{code}</span>
      <strong>{score}</strong>
    </span>
  );
}

/** qualifiedFacts are a qualification's two codes, each with its score. */
export const qualifiedFacts = (q: Qualified): [string, preact.ComponentChildren][] => [
  ["ICP", <CodeAndScore code={q.icp_code} score={q.icp_score} otherwise="fits no ICP" />],
  ["Persona", <CodeAndScore code={q.persona_code} score={q.persona_score} otherwise="none" />],
];

/** FitCard is a record's qualification in short, and leads to its breakdown. */
export function FitCard({ of }: { of: AnyRecord }) {
  const q = of.qualification;
  return (
    <Card
      title="Qualification"
      actions={
        q && (
          <Button look="quiet" small onClick={() => setParams({ fit: "now" })}>
            Breakdown
          </Button>
        )
      }
    >
      {q ? <Facts rows={[...qualifiedFacts(q), ["Qualified", <Time at={q.qualified_at} />]]} /> : <p class="soft">Never qualified: no live ICP has judged it yet.</p>}
    </Card>
  );
}

/** Breakdown says what every live ICP and persona said of a record. It follows the record. */
export function Breakdown({ kind, of }: { kind: RecordKind; of: AnyRecord }) {
  const path = `/v1/${words[kind].many}/${of.id}/qualification`;
  const said = useKept(useLoad(`${path} ${of.qualification?.qualified_at ?? ""}`, (stop) => api.get<Qualification>(path, stop)));
  return <BreakdownView said={said} onClose={() => setParams({ fit: "" })} />;
}

export function BreakdownView({ said, onClose }: { said: Loaded<Qualification>; onClose: () => void }) {
  const q = said.error ? undefined : said.value;
  return (
    <Dialog title={q ? titleOf(q) : "Qualification"} drawer onClose={onClose} actions={<Button look="primary" onClick={onClose}>Close</Button>}>
      {said.error ? <ErrorState error={said.error} retry={said.reload} /> : q ? <Said of={q} /> : <Skeleton lines={8} />}
    </Dialog>
  );
}

const titleOf = (q: Qualification): string => (q.qualified_at === null ? "Never qualified" : q.icp_code === null ? "Why it fits no ICP" : `Why it fits ${q.icp_code}`);

function Said({ of: q }: { of: Qualification }) {
  if (q.qualified_at === null) {
    return (
      <EmptyState icon="accounts" title="No ICP has judged it yet">
        <p>It is judged with the next signal that is about it, once an ICP is live.</p>
      </EmptyState>
    );
  }
  return (
    <div class="verdicts">
      <p class="soft">
        Judged <Time at={q.qualified_at} />. Of those that fit, the best score wins.
      </p>
      <h3>ICPs</h3>
      {q.icps.length === 0 ? <p class="soft">No ICP is live.</p> : q.icps.map((v) => <VerdictView key={v.code} of={v} wins={v.code === q.icp_code} />)}
      {q.icp_code !== null && (
        <>
          <h3>Personas</h3>
          {q.personas.length === 0 ? <p class="soft">None was asked: no live persona belongs to this ICP, or there is no person.</p> : q.personas.map((v) => <VerdictView key={v.code} of={v} wins={v.code === q.persona_code} />)}
        </>
      )}
    </div>
  );
}

function VerdictView({ of: v, wins }: { of: Verdict; wins: boolean }) {
  return (
    <section class="verdict" aria-label={v.code}>
      <header>
        <h4>{v.code}</h4>
        {v.fits ? <Badge tone={wins ? "good" : "neutral"}>{wins ? "fits best" : "fits"}</Badge> : <Badge>does not fit</Badge>}
        <span class="soft">version {v.version}</span>
      </header>
      {!v.fits && <p>{reasonOf(v)}</p>}
      <Answers of={v} label={"What " + v.code + " asked"} />
      <Sum of={v} />
    </section>
  );
}

/** Sum adds up what the parameters give, and says how much was known. */
function Sum({ of: v }: { of: Verdict }) {
  const weighs = v.answers.some((a) => a.gives > 0);
  return (
    <dl class="why-sum">
      <div>
        <dt>Coverage: known of what it asks</dt>
        <dd>{percent(v.coverage)}</dd>
      </div>
      {v.fits && (
        <>
          <div>
            <dt>{weighs ? "Together" : "Nothing is weighed: what passes scores"}</dt>
            <dd>{share(weighs ? v.answers.reduce((sum, a) => sum + a.gives, 0) : v.score)}</dd>
          </div>
          <div class="why-score">
            <dt>Score, in whole points</dt>
            <dd>
              <strong>{v.score}</strong>
            </dd>
          </div>
        </>
      )}
    </dl>
  );
}
