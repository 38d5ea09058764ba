// The condition of an audience as its form has it: rows in groups, or an expression as text.

export type Entity = "account" | "contact";

/** Row is one condition. name is what follows the dot of a field that has a name of one's own. */
export type Row = { field: string; name: string; operator: string; value: string };

/** Group is rows of which all hold, or any. */
export type Group = { any: boolean; rows: Row[] };

/** Draft is a condition under way. Both forms are kept, so that nothing typed is lost by looking at the other one. */
export type Draft = {
  form: "rows" | "text";
  any: boolean;
  groups: Group[];
  text: string;
  /** The structured form that the text was made of; "": it was written by hand. */
  of: string;
};

/** Kind says what is compared: text, a number, or whatever somebody sends. */
type Kind = "text" | "number" | "any";

export type FieldOption = { field: string; label: string; kind: Kind; /** It goes on with a name. */ named?: string; list?: string[] };

const ofAccounts: FieldOption[] = [
  { field: "account.domain", label: "Account domain", kind: "text" },
  { field: "account.name", label: "Account name", kind: "text" },
  { field: "account.status", label: "Account status", kind: "text", list: ["prospect", "customer", "churned"] },
  { field: "account.score", label: "Account score", kind: "number" },
  { field: "account.stage", label: "Account stage", kind: "text" },
  { field: "account.attributes", label: "Account attribute…", kind: "any", named: "attribute" },
];

const ofContacts: FieldOption[] = [
  { field: "contact.email", label: "Contact e-mail", kind: "text" },
  { field: "contact.first_name", label: "Contact first name", kind: "text" },
  { field: "contact.last_name", label: "Contact last name", kind: "text" },
  { field: "contact.title", label: "Contact title", kind: "text" },
  { field: "contact.linkedin_url", label: "Contact LinkedIn profile", kind: "text" },
  { field: "contact.score", label: "Contact score", kind: "number" },
  { field: "contact.stage", label: "Contact stage", kind: "text" },
  { field: "contact.attributes", label: "Contact attribute…", kind: "any", named: "attribute" },
];

const ofSignals: FieldOption[] = [
  { field: "signals.type", label: "Any signal's type", kind: "text" },
  { field: "signals.source", label: "Any signal's source", kind: "text" },
  { field: "signals.properties", label: "Any signal's property…", kind: "any", named: "property" },
];

/** fieldsFor are those that a condition on such records can ask. */
export const fieldsFor = (entity: Entity): FieldOption[] => (entity === "account" ? [...ofAccounts, ...ofSignals] : [...ofContacts, ...ofAccounts, ...ofSignals]);

const everyField = fieldsFor("contact");

export const fieldOf = (field: string): FieldOption => everyField.find((f) => f.field === field) ?? ofAccounts[0]!;

const operators: { value: string; label: string; kinds: Kind[]; /** It asks one record, not any of its signals. */ one?: boolean }[] = [
  { value: "equals", label: "is", kinds: ["text", "number", "any"] },
  { value: "not_equals", label: "is not", kinds: ["text", "number", "any"], one: true },
  { value: "in", label: "is one of", kinds: ["text", "any"], one: true },
  { value: "contains", label: "contains", kinds: ["text", "any"] },
  { value: "starts_with", label: "starts with", kinds: ["text", "any"] },
  { value: "greater_than", label: "is more than", kinds: ["number", "any"] },
  { value: "greater_or_equal", label: "is at least", kinds: ["number", "any"] },
  { value: "less_than", label: "is less than", kinds: ["number", "any"] },
  { value: "less_or_equal", label: "is at most", kinds: ["number", "any"] },
];

/** operatorsFor are those that make sense of a field. Of signals, "is not" would mean that any of them is another one: that is left to expressions. */
export const operatorsFor = (field: string): { value: string; label: string }[] => operators.filter((o) => o.kinds.includes(fieldOf(field).kind) && !(o.one && field.startsWith("signals.")));

/** rowFor is a row about a field, with an operator that fits it. */
export function rowFor(field: string, was?: Row): Row {
  const fits = operatorsFor(field);
  const operator = was && fits.some((o) => o.value === was.operator) ? was.operator : fieldOf(field).kind === "number" ? "greater_or_equal" : "equals";
  return { field, name: "", operator, value: was?.value ?? "" };
}

export const blank = (entity: Entity): Draft => ({ form: "rows", any: false, groups: [{ any: false, rows: [rowFor(entity + ".score")] }], text: "", of: "" });

/** draftOf is a saved condition for the form. */
export const draftOf = (condition: string, entity: Entity): Draft => ({ ...blank(entity), form: "text", text: condition });

/** whole says whether there is enough of a row to ask. */
const whole = (r: Row): boolean => r.value.trim() !== "" && (fieldOf(r.field).named === undefined || r.name.trim() !== "");

/** read takes a value for what it is: numbers where numbers are compared, text where text is, and else what it looks like. */
function read({ field, operator, value }: Row): unknown {
  const { kind } = fieldOf(field);
  const texts = kind === "text" || operator === "contains" || operator === "starts_with";
  const one = (text: string): unknown => (!texts && /^(true|false|-?(0|[1-9]\d*)(\.\d+)?)$/.test(text) && text.length < 16 ? JSON.parse(text) : text);
  return operator === "in" ? value.split(",").map((v) => one(v.trim())).filter((v) => v !== "") : one(value.trim());
}

const conditionOf = (r: Row): unknown => ({ field: r.field + (fieldOf(r.field).named === undefined ? "" : "." + r.name.trim()), operator: r.operator, value: read(r) });

/** Asked is what the API is asked, null for nothing yet, and at which path each row stands in it. */
export type Asked = { condition: unknown; paths: Map<Row, string> };

/** asked makes a draft what the API takes. Rows that are not whole yet are left out. */
export function asked(d: Draft): Asked {
  const paths = new Map<Row, string>();
  if (d.form === "text") return { condition: d.text.trim() === "" ? null : d.text, paths };
  const groups = d.groups.map((g) => ({ any: g.any, rows: g.rows.filter(whole) })).filter((g) => g.rows.length > 0);
  const word = (any: boolean) => (any ? "any" : "all");
  const group = (g: Group, at: string) => {
    g.rows.forEach((r, i) => paths.set(r, `${at}.${word(g.any)}[${i}]`));
    return { [word(g.any)]: g.rows.map(conditionOf) };
  };
  if (groups.length === 0) return { condition: null, paths };
  if (groups.length === 1) return { condition: group(groups[0]!, "condition"), paths };
  return { condition: { [word(d.any)]: groups.map((g, i) => group(g, `condition.${word(d.any)}[${i}]`)) }, paths };
}

/** unfinished says whether a row lacks something. */
export const unfinished = (d: Draft): boolean => d.form === "rows" && d.groups.some((g) => g.rows.some((r) => !whole(r)));

/** forEntity is a draft after another kind of record was chosen: what cannot be asked of it is taken out. */
export function forEntity(d: Draft, entity: Entity): Draft {
  const names = fieldsFor(entity).map((f) => f.field);
  const groups = d.groups.map((g) => ({ ...g, rows: g.rows.filter((r) => names.includes(r.field)) })).filter((g) => g.rows.length > 0);
  return { ...d, groups: groups.length > 0 ? groups : blank(entity).groups };
}
