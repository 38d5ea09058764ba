import { api, Button, can, Confirm, EmptyState, type Paged, PagedTable, PageHead, plural, Status, Time, toast, usePages } from "../kit";
import { useSignal } from "@preact/signals";
import type { Import } from "../types";

/** undoImport takes back the newest import of a name. */
export async function undoImport(name: string): Promise<void> {
  const all = await api.list<Import>("/v1/imports?limit=50");
  const mine = all.rows.find((i) => i.name === name);
  if (!mine) throw new Error("This import is not in the list of imports: look at Imports, where it can be undone once it appears.");
  await api.post(`/v1/imports/${mine.id}/undo`);
  toast("The import is being undone.");
}

export function Imports() {
  return <ImportsView pages={usePages<Import>("/v1/imports")} />;
}

export function ImportsView({ pages }: { pages: Paged<Import> }) {
  const asked = useSignal<Import | null>(null);
  return (
    <>
      <PageHead title="Imports" back={{ href: "/accounts", label: "Accounts" }}>
        What was imported, and can be taken back: records that an import made are removed, those that it changed are as before.
      </PageHead>
      <PagedTable
        label="Imports"
        pages={pages}
        id={(i) => i.id}
        columns={[
          { head: "Import", cell: (i) => i.name },
          { head: "Rows", cell: (i) => `${plural(i.created, "record")} made, ${i.updated} changed` },
          { head: "State", cell: (i) => <Status of={i.status} /> },
          { head: "When", cell: (i) => <Time at={i.created_at} />, kind: "tight" },
          {
            head: "Undo",
            kind: "tight",
            cell: (i) =>
              can("write") && i.status === "done" ? (
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
            await api.post(`/v1/imports/${asked.peek()!.id}/undo`);
            toast("The import is being undone.");
            pages.reload();
          }}
        >
          <p>
            The records that <strong>{asked.value.name}</strong> made are removed, unless a signal has been about them since; those that it changed become as they were.
          </p>
        </Confirm>
      )}
    </>
  );
}
