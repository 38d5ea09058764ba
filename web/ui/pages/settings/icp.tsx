// One ICP or persona: added, changed, tested.

import { useSignal } from "@preact/signals";
import type { Profile, Tested } from "../../api-types";
import { ApiError, api, Button, can, Card, ErrorState, Facts, LinkButton, type Loaded, Menu, navigate, Note, PageHead, param, Skeleton, Status, toast, useAct, useLoad, useUnsaved } from "../../kit";
import { blank, bodyOf, type Draft, draftOf, exampleOf, type Kind, words } from "./icpdraft";
import { type CodesOf, ProfileFields, useCodes } from "./icpform";
import { DeleteProfile, switchLive } from "./icps";
import { type RecordsOf, Tester, useRecords } from "./icptest";

export const AddIcp = () => <AddView kind="icp" asks={asks} example={param("example") !== ""} />;
export const AddPersona = () => <AddView kind="persona" asks={asks} example={param("example") !== ""} />;
export const IcpPage = ({ id }: { id: string }) => <ProfilePage kind="icp" id={id} />;
export const PersonaPage = ({ id }: { id: string }) => <ProfilePage kind="persona" id={id} />;

/** Asks are the questions of the form: hooks, the same ones at each call. */
export type Asks = { recordsOf: RecordsOf; codesOf: CodesOf };

const asks: Asks = { recordsOf: useRecords, codesOf: useCodes };

const backTo = (kind: Kind) => ({ href: words[kind].list, label: kind === "icp" ? "ICPs" : "Personas" });

/** testDraft judges a record by what is in the form. What the API says of the profile names its fields as the form does. */
async function testDraft(kind: Kind, draft: Draft, record: Record<string, string>): Promise<Tested> {
  const body = bodyOf(draft, kind);
  try {
    return await api.post<Tested>(words[kind].api + "/test", { profile: { ...body, code: body.code || "draft" }, ...record });
  } catch (e) {
    throw e instanceof ApiError ? new ApiError(e.status, e.code, e.message, e.param.replace(/^profile\./, ""), e.requestId) : e;
  }
}

export function AddView({ kind, asks, example }: { kind: Kind; asks: Asks; example: boolean }) {
  const w = words[kind];
  const draft = useSignal<Draft>(example ? exampleOf(kind) : blank());
  const touched = useSignal(false);
  const set = (change: Partial<Draft>) => {
    draft.value = { ...draft.peek(), ...change };
    touched.value = true;
  };
  useUnsaved(touched.value);
  const { run, busy, error } = useAct(async () => {
    const made = await api.post<Profile>(w.api, bodyOf(draft.peek(), kind));
    touched.value = false;
    toast(`${made.code} is ${made.status === "live" ? "live" : "saved as a draft"}.`);
    await navigate(`${w.path}/${made.id}`, { replace: true, force: true });
  });
  return (
    <>
      <PageHead title={"Add " + w.one} back={backTo(kind)} actions={<Button onClick={() => set(exampleOf(kind))}>Fill in an example</Button>}>
        {kind === "icp" ? "Say what a company must be, must not be, and what counts how much." : "Say who matters at a company that fits an ICP."}
      </PageHead>
      <div class="halves judging">
        <form
          class="long-form"
          noValidate
          onSubmit={(e) => {
            e.preventDefault();
            void run();
          }}
        >
          <ProfileFields kind={kind} codesOf={asks.codesOf} draft={draft.value} set={set} error={error} />
          <div class="row">
            <Button type="submit" look="primary" busy={busy}>
              Add {w.one}
            </Button>
            <LinkButton href={w.list}>Cancel</LinkButton>
          </div>
        </form>
        <Tester kind={kind} recordsOf={asks.recordsOf} judge={(record) => testDraft(kind, draft.peek(), record)} />
      </div>
    </>
  );
}

function ProfilePage({ kind, id }: { kind: Kind; id: string }) {
  return <IcpView kind={kind} asks={asks} profile={useLoad<Profile>(`${kind}:${id}`, (stop) => api.get<Profile>(`${words[kind].api}/${encodeURIComponent(id)}`, stop))} />;
}

