// The fields of an ICP or a persona.

import { useSignal } from "@preact/signals";
import type { Profile } from "../../api-types";
import { type ApiError, api, Button, Check, errorOf, FormError, Input, type Loaded, Note, Select, Textarea, useLoad } from "../../kit";
import { operators } from "../conditions";
import { type Draft, emptyParameter, type Kind, type ParameterDraft } from "./icpdraft";

/** CodesOf gives the codes of the ICPs that there are: a hook, the same one at each call. */
export type CodesOf = () => Loaded<string[]>;

export const useCodes: CodesOf = () => useLoad("icp-codes", async (stop) => (await api.list<Profile>("/v1/icps?limit=200", stop)).rows.map((p) => p.code));

type FieldsProps = { kind: Kind; codesOf: CodesOf; draft: Draft; set: (change: Partial<Draft>) => void; error: ApiError | null };

/** ProfileFields are all of them, each with what the API said of it. */
export function ProfileFields({ kind, codesOf, draft, set, error }: FieldsProps) {
  const change = (key: number, by: Partial<ParameterDraft>) => set({ parameters: draft.parameters.map((q) => (q.key === key ? { ...q, ...by } : q)) });
  return (
    <>
      <div class="pair">
        <Input label="Code" value={draft.code} onInput={(code) => set({ code })} max={200} placeholder={kind === "icp" ? "Mid-market SaaS" : "Decision maker"} hint="What it is called, also where a qualification names it." error={errorOf(error, "code")} />
        <Input label="Priority" type="number" value={draft.priority} onInput={(priority) => set({ priority })} hint="Of two with the same score the one with the higher priority wins." error={errorOf(error, "priority")} />
      </div>
      {kind === "persona" && <Belongs codesOf={codesOf} value={draft.of} onInput={(of) => set({ of })} error={errorOf(error, "icp_codes")} />}
      <fieldset class="choice bare">
        <legend>Parameters</legend>
        <div class="checks">
          {draft.parameters.map((q, i) => (
            <ParameterFields key={q.key} at={i} value={q} error={error} onInput={(by) => change(q.key, by)} onRemove={() => set({ parameters: draft.parameters.filter((o) => o.key !== q.key) })} />
          ))}
          <div class="row">
            <Button small icon="plus" onClick={() => set({ parameters: [...draft.parameters, emptyParameter()] })}>
              Add a parameter
            </Button>
          </div>
        </div>
        {error?.param === "parameters" && (
          <p class="error" role="alert">
            {error.message}
          </p>
        )}
      </fieldset>
      <Check label="Live" hint="It judges every signal that comes from now on. A draft judges nothing, and can be tested." checked={draft.live} onInput={(live) => set({ live })} />
      <FormError error={error} fields={["code", "priority", "icp_codes", "parameters"]} />
    </>
  );
}

const modes = [
  { value: "filter", label: "Must hold" },
  { value: "exclude", label: "Must not hold" },
  { value: "score", label: "Scores" },
];

const missings = {
  filter: ["Pass it over", "Does not fit", "Counts as holding"],
  exclude: ["Pass it over", "Does not fit", "Counts as not holding"],
  score: ["Leave its weight out", "Gives nothing", "Gives its weight"],
};

const fields = [
  "account.domain", "account.name", "account.status", "account.attributes.…", "account.score", "account.stage", "contact.title", "contact.email", "contact.attributes.…", "contact.score", "contact.stage",
  "properties.…", "signal.type", "signal.source", "signals.type", "signals.properties.…",
];

