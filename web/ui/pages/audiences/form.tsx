// The form of an audience: its name, what it holds, the condition, and a count beside it that follows.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Audience, AudiencePreview, MemberOf } from "../../api-types";
import { api, type ApiError, asApiError, Button, Card, Choice, count, ErrorState, errorOf, FormError, Input, LinkButton, navigate, PageHead, plural, Skeleton, toast, useAct, useLoad, useUnsaved } from "../../kit";
import { nameOf } from "../record";
import { ConditionFields } from "./builder";
import { type Asked, asked, blank, type Draft, draftOf, type Entity, forEntity, unfinished } from "./condition";

const list = { href: "/audiences", label: "Audiences" };

/** NewAudience makes an audience. */
export const NewAudience = () => <AudienceForm />;

/** EditAudience changes one. */
export function EditAudience({ id }: { id: string }) {
  const at = "/v1/audiences/" + encodeURIComponent(id);
  const audience = useLoad(at, (stop) => api.get<Audience>(at, stop));
  if (audience.value) return <AudienceForm of={audience.value} />;
  return (
    <>
      <PageHead title="Edit audience" back={list} />
      {audience.error ? <ErrorState error={audience.error} retry={audience.reload} /> : <Skeleton lines={8} />}
    </>
  );
}

/** Seen is whom a condition holds of, as far as it was asked. */
export type Seen = { of: Asked; answer: AudiencePreview | null; error: ApiError | null };

/** usePreview asks whom a draft holds of once the typing pauses, and withdraws what nobody needs to know any more. */
function usePreview(entity: Entity, now: Asked): { seen: Seen | null; stale: boolean } {
  const state = useSignal<(Seen & { key: string }) | null>(null);
  const key = now.condition === null ? "" : JSON.stringify([entity, now.condition]);
  useEffect(() => {
    if (key === "" || state.peek()?.key === key) return;
    const stop = new AbortController();
    const say = (answer: AudiencePreview | null, error: ApiError | null) => void (stop.signal.aborted || (state.value = { of: now, answer, error, key }));
    const ask = () =>
      void api.bare<{ data: AudiencePreview }>("POST", "/v1/audiences/preview", { entity, condition: now.condition }, stop.signal).then(
        (a) => say(a.data, null),
        (e: unknown) => say(null, asApiError(e)),
      );
    const timer = setTimeout(ask, 350);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [key]);
  const seen = state.value;
  if (key === "" || !seen) return { seen: null, stale: false };
  // The rows are the draft's own at each render: what stands at which path is as long as the condition is.
  return seen.key === key ? { seen: { ...seen, of: now }, stale: false } : { seen, stale: true };
}

type FormProps = { of?: Audience; draft?: Draft; /** What a page without a server shows. */ shown?: Seen };

/** AudienceForm makes an audience, or changes one. */
export function AudienceForm({ of, draft: given, shown }: FormProps) {
  const entity = useSignal<Entity>(of?.entity ?? "account");
  const name = useSignal(of?.name ?? "");
  const draft = useSignal<Draft>(given ?? (of ? draftOf(of.condition, of.entity) : blank("account")));
  const touched = useSignal(false);
  const now = asked(draft.value);
  const live = usePreview(entity.value, shown ? { condition: null, paths: new Map() } : now);
  const seen = shown ?? live.seen;
  const self = of ? "/audiences/" + of.id : list.href;
  useUnsaved(touched.value);
  const { run, busy, error, clear } = useAct(async () => {
    const condition = now.condition ?? "";
    const body = of ? { name: name.peek(), revision: of.revision, ...(condition === of.condition ? {} : { condition }) } : { name: name.peek(), entity: entity.peek(), condition };
    const saved = of ? await api.patch<Audience>("/v1" + self, body) : await api.post<Audience>("/v1/audiences", body);
    toast(of ? "Saved." : "It is filled now.");
    await navigate("/audiences/" + saved.id, { force: true });
  });
  const set = (to: Draft) => {
    draft.value = to;
    touched.value = true;
    clear();
  };
  const look = async (form: Draft["form"]) => set(form === "text" ? await asText(draft.peek(), entity.peek(), seen) : { ...draft.peek(), form });
  const wrong = error ?? (live.stale ? null : (seen?.error ?? null));
  return (
    <>
      <PageHead title={of ? "Edit " + of.name : "New audience"} back={of ? { href: self, label: of.name } : list}>
        {of ? "Another condition fills it anew, and nobody is told of who enters or leaves by the change." : "Nobody is told of those whom it begins with. From then on, who enters and who leaves is sent."}
      </PageHead>
      <form
        class="split"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          void run();
        }}
      >
        <div class="stack">
          <Input label="Name" autofocus max={200} value={name.value} onInput={(v) => void ((name.value = v), (touched.value = true))} error={errorOf(wrong, "name")} placeholder="Active accounts" />
          {!of && (
            <EntityChoice
              value={entity.value}
              onInput={(v) => {
                entity.value = v;
                set(forEntity(draft.peek(), v));
              }}
              error={errorOf(wrong, "entity")}
            />
          )}
          <ConditionFields entity={entity.value} value={draft.value} onInput={set} onForm={(f) => void look(f)} asked={now} error={wrong} />
          <FormError error={error} fields={["name", "entity", "condition"]} />
          <div class="row">
            <Button type="submit" look="primary" busy={busy}>
              {of ? "Save" : "Create audience"}
            </Button>
            <LinkButton href={self}>Cancel</LinkButton>
          </div>
        </div>
        <aside>
          <Preview entity={entity.value} seen={seen} stale={live.stale} part={unfinished(draft.value)} />
        </aside>
      </form>
    </>
  );
}