export function IcpView({ kind, asks, profile }: { kind: Kind; asks: Asks; profile: Loaded<Profile> }) {
  const deleting = useSignal(false);
  const switching = useAct(async () => switchLive(kind, profile.value!, profile.reload));
  const p = profile.value;
  if (profile.error || !p) {
    return (
      <>
        <PageHead title={kind === "icp" ? "ICP" : "Persona"} back={backTo(kind)} />
        {profile.error ? <ErrorState error={profile.error} retry={profile.reload} /> : <Skeleton lines={8} />}
      </>
    );
  }
  const w = words[kind];
  const acts = can("write") && (
    <>
      <Button busy={switching.busy} icon={p.status === "live" ? "pause" : "play"} onClick={() => void switching.run()}>
        {p.status === "live" ? "Make it a draft" : "Set live"}
      </Button>
      <Menu label={"More for " + p.code} items={[{ label: "Delete", danger: true, run: () => void (deleting.value = true) }]} />
    </>
  );
  return (
    <>
      <PageHead title={p.code} back={backTo(kind)} actions={acts}>
        <span class="row">
          <Status of={p.status} />
          {p.status === "live" ? "It judges every signal that comes." : "It judges nothing until it is live."}
        </span>
      </PageHead>
      {switching.error && <Note tone="bad">{switching.error.message}</Note>}
      {can("write") ? <Form key={p.id + p.revision} kind={kind} asks={asks} of={p} onSaved={profile.set} reload={profile.reload} /> : <Reading kind={kind} asks={asks} of={p} />}
      {deleting.value && <DeleteProfile kind={kind} of={p} onClose={() => void (deleting.value = false)} onDone={() => void navigate(w.list, { replace: true, force: true })} />}
    </>
  );
}

function Form({ kind, asks, of, onSaved, reload }: { kind: Kind; asks: Asks; of: Profile; onSaved: (p: Profile) => void; reload: () => void }) {
  const first = useSignal(draftOf(of));
  const draft = useSignal<Draft>(first.peek());
  const d = draft.value;
  const set = (change: Partial<Draft>) => void (draft.value = { ...draft.peek(), ...change });
  const dirty = JSON.stringify(bodyOf(d, kind)) !== JSON.stringify(bodyOf(first.value, kind));
  useUnsaved(dirty);
  const { run, busy, error, clear } = useAct(async (over: boolean) => {
    const [was, is] = [bodyOf(first.peek(), kind), bodyOf(draft.peek(), kind)];
    const change = Object.fromEntries(Object.entries(is).filter(([name, v]) => JSON.stringify(v) !== JSON.stringify(was[name])));
    onSaved(await api.patch<Profile>(`${words[kind].api}/${of.id}`, over ? change : { ...change, revision: of.revision }));
    toast("Saved.");
  });
  const discard = () => {
    draft.value = first.peek();
    clear();
  };
  const overtaken = error?.status === 409 && error.message.includes("somebody changed it meanwhile");
  return (
    <div class="halves judging">
      <form
        class="long-form"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          if (dirty) void run(false);
        }}
      >
        <ProfileFields kind={kind} codesOf={asks.codesOf} draft={d} set={set} error={overtaken ? null : error} />
        {overtaken && (
          <Note tone="warn">
            <div class="stack">
              <span>Somebody changed it while you did.</span>
              <div class="row">
                <Button small onClick={() => void run(true)}>
                  Save mine over it
                </Button>
                <Button
                  small
                  look="quiet"
                  onClick={() => {
                    discard();
                    reload();
                  }}
                >
                  Discard mine
                </Button>
              </div>
            </div>
          </Note>
        )}
        {dirty && (
          <div class="savebar">
            <span role="status">Not saved yet</span>
            <Button look="quiet" onClick={discard}>
              Discard
            </Button>
            <Button type="submit" look="primary" busy={busy}>
              Save changes
            </Button>
          </div>
        )}
      </form>
      <Tester kind={kind} recordsOf={asks.recordsOf} judge={(record) => testDraft(kind, draft.peek(), record)} />
    </div>
  );
}

const does = { filter: "Must hold", exclude: "Must not hold", score: "Scores" };

/** Reading is a profile for those who may not change it. */
function Reading({ kind, asks, of }: { kind: Kind; asks: Asks; of: Profile }) {
  return (
    <div class="halves judging">
      <div class="stack">
        <Note>ICPs and personas are changed by administrators and analysts. You can test them.</Note>
        <Card title="Parameters">
          <Facts
            rows={of.parameters.map((q): [string, preact.ComponentChildren] => [
              q.name,
              <span key={q.name} class="two-lines">
                <code class="wrap">{q.expression}</code>
                <span>
                  {does[q.mode]}
                  {q.weight !== null && `, weight ${q.weight}`}
                </span>
              </span>,
            ])}
          />
        </Card>
        <Facts rows={[["Priority", String(of.priority)], ...(kind === "persona" ? [["At companies of", of.icp_codes!.join(", ") || "every ICP"] as [string, string]] : [])]} />
      </div>
      <Tester kind={kind} recordsOf={asks.recordsOf} judge={(record) => api.post<Tested>(`${words[kind].api}/${of.id}/test`, record)} />
    </div>
  );
}
