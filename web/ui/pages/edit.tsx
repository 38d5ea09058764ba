import { useSignal } from "@preact/signals";
import { api, Button, Card, ErrorState, errorOf, FormError, Input, LinkButton, navigate, PageHead, parse, Skeleton, Textarea, toast, useAct, useLoad, useUnsaved } from "../kit";
import type { RecordKind } from "../types";
import { type AnyRecord, isContact, mergePatch, nameOf, words } from "./record";

export const EditAccount = ({ id }: { id: string }) => <Edit kind="account" id={id} />;
export const EditContact = ({ id }: { id: string }) => <Edit kind="contact" id={id} />;

function Edit({ kind, id }: { kind: RecordKind; id: string }) {
  const at = `/v1/${words[kind].many}/${encodeURIComponent(id)}`;
  const record = useLoad<AnyRecord>(at, (stop) => api.get<AnyRecord>(at, stop));
  if (record.error) return <ErrorState error={record.error} retry={record.reload} />;
  if (!record.value) return <Skeleton lines={6} />;
  return <EditForm kind={kind} record={record.value} save={(patch) => api.patch<AnyRecord>(at, patch)} />;
}

/** fieldsOf are what people may change by hand. */
const fieldsOf = (kind: RecordKind): [string, string][] =>
  kind === "account"
    ? [["name", "Name"], ["status", "Status"]]
    : [["first_name", "First name"], ["last_name", "Last name"], ["title", "Title"]];

/** readAttributes reads what was typed; a text says why it cannot be taken. */
export function readAttributes(text: string): Record<string, unknown> | string {
  let v: unknown;
  try {
    v = parse(text.trim() === "" ? "{}" : text);
  } catch (e) {
    return "This is not JSON: " + (e instanceof Error ? e.message : String(e)) + ".";
  }
  if (typeof v !== "object" || v === null || Array.isArray(v)) return 'Attributes are a JSON object, such as {"plan": "pro"}.';
  return v as Record<string, unknown>;
}

type FormProps = { kind: RecordKind; record: AnyRecord; save: (patch: Record<string, unknown>) => Promise<unknown> };

export function EditForm({ kind, record, save }: FormProps) {
  const w = words[kind];
  const self = `${w.path}/${record.id}`;
  const fields = fieldsOf(kind);
  const before = Object.fromEntries(fields.map(([name]) => [name, String((record as unknown as Record<string, unknown>)[name] ?? "")]));
  const values = useSignal(before);
  const written = JSON.stringify(record.attributes, null, 2);
  const attributes = useSignal(written);
  const read = readAttributes(attributes.value);
  const dirty = attributes.value !== written || fields.some(([name]) => values.value[name] !== before[name]);
  useUnsaved(dirty);
  const { run, busy, error } = useAct(async () => {
    if (typeof read === "string") return;
    const patch: Record<string, unknown> = {};
    for (const [name] of fields) {
      const v = values.value[name]!.trim();
      if (v !== before[name]) patch[name] = v === "" ? null : v;
    }
    const changed = mergePatch(record.attributes, read);
    if (Object.keys(changed).length > 0) patch.attributes = changed;
    if (Object.keys(patch).length > 0) await save(patch);
    toast("Saved.");
    await navigate(self, { force: true });
  });
  return (
    <>
      <PageHead title={"Edit " + nameOf(record)} back={{ href: self, label: nameOf(record) }} />
      <form
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          void run();
        }}
      >
        <Card>
          <div class="stack form">
            {fields.map(([name, label], i) => (
              <Input key={name} label={label} optional autofocus={i === 0} max={200} value={values.value[name]!} onInput={(v) => void (values.value = { ...values.peek(), [name]: v })} error={errorOf(error, name)} list={name === "status" ? ["prospect", "customer", "churned"] : undefined} />
            ))}
            <Textarea label="Attributes" mono rows={Math.min(20, Math.max(6, written.split("\n").length + 1))} value={attributes.value} onInput={(v) => void (attributes.value = v)} error={typeof read === "string" ? read : errorOf(error, "attributes")} hint="A JSON object. What you take out is removed; what you leave stays as it is." />
            {isContact(record) && <p class="hint">E-mail and profile are what a contact is known by: they come with signals and imports.</p>}
            {!isContact(record) && <p class="hint">The domain is what an account is known by: it comes with signals and imports.</p>}
            <FormError error={error} fields={[...fields.map(([name]) => name), "attributes"]} />
            <div class="row">
              <Button type="submit" look="primary" busy={busy} disabled={!dirty || typeof read === "string"}>
                Save
              </Button>
              <LinkButton href={self}>Cancel</LinkButton>
            </div>
          </div>
        </Card>
      </form>
    </>
  );
}
