// The filter of a webhook: which of the events that it names it takes.

import type { Webhook } from "../../api-types";
import { type ApiError, errorOf, Textarea } from "../../kit";
import { ConditionRows, type Conditions, structured, written } from "../conditions";

export type Condition = { field: string; operator: string; value: unknown };

/** FilterDraft is a filter as the form has it: rows where it is one list of conditions, text where it is more. */
export type FilterDraft = Conditions & { text: string | null };

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
  if (d.text === null) return structured(d);
  try {
    return d.text.trim() === "" ? null : (JSON.parse(d.text) as unknown);
  } catch {
    return d.text;
  }
}

/** FilterFields chooses the conditions. */
export function FilterFields({ of, value, onInput, error }: { of: Webhook["format"]; value: FilterDraft; onInput: (v: FilterDraft) => void; error: ApiError | null }) {
  const said = errorOf(error, "filter");
  if (value.text !== null) {
    return <Textarea label="Filter" optional mono rows={8} value={value.text} onInput={(text) => onInput({ ...value, text })} error={said} hint="Groups within groups are written as JSON. Empty: every event." />;
  }
  return (
    <fieldset class="choice bare">
      <legend>
        Filter<span class="optional"> optional</span>
      </legend>
      <div class="checks">
        <ConditionRows value={value} onInput={(v) => onInput({ ...value, ...v })} fields={of === "stackone" ? stackOneFields : fields} />
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
