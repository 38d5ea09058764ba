// What an audience's condition is made with.

import { Button, type ApiError, errorOf, Input, Segments, Select, Textarea } from "../../kit";
import { type Asked, type Draft, type Entity, fieldOf, fieldsFor, type Group, operatorsFor, type Row, rowFor } from "./condition";

type Props = {
  entity: Entity;
  value: Draft;
  onInput: (v: Draft) => void;
  /** Looks at the other form. */
  onForm: (form: Draft["form"]) => void;
  /** What error is about. */
  asked: Asked;
  error: ApiError | null;
};

/** ConditionFields chooses conditions, or takes an expression. */
export function ConditionFields({ entity, value, onInput, onForm, asked, error }: Props) {
  const said = errorOf(error, "condition");
  const atRow = said !== "" && [...asked.paths.values()].some((p) => errorOf(error, p) !== "");
  return (
    <fieldset class="choice bare">
      <legend>Who is in it</legend>
      <div class="checks">
        <div class="row">
          <Segments
            label="How the condition is written"
            value={value.form}
            onInput={(v) => onForm(v as Draft["form"])}
            options={[
              { value: "rows", label: "Conditions", words: "Conditions" },
              { value: "text", label: "Expression", words: "Expression" },
            ]}
          />
        </div>
        {value.form === "text" ? (
          <Textarea
            label="Expression"
            mono
            rows={4}
            value={value.text}
            onInput={(text) => onInput({ ...value, text, of: "" })}
            error={said}
            placeholder={`${entity}.score >= 40 && count(signals, "pricing_view", "14d") >= 3`}
            hint={
              <>
                Such as <code>within(last(signals, "page_view"), "14d")</code>. Time spans, counts and what is missing can be asked here.
              </>
            }
          />
        ) : (
          <Groups entity={entity} value={value} onInput={onInput} asked={asked} error={error} />
        )}
      </div>
      {value.form === "rows" && said !== "" && !atRow && (
        <p class="error" role="alert">
          {said}
        </p>
      )}
    </fieldset>
  );
}

function Groups({ entity, value, onInput, asked, error }: Omit<Props, "onForm">) {
  const put = (i: number, g: Group | null) => onInput({ ...value, groups: g ? value.groups.map((old, at) => (at === i ? g : old)) : value.groups.filter((_, at) => at !== i) });
  const many = value.groups.length > 1;
  return (
    <>
      {many && (
        <Select
          label="How many groups must hold"
          hideLabel
          value={value.any ? "any" : "all"}
          onInput={(v) => onInput({ ...value, any: v === "any" })}
          options={[{ value: "all", label: "Every group holds" }, { value: "any", label: "Any group holds" }]}
        />
      )}
      {value.groups.map((g, i) => (
        <GroupFields
          key={i}
          name={many ? `Group ${i + 1}, ` : ""}
          entity={entity}
          of={g}
          onInput={(to) => put(i, to.rows.length === 0 && many ? null : to)}
          said={(r) => {
            const path = asked.paths.get(r);
            return path === undefined ? "" : errorOf(error, path);
          }}
        />
      ))}
      <div class="row">
        <Button small onClick={() => onInput({ ...value, groups: [...value.groups, { any: !value.any, rows: [rowFor(entity + ".score")] }] })}>
          Add a group
        </Button>
      </div>
    </>
  );
}

type GroupProps = { name: string; entity: Entity; of: Group; onInput: (v: Group) => void; said: (r: Row) => string };

function GroupFields({ name, entity, of, onInput, said }: GroupProps) {
  return (
    <div class="group" role="group" aria-label={name === "" ? "Conditions" : name.slice(0, -2)}>
      {of.rows.length > 1 && (
        <Select
          label={name + "how many must hold"}
          hideLabel
          value={of.any ? "any" : "all"}
          onInput={(v) => onInput({ ...of, any: v === "any" })}
          options={[{ value: "all", label: "All of these hold" }, { value: "any", label: "Any of these holds" }]}
        />
      )}
      {of.rows.map((r, i) => (
        <RowFields
          key={i}
          name={`${name}condition ${i + 1}`}
          entity={entity}
          of={r}
          onInput={(to) => onInput({ ...of, rows: of.rows.map((old, at) => (at === i ? to : old)) })}
          onRemove={name !== "" || of.rows.length > 1 ? () => onInput({ ...of, rows: of.rows.filter((_, at) => at !== i) }) : undefined}
          error={said(r)}
        />
      ))}
      <div class="row">
        <Button small look="quiet" icon="plus" onClick={() => onInput({ ...of, rows: [...of.rows, rowFor(entity + ".score")] })}>
          Add a condition
        </Button>
      </div>
    </div>
  );
}

type RowProps = { name: string; entity: Entity; of: Row; onInput: (v: Row) => void; onRemove?: () => void; error: string };

function RowFields({ name, entity, of, onInput, onRemove, error }: RowProps) {
  const f = fieldOf(of.field);
  const called = name.charAt(0).toUpperCase() + name.slice(1);
  return (
    <div class="condition">
      <div class="condition-fields">
        <Select label={called + ", field"} hideLabel value={of.field} onInput={(field) => onInput(rowFor(field, of))} options={fieldsFor(entity).map((o) => ({ value: o.field, label: o.label }))} />
        {f.named !== undefined && <Input label={`${called}, ${f.named}`} hideLabel mono placeholder={f.named} value={of.name} onInput={(v) => onInput({ ...of, name: v })} />}
        <Select label={called + ", comparison"} hideLabel value={of.operator} onInput={(operator) => onInput({ ...of, operator })} options={operatorsFor(of.field)} />
        <Input label={called + ", value"} hideLabel placeholder={of.operator === "in" ? "one, another" : "value"} list={f.list} value={of.value} onInput={(v) => onInput({ ...of, value: v })} />
        {onRemove && <Button look="quiet" icon="close" label={`Take ${name} out`} onClick={onRemove} />}
      </div>
      {error !== "" && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}
