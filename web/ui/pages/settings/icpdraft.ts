// An ICP or a persona as the form has it, and as the API takes it.

import type { ParameterForm, Parameter, Profile } from "../../api-types";
import { type ConditionRow, read, typedOf } from "../conditions";

export type Kind = "icp" | "persona";

/** words are what differs between the two. */
export const words = {
  icp: { one: "ICP", an: "an ICP", many: "ICPs", api: "/v1/icps", path: "/settings/icps", list: "/settings/icps" },
  persona: { one: "persona", an: "a persona", many: "personas", api: "/v1/personas", path: "/settings/icps/personas", list: "/settings/icps?tab=personas" },
} as const;

export type ParameterDraft = ConditionRow & {
  /** Keeps its place when others go. */
  key: number;
  name: string;
  mode: Parameter["mode"];
  weight: string;
  missing: Parameter["on_missing"];
  /** The expression; null while it is written in fields. */
  text: string | null;
};

export type Draft = { code: string; live: boolean; priority: string; of: string[]; parameters: ParameterDraft[] };

let keys = 0;

export const emptyParameter = (mode: Parameter["mode"] = "score"): ParameterDraft => ({ key: ++keys, name: "", mode, weight: "5", missing: "neutral", text: null, field: "", operator: "equals", value: "" });

export const blank = (): Draft => ({ code: "", live: false, priority: "0", of: [], parameters: [emptyParameter()] });

/** draftOf is what is saved, for the form. A simple comparison is shown in fields, anything else as its expression. */
export const draftOf = (p: Profile): Draft => ({
  code: p.code, live: p.status === "live", priority: String(p.priority), of: p.icp_codes ?? [],
  parameters: p.parameters.map((q) => {
    const typed = typedOf(q.expression);
    return { ...emptyParameter(q.mode), name: q.name, weight: String(q.weight ?? 5), missing: q.on_missing, ...(typed ?? { text: q.expression }) };
  }),
});

/** bodyOf is what the API takes. */
export function bodyOf(d: Draft, kind: Kind): Record<string, unknown> {
  return {
    code: d.code.trim(), status: d.live ? "live" : "draft", priority: Number(d.priority), ...(kind === "persona" ? { icp_codes: d.of } : {}),
    parameters: d.parameters.map((q): Partial<ParameterForm> => ({
      name: q.name.trim(),
      ...(q.text === null ? (q.field.trim() === "" && q.value === "" ? {} : { field: q.field.trim(), operator: q.operator as ParameterForm["operator"], value: read(q) }) : { expression: q.text }),
      mode: q.mode,
      ...(q.mode === "score" ? { weight: Number(q.weight) } : {}),
      on_missing: q.missing,
    })),
  };
}

const asked = (name: string, more: Partial<ParameterDraft>): ParameterDraft => ({ ...emptyParameter(), name, ...more });

/** exampleOf fills the form with something that can be looked at and changed. */
export function exampleOf(kind: Kind): Draft {
  if (kind === "persona") {
    return {
      ...blank(), code: "Decision maker",
      parameters: [
        asked("Title", { mode: "filter", text: 'contact.title.contains("VP") || contact.title.contains("Head")' }),
        asked("Engaged", { field: "contact.score", operator: "greater_or_equal", value: "20", weight: "6" }),
        asked("Intern", { mode: "exclude", field: "contact.title", operator: "contains", value: "Intern" }),
      ],
    };
  }
  return {
    ...blank(), code: "Mid-market SaaS",
    parameters: [
      asked("Size", { mode: "filter", field: "account.attributes.employees", operator: "greater_than", value: "50" }),
      asked("Industry", { field: "account.attributes.industry", value: "SaaS", weight: "8" }),
      asked("Looks around", { text: 'count(signals, "page_view", "30d") >= 3', weight: "4" }),
      asked("Competitor", { mode: "exclude", field: "account.status", value: "competitor" }),
    ],
  };
}

/** count says how many parameters do what, in words. */
export function parametersIn(list: { mode: Parameter["mode"] }[]): string {
  const n = (mode: Parameter["mode"]) => list.filter((q) => q.mode === mode).length;
  const say = (k: number, one: string, many: string) => (k === 0 ? [] : [`${k} ${k === 1 ? one : many}`]);
  return [...say(n("filter"), "must hold", "must hold"), ...say(n("exclude"), "must not", "must not"), ...say(n("score"), "scores", "score")].join(", ");
}
