import type { SignalType } from "../../api-types";
import { api, can, EmptyState, LinkButton, type Paged, PagedTable, PageHead, Switch, toast, useAct, usePages } from "../../kit";
import { Kinds, Named } from "./words";

/** change sets something of a type; one that has no id yet is declared by it. */
export const change = (t: SignalType, by: Record<string, unknown>): Promise<SignalType> =>
  t.id === null ? api.post<SignalType>("/v1/signal-types", { name: t.label, ...by }) : api.patch<SignalType>("/v1/signal-types/" + t.id, by);

export function Types() {
  const pages = usePages<SignalType>("/v1/signal-types");
  return <TypesView pages={pages} onChanged={(was, now) => pages.update((rows) => rows.map((t) => (t.name === was.name ? now : t)))} />;
}

type Props = { pages: Paged<SignalType>; onChanged: (was: SignalType, now: SignalType) => void };

export function TypesView({ pages, onChanged }: Props) {
  const { run, busy } = useAct(async (t: SignalType, by: Record<string, unknown>) => {
    try {
      onChanged(t, await change(t, by));
      toast(`${t.label}: saved.`);
    } catch (e) {
      toast(e instanceof Error ? e.message : String(e));
    }
  });
  const add = can("write") && (
    <LinkButton look="primary" icon="plus" href="/signals/types/new">
      Custom signal
    </LinkButton>
  );
  return (
    <>
      <PageHead title="Signal types" back={{ href: "/signals", label: "Signals" }} actions={add}>
        Those that were declared, those that signals have made, and those that are built in.
      </PageHead>
      <PagedTable
        label="Signal types"
        pages={pages}
        id={(t) => t.name}
        empty={<EmptyState icon="signals" title="No signal types yet" actions={add} />}
        columns={[
          { head: "Name", cell: (t) => <TypeLink of={t} />, kind: "wide" },
          { head: "Kind", cell: (t) => <Kinds of={t} /> },
          { head: "Sub-rules", cell: (t) => (t.sub_rules.length === 0 ? <span class="none">–</span> : <Named as="Sub-rules">{t.sub_rules.length}</Named>), kind: "right" },
          { head: "Autoqualify", cell: (t) => <Named as="Autoqualify"><Switch label={`Autoqualify ${t.label}`} on={t.autoqualify} disabled={!can("write")} busy={busy} onInput={(v) => void run(t, { autoqualify: v })} /></Named>, kind: "tight" },
          { head: "Enabled", cell: (t) => <Named as="Enabled"><Switch label={`Enable ${t.label}`} on={t.enabled} disabled={!can("write")} busy={busy} onInput={(v) => void run(t, { enabled: v })} /></Named>, kind: "tight" },
        ]}
      />
    </>
  );
}

/** TypeLink leads to a type; one that is neither declared nor seen has no page. */
function TypeLink({ of }: { of: SignalType }) {
  const words = (
    <span class="two-lines">
      <strong>{of.label}</strong>
      <code>{of.name}</code>
    </span>
  );
  return of.id === null ? words : <a class="row-link" href={"/signals/types/" + of.id}>{words}</a>;
}
