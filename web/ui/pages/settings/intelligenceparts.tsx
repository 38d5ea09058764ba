// The parts of the form of how signals are scored: what types are worth, what rules add, and what scores are called.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Button, Card, Input, Textarea } from "../../kit";
import { type Draft, halfLifeOf, isFresh, key, type RuleRow, type StageRow, type TypeRow, twice } from "./intelligenceform";

/** PartProps are what every part is given: what stands in the fields, what changes it, what the API says of a field, and whether nothing may be changed. */
export type PartProps = { draft: Draft; set: (change: Partial<Draft>) => void; said: (param: string) => string; fixed: boolean };

/** useFresh gives the focus to the first field of a row that has just been added. */
function useFresh<T extends HTMLElement>(row: { key: string }) {
  const ref = useRef<T>(null);
  useEffect(() => {
    if (isFresh(row)) ref.current?.querySelector("input")?.focus();
  }, []);
  return ref;
}

/** dropRow takes a row out, and gives the focus to what adds another. */
const dropRow = (drop: () => void) => (e: MouseEvent) => {
  (e.currentTarget as Element).closest("[data-rows]")?.querySelector<HTMLElement>(".adds button")?.focus();
  drop();
};

type CellProps = { label: string; head?: string; value: string; onInput: (v: string) => void; type?: "text" | "number"; placeholder?: string; disabled?: boolean; wrong?: boolean; says?: string; max?: number };

/** Cell is a field in a row of fields; what is wrong with it is said under the row. */
function Cell({ label, head, value, onInput, type = "text", placeholder, disabled, wrong, says, max }: CellProps) {
  const id = useId();
  return (
    <div class={"cell" + (wrong ? " wrong" : "") + (type === "number" ? " number" : "")} data-head={head}>
      <label for={id} class="unseen">
        {label}
      </label>
      <input {...({ type } as { type: "text"; list: undefined })} id={id} step="any" value={value} placeholder={placeholder} disabled={disabled} maxLength={max} autocomplete="off" spellcheck={false} aria-invalid={wrong ? true : undefined} aria-describedby={wrong ? says : undefined} onInput={(e) => onInput(e.currentTarget.value)} />
    </div>
  );
}

function RowError({ id, children }: { id: string; children: ComponentChildren }) {
  return children ? (
    <p class="error" id={id} role="alert">
      {children}
    </p>
  ) : null;
}

/** changed is a list with one row changed. */
const changed = <T extends { key: string }>(rows: T[], of: T, by: Partial<T>): T[] => rows.map((r) => (r.key === of.key ? { ...r, ...by } : r));
const without = <T extends { key: string }>(rows: T[], of: T): T[] => rows.filter((r) => r.key !== of.key);

/** Points is what each type of signal is worth. */
export function Points({ draft, set, said, fixed }: PartProps) {
  const again = twice(draft.types);
  const whole = again === "" ? said("types") : `${again} is there twice: each type has one row.`;
  const add = () => set({ types: [...draft.types, { key: key(), name: "", points: "", halfLife: "", cap: "", shipped: null }] });
  return (
    <Card title="Points">
      <div class="stack" data-rows="">
        <p class="soft">What a signal is worth by its type. A half-life such as 7d, 36h or never and a cap, the most that all signals of a type count together, may be a type's own; empty is as for all.</p>
        <div class="rows">
          <div class="cells heads" aria-hidden="true">
            <span>Type</span>
            <span class="right">Points</span>
            <span class="text">Half-life</span>
            <span class="right">Cap</span>
            <span />
          </div>
          {draft.types.map((t) => (
            <TypeCells key={t.key} of={t} draft={draft} said={said} fixed={fixed} set={(by) => set({ types: changed(draft.types, t, by) })} drop={() => set({ types: without(draft.types, t) })} />
          ))}
          <div class="cells">
            <span class="soft">any other type</span>
            <Cell label="Any other type, points" head="Points" type="number" value={draft.points} onInput={(points) => set({ points })} disabled={fixed} wrong={said("default_points") !== ""} says="default-says" />
            <span class="cell soft" data-head="Half-life">
              {halfLifeOf(draft)}
            </span>
            <span class="cell soft number" data-head="Cap">
              {draft.cap}
            </span>
            <span />
            <RowError id="default-says">{said("default_points")}</RowError>
          </div>
        </div>
        {whole !== "" && <p class="error" role="alert">{whole}</p>}
        {!fixed && (
          <div class="row adds">
            <Button small icon="plus" onClick={add}>
              Add a type
            </Button>
          </div>
        )}
      </div>
    </Card>
  );
}