function EntityChoice({ value, onInput, error }: { value: Entity; onInput: (v: Entity) => void; error: string }) {
  return (
    <Choice
      label="What it holds"
      value={value}
      onInput={(v) => onInput(v as Entity)}
      options={[
        { value: "account", label: "Accounts", hint: "Companies, by what is known of them and by the signals about them and their people." },
        { value: "contact", label: "Contacts", hint: "People, by what is known of them and their company, and by their own signals." },
      ]}
      error={error}
    />
  );
}

/** asText is a draft with its rows written as an expression, as the API writes it; what was written by hand stays. */
async function asText(d: Draft, entity: Entity, seen: Seen | null): Promise<Draft> {
  const { condition } = asked({ ...d, form: "rows" });
  const of = JSON.stringify(condition);
  if (condition === null || of === d.of || (d.of === "" && d.text.trim() !== "")) return { ...d, form: "text" };
  if (seen?.answer && JSON.stringify(seen.of.condition) === of) return { ...d, form: "text", text: seen.answer.condition, of };
  const written = await api.post<AudiencePreview>("/v1/audiences/preview", { entity, condition }).then((a) => a.condition, () => "");
  return { ...d, form: "text", text: written, of: written === "" ? "" : of };
}

type PreviewProps = { entity: Entity; seen: Seen | null; stale: boolean; part: boolean };

/** Preview counts whom the condition holds of, while it is being written. */
function Preview({ entity, seen, stale, part }: PreviewProps) {
  const a = seen?.answer;
  return (
    <Card title="Whom it holds of">
      <div class={"preview" + (stale ? " stale" : "")}>
        <div role="status">
          {a ? (
            <>
              <p class="preview-count">
                <strong>{count(a.members)}</strong> of {a.complete ? plural(a.looked_at, entity) : `the ${plural(a.looked_at, entity)} with the latest signals`}
              </p>
              {!a.complete && <p class="hint">There are more; all are looked at once it is saved.</p>}
            </>
          ) : (
            <p class="soft">{seen?.error ? "Nothing can be counted as it is written." : "The count appears here as soon as there is a condition."}</p>
          )}
          {part && <p class="hint">What is not finished yet is left out.</p>}
        </div>
        {a && a.examples.length > 0 && (
          <ul class="preview-names" aria-label="The first of them">
            {a.examples.map((m) => (
              <Example key={(m.account ?? m.contact)!.id} of={m} />
            ))}
          </ul>
        )}
      </div>
    </Card>
  );
}

function Example({ of }: { of: MemberOf }) {
  const r = (of.account ?? of.contact)!;
  return (
    <li>
      <span>{nameOf(r)}</span>
      <span class="soft">{r.score}</span>
    </li>
  );
}