/** plain takes the place out of what the API said: it stands there. */
function plain(said: string): string {
  const words = said.replace(/^parameters[[.]\d+\]?\S*?:? (?=\S)/i, "");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

type ParameterProps = { at: number; value: ParameterDraft; error: ApiError | null; onInput: (by: Partial<ParameterDraft>) => void; onRemove: () => void };

function ParameterFields({ at, value: q, error, onInput, onRemove }: ParameterProps) {
  const said = (...names: string[]) => plain(errorOf(error, ...names.flatMap((n) => [`parameters[${at}].${n}`, `parameters.${at}.${n}`])));
  const of = `Parameter ${at + 1}, `;
  return (
    <div class="parameter" role="group" aria-label={`Parameter ${at + 1}`}>
      <div class="parameter-head">
        <Input label={of + "name"} hideLabel value={q.name} onInput={(name) => onInput({ name })} max={200} placeholder="Size" error={said("name")} />
        <Select label={of + "what it does"} hideLabel value={q.mode} onInput={(v) => onInput({ mode: v as ParameterDraft["mode"] })} options={modes} error={said("mode")} />
        <Button look="quiet" icon="close" label={`Take parameter ${at + 1} out`} onClick={onRemove} />
      </div>
      {q.text === null ? (
        <div class="line-of-fields condition">
          <Input label={of + "field"} hideLabel mono list={fields} value={q.field} onInput={(field) => onInput({ field })} placeholder="account.attributes.employees" error={said("field", "expression")} />
          <Select label={of + "comparison"} hideLabel value={q.operator} onInput={(operator) => onInput({ operator })} options={operators} error={said("operator")} />
          <Input label={of + "value"} hideLabel value={q.value} onInput={(value) => onInput({ value })} placeholder={q.operator === "in" ? "DE, AT, CH" : "50"} error={said("value")} />
        </div>
      ) : (
        <Textarea label={of + "expression"} hideLabel mono rows={2} value={q.text} onInput={(text) => onInput({ text })} placeholder={'count(signals, "page_view", "30d") >= 3'} error={said("expression", "field", "operator", "value")} />
      )}
      <div class="parameter-foot">
        {q.mode === "score" && (
          <label class="weight">
            <span>Weight</span>
            <input type="range" min="1" max="10" step="1" value={q.weight} aria-label={of + "weight"} onInput={(e) => onInput({ weight: e.currentTarget.value })} />
            <output>{q.weight}</output>
          </label>
        )}
        {said("weight") !== "" && (
          <p class="error" role="alert">
            {said("weight")}
          </p>
        )}
        <div class="missing">
          <span aria-hidden="true">If not known</span>
          <Select
            label={of + "if not known"}
            hideLabel
            value={q.missing}
            onInput={(v) => onInput({ missing: v as ParameterDraft["missing"] })}
            options={(["neutral", "fail", "pass"] as const).map((value, i) => ({ value, label: missings[q.mode][i]! }))}
            error={said("on_missing")}
          />
        </div>
        <Button look="quiet" small onClick={() => onInput(q.text === null ? { text: "" } : { text: null })}>
          {q.text === null ? "Write an expression" : "Choose a condition"}
        </Button>
      </div>
    </div>
  );
}

/** Belongs chooses the ICPs of a persona. */
function Belongs({ codesOf, value, onInput, error }: { codesOf: CodesOf; value: string[]; onInput: (v: string[]) => void; error: string }) {
  const icps = codesOf();
  const some = useSignal(value.length > 0);
  const codes = [...new Set([...(icps.value ?? []), ...value])];
  return (
    <fieldset class="choice bare">
      <legend>At companies of</legend>
      <div class="checks">
        <Select
          label="Which ICPs"
          hideLabel
          value={some.value ? "some" : "all"}
          onInput={(v) => {
            some.value = v === "some";
            if (!some.value) onInput([]);
          }}
          options={[{ value: "all", label: "Every ICP" }, { value: "some", label: "Only these ICPs" }]}
        />
        {some.value && icps.error && <Note tone="warn">{icps.error.message}</Note>}
        {some.value && icps.value && codes.length === 0 && <p class="hint">There are no ICPs yet: add one first.</p>}
        {some.value && codes.map((code) => <Check key={code} label={code} checked={value.includes(code)} onInput={(on) => onInput(on ? [...value, code] : value.filter((c) => c !== code))} />)}
      </div>
      {error !== "" && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      <p class="hint">People are asked for once one of these ICPs has won their company.</p>
    </fieldset>
  );
}