function TypeCells({ of: t, draft, set, drop, said, fixed }: { of: TypeRow; draft: Draft; set: (by: Partial<TypeRow>) => void; drop: () => void; said: PartProps["said"]; fixed: boolean }) {
  const id = useId();
  const name = t.name.trim();
  const title = name || "New type";
  const says = (field: string) => said(`types.${name}.${field}`);
  const cell = (field: string) => ({ disabled: fixed, wrong: says(field) !== "", says: id });
  const moved = t.shipped !== null && (Number(t.points) !== t.shipped || t.halfLife !== "" || t.cap !== "");
  return (
    <div ref={useFresh<HTMLDivElement>(t)} class="cells" role="group" aria-label={title}>
      {isFresh(t) ? <Cell label="New type, name" value={t.name} onInput={(v) => set({ name: v })} placeholder="webinar_attended" max={200} /> : <code class="clip" title={t.name}>{t.name}</code>}
      <Cell label={`${title}, points`} head="Points" type="number" value={t.points} onInput={(points) => set({ points })} placeholder={String(t.shipped ?? draft.points)} {...cell("points")} />
      <Cell label={`${title}, half-life`} head="Half-life" value={t.halfLife} onInput={(halfLife) => set({ halfLife })} placeholder={halfLifeOf(draft)} {...cell("half_life")} />
      <Cell label={`${title}, cap`} head="Cap" type="number" value={t.cap} onInput={(cap) => set({ cap })} placeholder={draft.cap} {...cell("cap")} />
      {fixed ? <span /> : t.shipped === null ? (
        <Button look="quiet" icon="close" label={`Take ${title} out`} onClick={dropRow(drop)} />
      ) : moved ? (
        <Button look="quiet" icon="undo" label={`${title} as shipped`} onClick={() => set({ points: String(t.shipped), halfLife: "", cap: "" })} />
      ) : <span />}
      <RowError id={id}>{says("points") || says("half_life") || says("cap")}</RowError>
    </div>
  );
}

/** Rules add points to signals that a condition holds for. */
export function Rules({ draft, set, said, fixed }: PartProps) {
  const add = () => set({ rules: [...draft.rules, { key: key(), name: "", type: "*", when: "", points: "" }] });
  return (
    <Card title="Rules">
      <div class="stack" data-rows="">
        <p class="soft">A rule adds points to signals that fit it, or takes some away. Several may fit; all of them count.</p>
        {draft.rules.length === 0 && <p class="soft">There is none: a signal is worth the points of its type.</p>}
        {draft.rules.map((r, i) => (
          <RuleFields key={r.key} of={r} n={i} said={(field) => said(`rules[${i}].${field}`)} fixed={fixed} types={draft.types} set={(by) => set({ rules: changed(draft.rules, r, by) })} drop={() => set({ rules: without(draft.rules, r) })} />
        ))}
        {!fixed && (
          <div class="row adds">
            <Button small icon="plus" disabled={draft.rules.length >= 200} onClick={add}>
              Add a rule
            </Button>
          </div>
        )}
        {(draft.rules.length > 0 || !fixed) && <Language />}
      </div>
    </Card>
  );
}

function RuleFields({ of: r, n, set, drop, said, fixed, types }: { of: RuleRow; n: number; set: (by: Partial<RuleRow>) => void; drop: () => void; said: (field: string) => string; fixed: boolean; types: TypeRow[] }) {
  return (
    <fieldset ref={useFresh<HTMLFieldSetElement>(r)} class="rule">
      <legend>Rule {n + 1}</legend>
      {!fixed && <Button look="quiet" small icon="close" label={`Take rule ${n + 1} out`} onClick={dropRow(drop)} />}
      <div class="rule-fields">
        <Input label="Name" optional value={r.name} onInput={(name) => set({ name })} disabled={fixed} max={200} placeholder="Large teams" error={said("name")} />
        <Input label="Signals of type" mono value={r.type} onInput={(type) => set({ type })} disabled={fixed} max={200} list={["*", ...types.map((t) => t.name)]} placeholder="*" error={said("type")} />
        <div class="number">
          <Input label="Points" type="number" value={r.points} onInput={(points) => set({ points })} disabled={fixed} placeholder="10" error={said("points")} />
        </div>
      </div>
      <Textarea label="When" optional mono rows={2} value={r.when} onInput={(when) => set({ when })} disabled={fixed} placeholder="properties.team_size >= 100" error={said("when")} />
    </fieldset>
  );
}

