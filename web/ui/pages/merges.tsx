import { useSignal } from "@preact/signals";
import { api, Button, can, Card, EmptyState, FormError, type Paged, PagedTable, PageHead, param, setParams, Status, Tabs, Time, toast, useAct, usePages } from "../kit";
import type { Merge } from "../types";
import { MergeView, undo } from "./merge";

const tabs = [
  { id: "proposed", label: "Proposed" },
  { id: "done", label: "Done" },
  { id: "undone", label: "Undone" },
  { id: "dismissed", label: "Dismissed" },
];

export function Merges() {
  const status = param("status") || "proposed";
  const kind = param("kind");
  const pages = usePages<Merge>(`/v1/merges?status=${encodeURIComponent(status)}` + (kind === "" ? "" : "&kind=" + encodeURIComponent(kind)));
  return <MergesView pages={pages} status={status} />;
}

/** label is how a merge's record is called. */
const label = (r: Record<string, unknown> | null): string => (r === null ? "erased" : String(r.name ?? r.domain ?? r.email ?? r.linkedin_url ?? r.id));

export function MergesView({ pages, status }: { pages: Paged<Merge>; status: string }) {
  const open = useSignal("");
  const shown = pages.rows?.find((m) => m.id === open.value);
  return (
    <>
      <PageHead title="Merges" back={{ href: "/accounts", label: "Accounts" }}>
        Records that may be the same, and those that were made one.
      </PageHead>
      <Tabs label="Merges by state" tabs={tabs} current={status} onChange={(v) => setParams({ status: v === "proposed" ? "" : v })}>
        <div class="stack">
          <PagedTable
            label="Merges"
            pages={pages}
            id={(m) => m.id!}
            onOpen={(m) => void (open.value = open.peek() === m.id ? "" : m.id!)}
            current={(m) => m.id === open.value}
            empty={
              <EmptyState icon="merge" title={status === "proposed" ? "Nothing looks double" : "None"}>
                <p>{status === "proposed" ? "When two records seem to be the same company or person, the pair appears here for you to decide." : "Merges of this state appear here."}</p>
              </EmptyState>
            }
            columns={[
              { head: "Record", cell: (m) => label(m.from) },
              { head: "Into", cell: (m) => label(m.into) },
              { head: "Kind", cell: (m) => m.kind, kind: "low" },
              { head: "State", cell: (m) => <Status of={m.status} /> },
              { head: "When", cell: (m) => <Time at={m.undone_at ?? m.created_at} />, kind: "tight" },
            ]}
          />
          {shown && <Shown key={shown.id} merge={shown} onChange={pages.reload} />}
        </div>
      </Tabs>
    </>
  );
}

function Shown({ merge, onChange }: { merge: Merge; onChange: () => void }) {
  const at = "/v1/merges/" + merge.id;
  const { run, busy, error } = useAct(async (what: "accept" | "dismiss" | "undo") => {
    await api.post(`${at}/${what}`);
    if (what === "accept") toast("Merged.", () => undo(merge.id!).then(onChange));
    else toast(what === "undo" ? "Undone: both are as they were." : "Dismissed.");
    onChange();
  });
  return (
    <Card title={`${label(merge.from)} into ${label(merge.into)}`}>
      <div class="stack">
        {merge.reason && <p>{merge.reason.charAt(0).toUpperCase() + merge.reason.slice(1)}.</p>}
        <MergeView merge={merge} />
        <FormError error={error} />
        {can("write") && (
          <div class="row">
            {merge.status === "proposed" && (
              <>
                <Button look="primary" icon="merge" busy={busy} onClick={() => void run("accept")}>
                  Merge
                </Button>
                <Button disabled={busy} onClick={() => void run("dismiss")}>
                  Not the same
                </Button>
              </>
            )}
            {merge.status === "done" && (
              <Button icon="undo" busy={busy} onClick={() => void run("undo")}>
                Undo
              </Button>
            )}
          </div>
        )}
      </div>
    </Card>
  );
}
