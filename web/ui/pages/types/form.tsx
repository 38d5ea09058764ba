// The form of a signal type: what is declared under Signals, + Add, Custom signal.

import { useSignal } from "@preact/signals";
import type { SignalType } from "../../api-types";
import { type ApiError, api, Button, Card, Check, ErrorState, errorOf, FormError, Input, LinkButton, navigate, PageHead, Skeleton, Textarea, toast, useAct, useLoad, useUnsaved } from "../../kit";
import { ConditionRows, type Conditions, structured } from "../conditions";
import { typeName } from "./words";

/** SubRuleDraft is a sub-rule as the form has it: rows of conditions, or an expression as text. */
type SubRuleDraft = Conditions & { name: string; text: string | null };

/** TypeDraft is a type as the form has it. */
export type TypeDraft = { name: string; description: string; rules: SubRuleDraft[]; autoqualify: boolean; enabled: boolean };

const fields = ["signal.event_name", "signal.source", "context.…"];
const emptyRule = (): SubRuleDraft => ({ name: "", any: false, rows: [{ field: fields[0]!, operator: "equals", value: "" }], text: null });

/** draftOf is a type for the form. Conditions come back as the expressions that they are. */
export function draftOf(t?: SignalType): TypeDraft {
  if (!t) return { name: "", description: "", rules: [], autoqualify: true, enabled: true };
  return {
    name: t.label,
    description: t.source_description ?? "",
    rules: t.sub_rules.map((r) => ({ name: r.name, any: false, rows: [], text: r.when })),
    autoqualify: t.autoqualify,
    enabled: t.enabled || !t.declared,
  };
}

/** bodyOf is what the API takes. */
export function bodyOf(d: TypeDraft): Record<string, unknown> {
  return {
    name: d.name.trim(),
    source_description: d.description.trim() || null,
    autoqualify: d.autoqualify,
    enabled: d.enabled,
    sub_rules: d.rules.map((r) => ({ name: r.name, when: r.text ?? structured(r) ?? "" })),
  };
}

const list = "/signals/types";

export function NewType() {
  return (
    <TypeForm
      title="Custom signal"
      back={{ href: "/signals", label: "Signals" }}
      act="Create"
      draft={draftOf()}
      save={async (body) => {
        const made = await api.post<SignalType>("/v1/signal-types", body);
        toast(`${made.label} is declared: signals call it ${made.name}.`);
        return `${list}/${made.id}`;
      }}
    />
  );
}

export function EditType({ id }: { id: string }) {
  const at = "/v1/signal-types/" + encodeURIComponent(id);
  const type = useLoad<SignalType>(at, (stop) => api.get<SignalType>(at, stop));
  const t = type.value;
  if (type.error) return <ErrorState error={type.error} retry={type.reload} />;
  if (!t) return <Skeleton lines={6} />;
  return (
    <TypeForm
      title={(t.declared ? "Edit " : "Declare ") + t.label}
      back={{ href: `${list}/${id}`, label: t.label }}
      act={t.declared ? "Save" : "Declare"}
      draft={draftOf(t)}
      name={t.name}
      save={async (body) => {
        await api.patch<SignalType>(at, { ...body, revision: t.revision });
        toast("Saved.");
        return `${list}/${id}`;
      }}
    />
  );
}

type FormProps = {
  title: string;
  back: { href: string; label: string };
  act: string;
  draft: TypeDraft;
  /** What signals call the type already. */
  name?: string;
  save: (body: Record<string, unknown>) => Promise<string>;
  error?: ApiError;
};

