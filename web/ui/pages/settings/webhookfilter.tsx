// The filter of a webhook: which of the events that it names it takes.

import type { Webhook } from "../../api-types";
import { Button, type ApiError, errorOf, Input, Select, Textarea } from "../../kit";
import { operators, read, written } from "./conditions";

export type Condition = { field: string; operator: string; value: unknown };

/** FilterDraft is a filter as the form has it: rows where it is one list of conditions, text where it is more. */
export type FilterDraft = { any: boolean; rows: { field: string; operator: string; value: string }[]; text: string | null };

const fields = ["signal.type", "signal.source", "signal.properties.…", "account.domain", "account.name", "contact.email", "contact.name"];
const stackOneFields = ["event", "record_type", "record_id", "account_id", "origin_owner_id", "origin_username", "setup_information.…"];

const isCondition = (v: unknown): v is Condition => typeof v === "object" && v !== null && "field" in v;

/** draftOfFilter is a webhook's filter for the form. */
export function draftOfFilter(filter: unknown): FilterDraft {
  if (filter === null || filter === undefined) return { any: false, rows: [], text: null };
  const group = isCondition(filter) ? { all: [filter] } : (filter as { all?: unknown[]; any?: unknown[] });
  const list = group.all ?? group.any ?? [];
  if (!list.every(isCondition)) return { any: false, rows: [], text: JSON.stringify(filter, null, 2) };
  return { any: group.any !== undefined, rows: list.map((c) => ({ field: c.field, operator: c.operator, value: written(c.value) })), text: null };
}

/** filterOf is what the API takes; null for none. Text that is no JSON is left to the API to refuse. */
export function filterOf(d: FilterDraft): unknown {
  if (d.text !== null) {
    try {
      return d.text.trim() === "" ? null : (JSON.parse(d.text) as unknown);
    } catch {
      return d.text;
    }
  }
  const rows = d.rows.filter((r) => r.field.trim() !== "" || r.value !== "");
  return rows.length === 0 ? null : { [d.any ? "any" : "all"]: rows.map((r) => ({ field: r.field.trim(), operator: r.operator, value: read(r) })) };
}

/** FilterFields chooses the conditions. */
export function FilterFields({ of, value, onInput, error }: { of: Webhook["format"]; value: FilterDraft; onInput: (v: FilterDraft) => void; error: ApiError | null }) {
  const said = errorOf(error, "filter");
  const names = of === "stackone" ? stackOneFields : fields;
  if (value.text !== null) {
    return <Textarea label="Filter" optional mono rows={8} value={value.text} onInput={(text) => onInput({ ...value, text })} error={said} hint="Groups within groups are written as JSON. Empty: every event." />;
  }
  const change = (i: number, by: Partial<FilterDraft["rows"][number]>) => onInput({ ...value, rows: value.rows.map((r, at) => (at === i ? { ...r, ...by } : r)) });
  const add = () => onInput({ ...value, rows: [...value.rows, { field: names[0]!, operator: "equals", value: "" }] });
  return (
    <fieldset class="choice bare">
      <legend>
        Filter<span class="optional"> optional</span>
      </legend>
      <div class="checks">
        {value.rows.length > 1 && (
          <Select label="How many must hold" hideLabel value={value.any ? "any" : "all"} onInput={(v) => onInput({ ...value, any: v === "any" })} options={[{ value: "all", label: "All of these hold" }, { value: "any", label: "Any of these holds" }]} />
        )}
        {value.rows.map((r, i) => (
          <div key={i} class="line-of-fields three">
            <Input label={`Condition ${i + 1}, field`} hideLabel mono list={names} value={r.field} onInput={(field) => change(i, { field })} />
            <Select label={`Condition ${i + 1}, comparison`} hideLabel value={r.operator} onInput={(operator) => change(i, { operator })} options={operators} />
            <Input label={`Condition ${i + 1}, value`} hideLabel value={r.value} onInput={(v) => change(i, { value: v })} />
            <Button look="quiet" icon="close" label={`Take condition ${i + 1} out`} onClick={() => onInput({ ...value, rows: value.rows.filter((_, at) => at !== i) })} />
          </div>
        ))}
        <div class="row">
          <Button small onClick={add}>
            Add a condition
          </Button>
        </div>
      </div>
      {said !== "" && (
        <p class="error" role="alert">
          {said}
        </p>
      )}
      <p class="hint">Of the events that it names, only those that fit are sent. What has no such field is left out.</p>
    </fieldset>
  );
}
