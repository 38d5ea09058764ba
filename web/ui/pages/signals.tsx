import { useSignal } from "@preact/signals";
import type { Signal } from "../api-types";
import { Button, can, EmptyState, FilterInput, Filters, FilterTime, Icon, LinkButton, live, Menu, PagedTable, type Paged, PageHead, param, params, query, useGathered, usePages, useRange } from "../kit";
import { newest } from "./overview";
import { signalColumns } from "./signal-columns";

type Filter = { account_domain: string; contact_email: string; type: string; source: string };

export function Signals() {
  const filter: Filter = { account_domain: param("account_domain"), contact_email: param("contact_email"), type: param("type"), source: param("source") };
  const range = useRange();
  const pages = usePages<Signal>("/v1/signals" + query({ ...filter, ...range }));
  const paused = useSignal(false);
  const fresh = useSignal<Set<string>>(new Set());
  const follows = !paused.value && pages.page === 0 && range.to === "" && !pages.error;
  useGathered<Signal>(
    "signal",
    50,
    (rows) => {
      const mine = rows.filter((r) => fits(r, filter));
      if (mine.length === 0) return;
      fresh.value = new Set(mine.map((r) => r.id));
      pages.update((shown) => newest(mine, shown, 50));
    },
    follows,
  );
  return <SignalsView pages={pages} following={follows} onFollow={() => void (paused.value = !paused.peek())} fresh={(s) => fresh.value.has(s.id)} />;
}

/** fits says whether a row that has just arrived belongs into the filtered list, as the API would. */
export function fits(s: Signal, f: Filter): boolean {
  const same = (want: string, got: string | null | undefined) => want === "" || want.toLowerCase() === (got ?? "").toLowerCase();
  return same(f.account_domain, s.account?.domain) && same(f.contact_email, s.contact?.email) && (f.type === "" || f.type === s.type) && (f.source === "" || f.source === s.source);
}

type Props = { pages: Paged<Signal>; following: boolean; onFollow: () => void; fresh?: (s: Signal) => boolean };

export function SignalsView({ pages, following, onFollow, fresh }: Props) {
  const filtered = params.value.size > 0;
  return (
    <>
      <PageHead
        title="Signals"
        actions={
          <>
            <LinkButton href="/signals/types">Types</LinkButton>
            <Button icon={following ? "pause" : "play"} onClick={onFollow}>
              {following ? "Pause" : "Follow"}
            </Button>
            {can("write") && (
              <Menu label="+ Add" look="primary" items={[{ label: "Custom signal", href: "/signals/types/new" }]}>
                <Icon name="plus" />
                <span>Add</span>
              </Menu>
            )}
          </>
        }
      >
        <span class="live-line">
          <i class={"lamp" + (following && live.value === "on" ? " on" : "")} aria-hidden="true" />
          {following ? (live.value === "lost" ? "Interrupted; we try again" : "New ones appear as they arrive") : "Not following"}
        </span>
      </PageHead>
      <Filters>
        <FilterInput name="account_domain" label="Account's domain" search />
        <FilterInput name="contact_email" label="Contact's e-mail" />
        <FilterInput name="type" label="Type" />
        <FilterInput name="source" label="Source" />
        <FilterTime />
      </Filters>
      <PagedTable
        label="Signals"
        pages={pages}
        id={(s) => s.id}
        href={(s) => "/signals/" + s.id}
        columns={signalColumns}
        fresh={fresh}
        empty={
          filtered ? (
            <EmptyState icon="search" title="No signal fits these filters" actions={<a href="/signals">Clear the filters</a>}>
              <p>Filters compare whole values: a domain such as acme.com, a type as it was sent.</p>
            </EmptyState>
          ) : (
            <EmptyState icon="signals" title="No signals yet" actions={<a href="/">How to send the first one</a>}>
              <p>They appear here the moment they are taken.</p>
            </EmptyState>
          )
        }
      />
    </>
  );
}