function Language() {
  return (
    <details class="more">
      <summary>How conditions are written</summary>
      <div class="stack">
        <p class="soft">
          A condition reads the signal alone: <code>signal.type</code>, <code>signal.source</code>, and what came with it in <code>properties</code>. Without one, a rule is for every signal of its type. A type may end in <code>*</code>, and <code>*</code> alone is every type.
        </p>
        <ul class="examples">
          <li><code>properties.team_size &gt;= 100</code></li>
          <li><code>signal.source == "website" &amp;&amp; properties.url.contains("/pricing")</code></li>
          <li><code>properties.plan in ["pro", "enterprise"]</code></li>
        </ul>
        <p class="soft">
          The <a href="/docs" data-native="">API reference</a> has the fields of a signal, and what a scoring may say.
        </p>
      </div>
    </details>
  );
}

/** Stages are what scores are called, of accounts and of contacts apart. */
export function Stages({ draft, set, said, fixed }: PartProps) {
  const list = (kind: "account" | "contact", title: string) => (
    <StageList title={title} rows={draft.stages[kind]} onInput={(rows) => set({ stages: { ...draft.stages, [kind]: rows } })} said={(rest) => said(`stages.${kind}${rest}`)} fixed={fixed} />
  );
  return (
    <Card title="Stages">
      <div class="stack">
        <p class="soft">What a score is called, from a number on. A stage ends where the next one begins.</p>
        <div class="stages">
          {list("account", "Accounts")}
          {list("contact", "Contacts")}
        </div>
      </div>
    </Card>
  );
}

function StageList({ title, rows, onInput, said, fixed }: { title: string; rows: StageRow[]; onInput: (rows: StageRow[]) => void; said: (rest: string) => string; fixed: boolean }) {
  const add = () => onInput([...rows, { key: key(), name: "", min: String(Number(rows.at(-1)?.min ?? 0) + 10) }]);
  return (
    <fieldset class="stage-list" data-rows="">
      <legend>{title}</legend>
      <div class="rows">
        <div class="stage-cells heads" aria-hidden="true">
          <span>Stage</span>
          <span class="right">From score</span>
          <span />
        </div>
        {rows.map((s, i) => (
          <StageCells key={s.key} of={s} title={`${title}, stage ${i + 1}`} first={i === 0} fixed={fixed} said={(field) => said(`[${i}].${field}`)} set={(by) => onInput(changed(rows, s, by))} drop={() => onInput(without(rows, s))} />
        ))}
      </div>
      {said("") !== "" && <p class="error" role="alert">{said("")}</p>}
      {!fixed && (
        <div class="row adds">
          <Button small icon="plus" label={`Add a stage of ${title.toLowerCase()}`} onClick={add}>
            Add a stage
          </Button>
        </div>
      )}
    </fieldset>
  );
}

function StageCells({ of: s, title, first, set, drop, said, fixed }: { of: StageRow; title: string; first: boolean; set: (by: Partial<StageRow>) => void; drop: () => void; said: (field: string) => string; fixed: boolean }) {
  const id = useId();
  return (
    <div ref={useFresh<HTMLDivElement>(s)} class="stage-cells">
      <Cell label={`${title}, name`} value={s.name} onInput={(name) => set({ name })} disabled={fixed} max={200} wrong={said("name") !== ""} says={id} />
      <Cell label={`${title}, from score`} type="number" value={first ? "0" : s.min} onInput={(min) => set({ min })} disabled={fixed || first} wrong={said("min") !== ""} says={id} />
      {fixed || first ? <span /> : <Button look="quiet" icon="close" label={`Take ${title.toLowerCase()} out`} onClick={dropRow(drop)} />}
      <RowError id={id}>{said("name") || said("min")}</RowError>
    </div>
  );
}
