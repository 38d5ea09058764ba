import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Audience, MemberOf } from "../../api-types";
import {
  api, can, Card, type Column, Confirm, CopyButton, count, EmptyState, ErrorState, Facts, Id, LinkButton, type Loaded, Menu, navigate, Note, type Paged, PagedTable, PageHead, Skeleton, Time, toast, useLoad, usePages,
} from "../../kit";
import { nameOf } from "../record";
import { Score } from "../score";
import { State } from "./audiences";
import { useEvery } from "./every";

/** AudiencePage shows one audience and who is in it. */
export function AudiencePage({ id }: { id: string }) {
  const at = "/v1/audiences/" + encodeURIComponent(id);
  const audience = useLoad(at, (stop) => api.get<Audience>(at, stop));
  const members = usePages<MemberOf>(at + "/members");
  const { value } = audience;
  useEvery(value?.status === "building", audience.reload);
  const was = useRef(value?.status);
  useEffect(() => {
    if (was.current === "building" && value?.status === "ready") members.reload();
    was.current = value?.status;
  }, [value?.status]);
  return <AudienceView audience={audience} members={members} />;
}

export function AudienceView({ audience, members }: { audience: Loaded<Audience>; members: Paged<MemberOf> }) {
  const deleting = useSignal(false);
  const a = audience.value;
  const back = { href: "/audiences", label: "Audiences" };
  if (!a) {
    return (
      <>
        <PageHead title="Audience" back={back} />
        {audience.error ? <ErrorState error={audience.error} retry={audience.reload} /> : <Skeleton lines={8} />}
      </>
    );
  }
  const actions = (
    <>
      <LinkButton href={`/v1/audiences/${a.id}/export`} native>
        Export CSV
      </LinkButton>
      {can("write") && (
        <>
          <LinkButton href={`/audiences/${a.id}/edit`}>Edit</LinkButton>
          <Menu label="More for this audience" items={[{ label: "Delete…", icon: "close", danger: true, run: () => void (deleting.value = true) }]} />
        </>
      )}
    </>
  );
  return (
    <>
      <PageHead title={a.name} back={back} actions={actions}>
        {a.entity === "account" ? "Accounts" : "Contacts"} that the condition holds of.
      </PageHead>
      <div class="split">
        <div class="stack">
          {a.status === "building" && <Note>It is being filled from what is stored: its members are not complete yet.</Note>}
          <div class="snippet">
            <pre class="condition-text" tabIndex={0} role="region" aria-label="The condition">{a.condition}</pre>
            <CopyButton text={a.condition} label="Copy the condition" />
          </div>
          <Members of={a} members={members} />
        </div>
        <aside>
          <Card title="About">
            <Facts
              rows={[
                ["Members", count(a.members)],
                ["State", <State of={a} />],
                ["Made", <Time at={a.created_at} />],
                ["Changed", <Time at={a.updated_at} />],
                ["Id", <Id of={a.id} />],
              ]}
            />
          </Card>
        </aside>
      </div>
      {deleting.value && <Delete of={a} onClose={() => void (deleting.value = false)} />}
    </>
  );
}

const none = <span class="none">–</span>;

const record = (m: MemberOf) => (m.account ?? m.contact)!;

const columns: Record<Audience["entity"], Column<MemberOf>[]> = {
  account: [
    { head: "Account", cell: (m) => nameOf(record(m)) },
    { head: "Domain", cell: (m) => m.account?.domain ?? none },
    { head: "Status", cell: (m) => m.account?.status ?? none, kind: "low" },
    { head: "Score", cell: (m) => <Score of={record(m)} /> },
    { head: "Last signal", cell: (m) => <Time at={record(m).last_signal_at} />, kind: "low" },
    { head: "In it since", cell: (m) => <Time at={m.since} />, kind: "tight" },
  ],
  contact: [
    { head: "Contact", cell: (m) => nameOf(record(m)) },
    { head: "E-mail", cell: (m) => m.contact?.email ?? none },
    { head: "Title", cell: (m) => m.contact?.title ?? none, kind: "low" },
    { head: "Score", cell: (m) => <Score of={record(m)} /> },
    { head: "Account", cell: (m) => (m.contact?.account_id ? <a href={"/accounts/" + m.contact.account_id}>{m.contact.account_domain ?? "account"}</a> : none) },
    { head: "In it since", cell: (m) => <Time at={m.since} />, kind: "tight" },
  ],
};

function Members({ of, members }: { of: Audience; members: Paged<MemberOf> }) {
  return (
    <PagedTable
      label="Members"
      pages={members}
      id={(m) => record(m).id}
      href={(m) => (m.account ? "/accounts/" : "/contacts/") + record(m).id}
      columns={columns[of.entity]}
      empty={
        <EmptyState icon="audiences" title={of.status === "building" ? "Nobody yet" : "Nobody is in it"}>
          <p>{of.status === "building" ? "Who the condition holds of appears here." : "Who the condition comes to hold of enters by itself."}</p>
        </EmptyState>
      }
    />
  );
}

function Delete({ of, onClose }: { of: Audience; onClose: () => void }) {
  const remove = async () => {
    await api.del<null>("/v1/audiences/" + of.id);
    toast("The audience is deleted.");
    await navigate("/audiences", { force: true });
  };
  return (
    <Confirm title="Delete this audience?" act="Delete" danger name={of.name.trim()} onConfirm={remove} onClose={onClose}>
      <p>
        <strong>{of.name}</strong> is gone at once, and nobody is told that they left it. Its members stay as they are. This cannot be undone.
      </p>
    </Confirm>
  );
}
