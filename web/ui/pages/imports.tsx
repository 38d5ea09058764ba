import { useSignal } from "@preact/signals";
import { api, Badge, Button, can, Card, Confirm, EmptyState, type Paged, PagedTable, PageHead, plural, Table, Time, toast, usePages } from "../kit";
import type { Import, ImportUndone } from "../types";
import { words } from "./record";

/** undoImport takes back the newest import of a name, and says what was left alone. */
export async function undoImport(name: string): Promise<ImportUndone> {
  const all = await api.list<Import>("/v1/imports?limit=50");
  const mine = all.rows.find((i) => i.name === name);
  if (!mine) throw new Error("This import has changed nothing that could be undone.");
  return takeBack(mine.id);
}

async function takeBack(id: string): Promise<ImportUndone> {
  const undone = await api.post<ImportUndone>(`/v1/imports/${id}/undo`);
  const left = undone.left.length + undone.more;
  toast(`${plural(undone.undone, "record")} taken back` + (left > 0 ? `, ${left} left alone: they were changed since.` : "."));
  return undone;
}

export function Imports() {
  return <ImportsView pages={usePages<Import>("/v1/imports")} />;
}

export function ImportsView({ pages, undone }: { pages: Paged<Import>; undone?: ImportUndone }) {
  const asked = useSignal<Import | null>(null);
  const last = useSignal<ImportUndone | undefined>(undone);
  return (
    <>
      <PageHead title="Imports" back={{ href: "/accounts", label: "Accounts" }}>
        What was imported, and can be taken back: records that an import made are removed, those that it changed are as before.
      </PageHead>
      {last.value && last.value.left.length > 0 && <Left undone={last.value} />}
      <PagedTable
        label="Imports"
        pages={pages}
        id={(i) => i.id}
        columns={[
          { head: "Import", cell: (i) => i.name },
          { head: "Records", cell: (i) => (i.undone_at ? "–" : plural(i.records, "record")) },
          { head: "State", cell: (i) => (i.undone_at ? <Badge dot>undone</Badge> : <Badge dot tone="good">done</Badge>) },
          { head: "When", cell: (i) => <Time at={i.undone_at ?? i.created_at} />, kind: "tight" },
          {
            head: "Undo",
            kind: "tight",
            cell: (i) =>
              can("write") && !i.undone_at ? (
                <Button small icon="undo" onClick={() => void (asked.value = i)}>
                  Undo
                </Button>
              ) : null,
          },
        ]}
        empty={
          <EmptyState icon="upload" title="No imports yet">
            <p>Import a CSV file at Accounts or Contacts, or with signalbox import.</p>
          </EmptyState>
        }
      />
      {asked.value && (
        <Confirm
          title="Undo this import?"
          act="Undo the import"
          danger
          onClose={() => void (asked.value = null)}
          onConfirm={async () => {
            last.value = await takeBack(asked.peek()!.id);
            pages.reload();
          }}
        >
          <p>
            The records that <strong>{asked.value.name}</strong> made are removed and those that it changed become as they were. What anybody has touched since is left alone.
          </p>
        </Confirm>
      )}
    </>
  );
}

function Left({ undone }: { undone: ImportUndone }) {
  return (
    <Card title="Left alone" flush>
      <Table
        label="Records that were left alone"
        rows={undone.left}
        id={(r) => r.id}
        href={(r) => `${words[r.kind].path}/${r.id}`}
        columns={[
          { head: "Record", cell: (r) => r.id },
          { head: "Why", cell: (r) => <span class="wrap">{r.reason}</span> },
        ]}
      />
    </Card>
  );
}
