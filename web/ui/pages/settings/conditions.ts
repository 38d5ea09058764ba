// Conditions in their structured form, {field, operator, value}, as fields to type in.

import type { Option } from "../../kit";

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

/** Typed is a condition as it is typed. */
export type Typed = { field: string; operator: string; value: string };

/** written is a value as it is typed: text as it is, lists by commas. */
export function written(v: unknown): string {
  if (Array.isArray(v)) return v.map(written).join(", ");
  return typeof v === "string" ? v : JSON.stringify(v);
}

/** read takes numbers, true and false for what they are, unless the operator is about text. */
export function read({ operator, value }: Pick<Typed, "operator" | "value">): unknown {
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
export function typedOf(expression: string): Typed | null {
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
