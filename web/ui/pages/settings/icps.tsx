import { useSignal } from "@preact/signals";
import type { Profile } from "../../api-types";
import { api, can, Confirm, EmptyState, LinkButton, Menu, PageHead, type Paged, PagedTable, param, setParams, Status, Tabs, Time, toast, usePages } from "../../kit";
import { type Kind, parametersIn, words } from "./icpdraft";

/** Icps is Settings → ICPs: who is sold to, and who among their people decides. */
export function Icps() {
  const kind: Kind = param("tab") === "personas" ? "persona" : "icp";
  return <IcpsView kind={kind} list={usePages<Profile>(words[kind].api)} />;
}

export function IcpsView({ kind, list }: { kind: Kind; list: Paged<Profile> }) {
  const w = words[kind];
  const deleting = useSignal<Profile | null>(null);
  const add = can("write") && (
    <LinkButton href={w.path + "/new"} look="primary" icon="plus">
      Add {w.one}
    </LinkButton>
  );
  return (
    <>
      <PageHead title="ICPs" actions={add}>
        Whom you sell to. ICPs judge companies, personas the people in them; each signal is answered with how well its record suits the live ones.
      </PageHead>
      <Tabs label="What is judged" tabs={[{ id: "icp", label: "ICPs" }, { id: "persona", label: "Personas" }]} current={kind} onChange={(id) => setParams({ tab: id === "persona" ? "personas" : "" })}>
        <PagedTable
          key={kind}
          label={kind === "icp" ? "ICPs" : "Personas"}
          pages={list}
          id={(p) => p.id}
          href={(p) => `${w.path}/${p.id}`}
          empty={<Empty kind={kind} add={add} />}
          columns={[
            {
              head: "Code",
              cell: (p) => (
                <span class="two-lines">
                  <strong>{p.code}</strong>
                  {kind === "persona" && <span>{p.icp_codes!.length === 0 ? "of every ICP" : "of " + p.icp_codes!.join(", ")}</span>}
                </span>
              ),
            },
            { head: "Status", cell: (p) => <Status of={p.status} />, kind: "tight" },
            { head: "Parameters", cell: (p) => <span class="soft" title={p.parameters.map((q) => q.name).join("\n")}>{parametersIn(p.parameters)}</span>, kind: "wide" },
            { head: "Priority", cell: (p) => p.priority, kind: "low" },
            { head: "Changed", cell: (p) => <Time at={p.updated_at} />, kind: "low" },
            { head: "Acts", cell: (p) => can("write") && <Acts kind={kind} of={p} onDone={list.reload} onDelete={() => void (deleting.value = p)} />, kind: "menu" },
          ]}
        />
      </Tabs>
      {deleting.value && <DeleteProfile kind={kind} of={deleting.value} onClose={() => void (deleting.value = null)} onDone={list.reload} />}
    </>
  );
}

function Empty({ kind, add }: { kind: Kind; add: preact.ComponentChildren }) {
  const example = can("write") && <LinkButton href={words[kind].path + "/new?example=1"}>Begin with an example</LinkButton>;
  const actions = can("write") && (
    <>
      {add}
      {example}
    </>
  );
  return kind === "icp" ? (
    <EmptyState icon="target" title="No ICPs yet" actions={actions}>
      <p>An ideal customer profile says which companies suit you: what must hold, what must not, and what counts how much. Companies then get a score from 0 to 100.</p>
      <p>{can("write") ? "It begins as a draft: test it on companies you know, and set it live when it is right." : "An administrator or analyst adds the first one."}</p>
    </EmptyState>
  ) : (
    <EmptyState icon="contacts" title="No personas yet" actions={actions}>
      <p>A persona says which people matter, at companies that fit an ICP: the ones who decide, or who use it. Titles, scores and what they did are what it usually asks.</p>
    </EmptyState>
  );
}

/** switchLive sets a profile live, or makes it a draft, and offers to take that back. */
export async function switchLive(kind: Kind, of: Profile, onDone: () => void): Promise<void> {
  const to = (status: Profile["status"]) => api.patch(`${words[kind].api}/${of.id}`, { status });
  await to(of.status === "live" ? "draft" : "live");
  toast(of.status === "live" ? `${of.code} judges nothing any more.` : `${of.code} is live.`, async () => {
    await to(of.status);
    onDone();
  });
  onDone();
}

function Acts({ kind, of, onDone, onDelete }: { kind: Kind; of: Profile; onDone: () => void; onDelete: () => void }) {
  const failed = (e: unknown) => toast(e instanceof Error ? e.message : String(e), undefined, true);
  return (
    <Menu
      label={"Acts on " + of.code}
      items={[
        { label: of.status === "live" ? "Make it a draft" : "Set live", icon: of.status === "live" ? "pause" : "play", run: () => void switchLive(kind, of, onDone).catch(failed) },
        { label: "Delete", danger: true, run: onDelete },
      ]}
    />
  );
}

export function DeleteProfile({ kind, of, onClose, onDone }: { kind: Kind; of: Profile; onClose: () => void; onDone: () => void }) {
  return (
    <Confirm
      title={`Delete ${of.code}?`}
      act="Delete"
      danger
      name={of.code.trim()}
      onClose={onClose}
      onConfirm={async () => {
        await api.del(`${words[kind].api}/${of.id}`);
        toast(`${of.code} is deleted.`);
        onDone();
      }}
    >
      <p>It judges nobody any more. {kind === "icp" ? "Records that it fits keep their qualification until they are judged again." : "People keep their qualification until they are judged again."}</p>
    </Confirm>
  );
}
