// Rows of conditions: field, comparison, value. The API takes them as {field, operator, value} in groups.

import { Button, Input, type Option, Select } from "../kit";

export type ConditionRow = { field: string; operator: string; value: string };

/** Conditions is one list of conditions as a form has it: all of them hold, or any. */
export type Conditions = { any: boolean; rows: ConditionRow[] };

export const operators: Option[] = [
  { value: "equals", label: "is" },
  { value: "not_equals", label: "is not" },
  { value: "in", label: "is one of" },
  { value: "contains", label: "contains" },
  { value: "starts_with", label: "starts with" },
  { value: "greater_than", label: "is more than" },
  { value: "greater_or_equal", label: "is at least" },
  { value: "less_than", label: "is less than" },
  { value: "less_or_equal", label: "is at most" },
];

/** structured is what the API takes; null for none. */
export function structured(d: Conditions): unknown {
  const rows = d.rows.filter((r) => r.field.trim() !== "" || r.value !== "");
  return rows.length === 0 ? null : { [d.any ? "any" : "all"]: rows.map((r) => ({ field: r.field.trim(), operator: r.operator, value: read(r) })) };
}

/** written is a value as it is typed: text as it is, lists by commas. */
export function written(v: unknown): string {
  if (Array.isArray(v)) return v.map(written).join(", ");
  return typeof v === "string" ? v : JSON.stringify(v);
}

/** read takes numbers, true and false for what they are, unless the operator is about text. */
export function read({ operator, value }: Pick<ConditionRow, "operator" | "value">): unknown {
  if (operator === "contains" || operator === "starts_with") return value;
  const one = (text: string): unknown => (/^(true|false|-?\d+(\.\d+)?)$/.test(text) && text.length < 16 ? JSON.parse(text) : text);
  return operator === "in" ? value.split(",").map((v) => one(v.trim())) : one(value);
}

const path = String.raw`((?:account|contact|signal|properties|context|signals)(?:\.[A-Za-z_]\w*)+)`;
const compared = new RegExp(`^${path} (==|!=|>=|<=|>|<|in) (.+)$`);
const called = new RegExp(String.raw`^${path}\.(contains|startsWith)\((.+)\)$`);
const symbols: Record<string, string> = {
  "==": "equals", "!=": "not_equals", ">": "greater_than", ">=": "greater_or_equal", "<": "less_than", "<=": "less_or_equal", in: "in", contains: "contains", startsWith: "starts_with",
};

/** typedOf is an expression as fields, null where it is more than one comparison with a constant, or would not come back the same. */
export function typedOf(expression: string): ConditionRow | null {
  const found = compared.exec(expression) ?? called.exec(expression);
  if (!found) return null;
  const [, field, symbol, constant] = found as unknown as [string, string, string, string];
  try {
    const v: unknown = JSON.parse(constant);
    const typed = { field, operator: symbols[symbol]!, value: written(v) };
    return JSON.stringify(read(typed)) === JSON.stringify(v) ? typed : null;
  } catch {
    return null; // no constant that JSON knows: an expression, or a literal of the language's own
  }
}

type Props = {
  value: Conditions;
  onInput: (v: Conditions) => void;
  /** The fields that are offered; any other may be typed. */
  fields: string[];
  /** What stands before the name of each field, to tell lists apart. */
  of?: string;
};

/** ConditionRows edits them. */
export function ConditionRows({ value, onInput, fields, of = "" }: Props) {
  const change = (i: number, by: Partial<ConditionRow>) => onInput({ ...value, rows: value.rows.map((r, at) => (at === i ? { ...r, ...by } : r)) });
  const name = (i: number, what: string) => (of === "" ? `Condition ${i + 1}${what}` : `${of}, condition ${i + 1}${what}`);
  return (
    <>
      {value.rows.length > 1 && (
        <Select
          label={(of === "" ? "" : of + ", ") + "How many must hold"}
          hideLabel
          value={value.any ? "any" : "all"}
          onInput={(v) => onInput({ ...value, any: v === "any" })}
          options={[{ value: "all", label: "All of these hold" }, { value: "any", label: "Any of these holds" }]}
        />
      )}
      {value.rows.map((r, i) => (
        <div key={i} class="line-of-fields three">
          <Input label={name(i, ", field")} hideLabel mono list={fields} value={r.field} onInput={(field) => change(i, { field })} />
          <Select label={name(i, ", comparison")} hideLabel value={r.operator} onInput={(operator) => change(i, { operator })} options={operators} />
          <Input label={name(i, ", value")} hideLabel value={r.value} onInput={(v) => change(i, { value: v })} />
          <Button look="quiet" icon="close" label={of === "" ? `Take condition ${i + 1} out` : `${of}, take condition ${i + 1} out`} onClick={() => onInput({ ...value, rows: value.rows.filter((_, at) => at !== i) })} />
        </div>
      ))}
      <div class="row">
        <Button small label={of === "" ? undefined : `Add a condition to ${of.charAt(0).toLowerCase() + of.slice(1)}`} onClick={() => onInput({ ...value, rows: [...value.rows, { field: fields[0]!, operator: "equals", value: "" }] })}>
          Add a condition
        </Button>
      </div>
    </>
  );
}
