// What a profile said of a record, in the same words wherever it is shown.

import type { Answer, Verdict } from "../api-types";
import { Badge, type Column, Table, type Tone } from "../kit";

const none = <span class="none">–</span>;

const reasons: Record<string, string> = {
  filter: "Something that must hold does not.",
  exclude: "Something that must not hold does.",
  not_enough_data: "Nothing that it asks is known.",
  no_match: "Nothing that scores holds.",
};

/** reasonOf says why a profile does not fit. */
export const reasonOf = (v: Pick<Verdict, "reason">): string => reasons[v.reason ?? ""] ?? v.reason?.replaceAll("_", " ") ?? "It does not fit.";

/** share writes what a parameter gives of a score. */
export const share = (n: number): string => n.toFixed(2);

const modeOf = (a: Answer): string => (a.mode === "filter" ? "must hold" : a.mode === "exclude" ? "must not hold" : `scores, weight ${a.weight}`);

const outcomes: Record<Answer["outcome"], string> = { hit: "holds", miss: "does not hold", missing: "not known", not_asked: "not asked" };

function toneOf(a: Answer): Tone {
  if (a.outcome === "missing") return "warn";
  if (a.outcome === "not_asked") return "neutral";
  if (a.mode === "exclude") return a.outcome === "hit" ? "bad" : "good";
  return a.outcome === "hit" ? "good" : a.mode === "filter" ? "bad" : "neutral";
}

const columns: Column<Answer>[] = [
  {
    head: "Parameter",
    cell: (a) => (
      <span class="two-lines">
        <span>{a.name}</span>
        <span>{modeOf(a)}</span>
      </span>
    ),
  },
  { head: "Outcome", cell: (a) => <Badge tone={toneOf(a)}>{outcomes[a.outcome]}</Badge>, kind: "tight" },
  { head: "Gives", cell: (a) => (a.mode === "score" ? share(a.gives) : none), kind: "right" },
];

/** Answers are what each parameter gave. */
export function Answers({ of, label }: { of: Pick<Verdict, "answers">; label: string }) {
  return <Table label={label} rows={of.answers} id={(a) => a.name} columns={columns} />;
}
