// Tables of rows by cursor. The first cell of a row is its link; the arrow keys, j and k go from row to row.

import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { Button } from "./button";
import type { Paged } from "./load";
import { ErrorState, Skeleton } from "./states";
import { count } from "./time";

export type Column<T> = {
  head: string;
  cell: (row: T) => ComponentChildren;
  /** right for numbers, low goes first where there is little room, tight takes no more than it needs, wide takes more, menu has room for one and its head is only read aloud. */
  kind?: "right" | "low" | "tight" | "wide" | "menu";
  /** sort is what the API calls this order. */
  sort?: string;
};

type Props<T> = {
  label: string;
  columns: Column<T>[];
  rows: T[];
  id: (row: T) => string;
  /** Where a row leads. */
  href?: (row: T) => string;
  /** What a row does where it leads nowhere. */
  onOpen?: (row: T) => void;
  sort?: string;
  onSort?: (sort: string) => void;
  /** Rows that have just arrived are marked for a moment. */
  fresh?: (row: T) => boolean;
  current?: (row: T) => boolean;
};

const kindClass = <T,>(c: Column<T>) => (c.kind === "menu" ? "menu-cell" : c.kind); // .menu is the menu itself

export function Table<T>({ label, columns, rows, id, href, onOpen, sort, onSort, fresh, current }: Props<T>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const step = (e: KeyboardEvent) => {
    const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[e.key];
    if (by === undefined || e.metaKey || e.ctrlKey || e.altKey) return;
    const all = [...(body.current?.querySelectorAll<HTMLElement>(".row-link") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = all[at + by];
    if (at < 0 || !to) return;
    e.preventDefault();
    to.focus();
  };
  const click = (e: MouseEvent, row: T) => {
    if ((e.target as Element).closest("a, button, input, label") || getSelection()?.toString()) return;
    if (onOpen) onOpen(row);
    else (e.currentTarget as HTMLElement).querySelector<HTMLElement>("a.row-link")?.click();
  };
  const opens = href !== undefined || onOpen !== undefined;
  return (
    <div class="table-box">
      <table aria-label={label}>
        <thead>
          <tr>
            {columns.map((c) => (
              <th key={c.head} scope="col" class={kindClass(c)} aria-sort={c.sort === undefined ? undefined : sort === "-" + c.sort ? "descending" : sort === c.sort ? "ascending" : undefined}>
                {c.sort !== undefined && onSort ? (
                  <button type="button" class="sort" onClick={() => onSort(sort === "-" + c.sort ? c.sort! : "-" + c.sort!)}>
                    {c.head}
                    <span aria-hidden="true">{sort === "-" + c.sort ? " ↓" : sort === c.sort ? " ↑" : ""}</span>
                  </button>
                ) : c.kind === "menu" ? (
                  <span class="unseen">{c.head}</span>
                ) : (
                  c.head
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body} onKeyDown={step}>
          {rows.map((row) => (
            <tr key={id(row)} class={(opens ? "opens" : "") + (fresh?.(row) ? " fresh" : "") + (current?.(row) ? " current" : "")} onClick={opens ? (e) => click(e, row) : undefined}>
              {columns.map((c, i) => (
                <td key={c.head} class={kindClass(c)} data-head={c.head}>
                  {i === 0 && href ? (
                    <a class="row-link" href={href(row)} aria-current={current?.(row) ? "true" : undefined}>
                      {c.cell(row)}
                    </a>
                  ) : i === 0 && onOpen ? (
                    <button type="button" class="row-link" aria-expanded={current?.(row)} onClick={() => onOpen(row)}>
                      {c.cell(row)}
                    </button>
                  ) : (
                    c.cell(row)
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** PagedTable is a table of a list by cursor with all its states; empty is what stands for no rows. */
export function PagedTable<T>({ pages, empty, ...table }: Omit<Props<T>, "rows"> & { pages: Paged<T>; empty: ComponentChildren }) {
  if (pages.error) return <ErrorState error={pages.error} retry={pages.reload} />;
  if (!pages.rows) return <Skeleton lines={8} />;
  if (pages.rows.length === 0 && pages.page === 0) return <>{empty}</>;
  return (
    <div class={pages.loading ? "paged stale" : "paged"} aria-busy={pages.loading}>
      <Table {...table} rows={pages.rows} />
      {(pages.next || pages.previous) && (
        <nav class="pager" aria-label={"Pages of " + table.label}>
          <span>
            {pages.total === null ? `Page ${pages.page + 1}` : `Page ${pages.page + 1} of ${count(pages.total)} rows`}
          </span>
          <Button small disabled={!pages.previous} onClick={() => pages.previous?.()}>
            Previous
          </Button>
          <Button small disabled={!pages.next} onClick={() => pages.next?.()}>
            Next
          </Button>
        </nav>
      )}
    </div>
  );
}