export function TypeForm({ title, back, act, draft, name, save, error: shown }: FormProps) {
  const now = useSignal(draft);
  const d = now.value;
  const set = (by: Partial<TypeDraft>) => void (now.value = { ...now.peek(), ...by });
  useUnsaved(d !== draft);
  const { run, busy, error: said } = useAct(async () => {
    const to = await save(bodyOf(now.peek()));
    await navigate(to, { force: true });
  });
  const error = said ?? shown ?? null;
  const called = name ?? typeName(d.name);
  return (
    <>
      <PageHead title={title} back={back} />
      <form
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          void run();
        }}
      >
        <Card>
          <div class="stack form">
            <Input
              label="Name"
              autofocus={name === undefined}
              max={200}
              value={d.name}
              onInput={(v) => set({ name: v })}
              placeholder="Custom event"
              error={errorOf(error, "name")}
              hint={called === "" ? "Shown in the Signals table." : <>Shown in the Signals table. Signals call it <code>{called}</code>{name !== undefined && ", whatever the name is"}.</>}
            />
            <Textarea label="Source description" optional rows={2} value={d.description} onInput={(v) => set({ description: v })} error={errorOf(error, "source_description")} hint="Where its signals come from and what they mean, for whoever reads this next." />
            <SubRules value={d.rules} onInput={(rules) => set({ rules })} error={error} />
            <Check label="Autoqualify" checked={d.autoqualify} onInput={(autoqualify) => set({ autoqualify })} hint="On: the answer to a signal says how its record qualifies. Off: nobody is qualified by it until somebody asks." />
            <Check label="Enabled" checked={d.enabled} onInput={(enabled) => set({ enabled })} hint={<>Off: <code>POST /signals</code> refuses it. <code>POST /v1/signals</code> takes every type.</>} />
            <FormError error={error} fields={["name", "source_description", "sub_rules"]} />
            <div class="row">
              <Button type="submit" look="primary" busy={busy}>
                {act}
              </Button>
              <LinkButton href={back.href}>Cancel</LinkButton>
            </div>
          </div>
        </Card>
      </form>
    </>
  );
}

function SubRules({ value, onInput, error }: { value: SubRuleDraft[]; onInput: (v: SubRuleDraft[]) => void; error: ApiError | null }) {
  const change = (i: number, by: Partial<SubRuleDraft>) => onInput(value.map((r, at) => (at === i ? { ...r, ...by } : r)));
  return (
    <fieldset class="choice bare">
      <legend>
        Default sub-rules<span class="optional"> optional</span>
      </legend>
      <p class="hint">Named buckets of its signals, each with its own count. A signal may be in several, or in none.</p>
      <div class="checks sub-rules">
        {value.map((r, i) => (
          <SubRule key={i} at={i} value={r} onInput={(by) => change(i, by)} onRemove={() => onInput(value.filter((_, at) => at !== i))} error={error} />
        ))}
        <div class="row">
          <Button small icon="plus" onClick={() => onInput([...value, emptyRule()])}>
            Add a sub-rule
          </Button>
        </div>
      </div>
    </fieldset>
  );
}

/** beside is what the API said of a field of a sub-rule, for a place that says which one it is. */
function beside(error: ApiError | null, param: string): string {
  const said = errorOf(error, param).replace(/^sub_rules\[\d+\]\.\S*?(:? )/i, (_, joint: string) => (joint === " " ? "This " : ""));
  return said.charAt(0).toUpperCase() + said.slice(1);
}

type RuleProps = { at: number; value: SubRuleDraft; onInput: (by: Partial<SubRuleDraft>) => void; onRemove: () => void; error: ApiError | null };

function SubRule({ at, value: r, onInput, onRemove, error }: RuleProps) {
  const of = `Sub-rule ${at + 1}`;
  const param = `sub_rules[${at}]`;
  const wrong = beside(error, param + ".when");
  return (
    <div class="sub-rule" role="group" aria-label={of}>
      <div class="sub-rule-name">
        <Input label={of + ", name"} hideLabel placeholder="Name of the bucket" max={200} value={r.name} onInput={(name) => onInput({ name })} error={beside(error, param + ".name")} />
        <Button look="quiet" icon="close" label={`Take ${of.toLowerCase()} out`} onClick={onRemove} />
      </div>
      {r.text !== null ? (
        <Textarea label={of + ", expression"} hideLabel mono rows={2} value={r.text} onInput={(text) => onInput({ text })} error={wrong} placeholder="context.team_size > 10" />
      ) : (
        <ConditionRows of={of} fields={fields} value={r} onInput={(v) => onInput(v)} />
      )}
      {r.text === null && wrong !== "" && (
        <p class="error" role="alert">
          {wrong}
        </p>
      )}
      <div class="row">
        <Button small look="quiet" label={`${r.text === null ? "Write an expression" : "Choose conditions"} for ${of.toLowerCase()}`} onClick={() => onInput(r.text === null ? { text: "" } : { text: null, rows: r.rows.length > 0 ? r.rows : emptyRule().rows })}>
          {r.text === null ? "Write an expression" : "Choose conditions"}
        </Button>
      </div>
    </div>
  );
}
