// The workspace's settings as a form, for the pages that show parts of them: what was changed is saved, and who edits at the same time hears of it.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Workspace } from "../../api-types";
import { api, ApiError, Button, can, ErrorState, errorOf, FormError, type Loaded, Note, session, Skeleton, Time, toast, useAct, useLoad, useUnsaved } from "../../kit";
import { type Draft, draftOf, type FieldName, fieldLabels, mistakes, patchOf, rebase, touched } from "./workspaceform";

/** useSettings reads the workspace's settings. */
export const useSettings = (): Loaded<Workspace> => useLoad("workspace", (signal) => api.get<Workspace>("/v1/workspace", signal));

/** Part is what the fields of a part of the form are made with. */
export type Part = { d: Draft; set: (name: FieldName, v: string) => void; said: (...names: FieldName[]) => string; fixed: boolean; of: Workspace };

/** Parts is called with each state of the form. */
type Parts = { children: (part: Part) => ComponentChildren };

/** SettingsForm shows parts of the settings in each of their states. */
export function SettingsForm({ settings, children }: { settings: Loaded<Workspace> } & Parts) {
  if (settings.error) return <ErrorState error={settings.error} retry={settings.reload} />;
  return settings.value ? <Form settings={settings.value}>{children}</Form> : <Skeleton lines={10} />;
}

function Form({ settings, children }: { settings: Workspace } & Parts) {
  const base = useSignal(settings);
  const draft = useSignal<Draft>(draftOf(settings));
  const theirs = useSignal<Workspace | null>(null);
  const d = draft.value;
  const mine = touched(base.value, d);
  const wrong = mistakes(d);
  const set = (name: FieldName, v: string) => void (draft.value = { ...draft.peek(), [name]: v });
  const show = (w: Workspace) => {
    base.value = w;
    theirs.value = null;
    if (session.value) session.value = { ...session.value, workspace: { ...session.value.workspace, name: w.name, timezone: w.timezone } };
  };
  const { run, busy, error, clear } = useAct(async () => {
    try {
      const saved = await api.patch<Workspace>("/v1/workspace", { ...patchOf(d, mine), revision: base.value.revision });
      show(saved);
      draft.value = draftOf(saved);
      toast("Saved.");
    } catch (e) {
      if (!(e instanceof ApiError) || e.code !== "conflict") throw e;
      theirs.value = await api.get<Workspace>("/v1/workspace");
    }
  });
  useUnsaved(mine.length > 0);
  const dropMine = (w: Workspace) => {
    show(w);
    draft.value = draftOf(w);
    clear();
  };
  const keepMine = (w: Workspace) => {
    draft.value = rebase(w, d, mine);
    show(w);
  };
  const fixed = !can("admin");
  const said = (...names: FieldName[]) => names.map((n) => wrong[n]).find(Boolean) ?? errorOf(error, ...names);
  return (
    <form
      class="long-form"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        if (mine.length > 0 && Object.keys(wrong).length === 0) void run();
      }}
    >
      {fixed && <Note>Settings are changed by administrators.</Note>}
      {children({ d, set, said, fixed, of: base.value })}
      {theirs.value && <Conflict theirs={theirs.value} base={base.value} mine={mine} keep={keepMine} drop={dropMine} />}
      <FormError error={error} fields={Object.keys(fieldLabels)} />
      {mine.length > 0 && (
        <div class="savebar">
          <span role="status">Not saved yet: {mine.map((m) => fieldLabels[m]).join(", ")}</span>
          <Button look="quiet" onClick={() => dropMine(base.value)}>
            Discard
          </Button>
          <Button type="submit" look="primary" busy={busy} disabled={theirs.value !== null || Object.keys(wrong).length > 0}>
            Save changes
          </Button>
        </div>
      )}
    </form>
  );
}

/** Conflict tells that somebody else has saved meanwhile, and what that means for what stands here. */
export function Conflict({ theirs, base, mine, keep, drop }: { theirs: Workspace; base: Workspace; mine: FieldName[]; keep: (w: Workspace) => void; drop: (w: Workspace) => void }) {
  const both = touched(base, draftOf(theirs)).filter((f) => mine.includes(f));
  return (
    <div class="note warn" role="alert">
      <div class="stack">
        <p>
          <strong>Somebody else has changed these settings</strong> <Time at={theirs.updated_at} />.{" "}
          {both.length === 0 ? "Other fields than yours: nothing of theirs is lost when you keep yours." : `They changed ${both.map((f) => fieldLabels[f]).join(", ")} too: keeping yours replaces theirs.`}
        </p>
        <div class="row">
          <Button onClick={() => keep(theirs)}>Keep mine and look again</Button>
          <Button look="quiet" onClick={() => drop(theirs)}>
            Discard mine
          </Button>
        </div>
      </div>
    </div>
  );
}
