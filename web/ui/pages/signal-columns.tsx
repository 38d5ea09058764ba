import type { Signal } from "../api-types";
import { Badge, type Column, Time } from "../kit";
import { points } from "./score";

/** company writes who a signal is about. */
export const company = (s: Signal): string => s.account?.name || s.account?.domain || "";
export const person = (s: Signal): string => s.contact?.name || s.contact?.email || s.contact?.linkedin_url || "";

/** signalColumns are those of every list of signals. */
export const signalColumns: Column<Signal>[] = [
  {
    head: "Type",
    cell: (s) => (
      <span class="type">
        {s.type}
        {s.backfill && <Badge>backfill</Badge>}
        {s.erased_at && <Badge>erased</Badge>}
      </span>
    ),
  },
  { head: "Account", cell: (s) => (s.account ? <a href={"/accounts/" + s.account.id}>{company(s)}</a> : <span class="none">–</span>) },
  { head: "Contact", cell: (s) => (s.contact ? <a href={"/contacts/" + s.contact.id}>{person(s)}</a> : <span class="none">–</span>) },
  { head: "Source", cell: (s) => s.source, kind: "low" },
  { head: "Points", cell: (s) => points(s.score), kind: "right" },
  { head: "When", cell: (s) => <Time at={s.occurred_at} />, kind: "tight" },
];
