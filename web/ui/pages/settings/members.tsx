import { useSignal } from "@preact/signals";
import {
  api, Badge, Button, Choice, type ChoiceOption, Confirm, CopyButton, Dialog, EmptyState, errorOf, FormError, Input, Menu, type MenuItem, Note, PageHead, type Paged, PagedTable, session, Status, Time, toast, useAct, usePages,
} from "../../kit";
import type { MadeLink, MadeMember, Member } from "../../api-types";
import type { Role } from "../../types";

/** Members is Settings → Members. */
export function Members() {
  return <MembersView members={usePages<Member>("/v1/members")} />;
}

export const roles: (ChoiceOption & { value: Role })[] = [
  { value: "admin", label: "Admin", hint: "Everything, also keys, webhooks, members and the workspace." },
  { value: "analyst", label: "Analyst", hint: "Reads everything and changes accounts, contacts and what is computed of signals." },
  { value: "viewer", label: "Viewer", hint: "Reads, and changes nothing." },
];

const nameOf = (m: Member): string => m.name || m.email;

type Open = { act: "invite" } | { act: "role" | "link" | "remove"; member: Member } | { act: "handover"; to: string; link: MadeLink };

export function MembersView({ members }: { members: Paged<Member> }) {
  const open = useSignal<Open | null>(null);
  const now = open.value;
  const close = () => void (open.value = null);
  const handover = (to: string, link: MadeLink | null) => {
    open.value = link && { act: "handover", to, link };
    if (!link) toast(`${to} is added, and signs in with your identity provider.`);
    members.reload();
  };
  const invite = (
    <Button look="primary" icon="plus" onClick={() => void (open.value = { act: "invite" })}>
      Invite
    </Button>
  );
  return (
    <>
      <PageHead title="Members" actions={invite}>
        Who signs in here, and what each may do.
      </PageHead>
      <PagedTable
        label="Members"
        pages={members}
        id={(m) => m.id}
        empty={<EmptyState icon="members" title="Nobody yet" actions={invite}><p>Invite the people who work with you.</p></EmptyState>}
        columns={[
          { head: "Member", cell: (m) => <Who of={m} /> },
          { head: "Role", cell: (m) => roles.find((r) => r.value === m.role)?.label ?? m.role },
          { head: "State", cell: (m) => <Status of={m.status} /> },
          { head: "Last seen", cell: (m) => <Time at={m.last_seen_at} none={m.status === "invited" ? "not yet" : "never"} /> },
          { head: "Added", cell: (m) => <Time at={m.created_at} />, kind: "low" },
          { head: "Acts", cell: (m) => <Menu label={"Acts on " + nameOf(m)} items={acts(m, (act) => void (open.value = { act, member: m }))} />, kind: "menu" },
        ]}
      />
      {now?.act === "invite" && <Invite onClose={close} onDone={handover} />}
      {now?.act === "role" && <ChangeRole of={now.member} onClose={close} onDone={members.reload} />}
      {now?.act === "link" && <NewLink of={now.member} onClose={close} onDone={handover} />}
      {now?.act === "remove" && <Remove of={now.member} onClose={close} onDone={members.reload} />}
      {now?.act === "handover" && <Handover to={now.to} link={now.link} onClose={close} />}
    </>
  );
}

function Who({ of }: { of: Member }) {
  const me = of.id === session.value?.member.id;
  return (
    <span class="two-lines">
      <span>
        <strong>{nameOf(of)}</strong>
        {me && <> <Badge>you</Badge></>}
      </span>
      {of.name && <span>{of.email}</span>}
    </span>
  );
}

function acts(m: Member, open: (act: "role" | "link" | "remove") => void): MenuItem[] {
  if (m.id === session.value?.member.id) return [{ label: "Your profile", icon: "contacts", href: "/settings/profile" }];
  return [
    { label: "Change role", run: () => open("role") },
    { label: m.status === "invited" ? "New invitation link" : "Link for a new password", icon: "link", run: () => open("link") },
    "line",
    { label: "Remove", danger: true, run: () => open("remove") },
  ];
}

function Invite({ onClose, onDone }: { onClose: () => void; onDone: (to: string, link: MadeLink | null) => void }) {
  const email = useSignal("");
  const name = useSignal("");
  const role = useSignal<Role>("analyst");
  const { run, busy, error } = useAct(async () => {
    const made = await api.post<MadeMember>("/v1/members", { email: email.value.trim(), role: role.value, ...(name.value.trim() === "" ? {} : { name: name.value.trim() }) });
    onDone(made.email, made.invite_url === null ? null : { kind: "invite", url: made.invite_url, expires_at: made.invite_expires_at!, mailed: made.mailed });
  });
  return (
    <Dialog
      title="Invite"
      onClose={onClose}
      onSubmit={() => void run()}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={busy}>
            Make the invitation
          </Button>
        </>
      }
    >
      <Input label="E-mail" type="email" value={email.value} onInput={(v) => void (email.value = v)} placeholder="grace@example.com" error={errorOf(error, "email")} />
      <Input label="Name" optional value={name.value} onInput={(v) => void (name.value = v)} error={errorOf(error, "name")} max={200} />
      <Choice label="Role" value={role.value} onInput={(v) => void (role.value = v as Role)} options={roles} error={errorOf(error, "role")} />
      <FormError error={error} fields={["email", "name", "role"]} />
    </Dialog>
  );
}

/** Handover shows a link, once, to be sent to whom it is for. */
export function Handover({ to, link, onClose }: { to: string; link: MadeLink; onClose: () => void }) {
  const what = link.kind === "invite" ? "invitation" : "link for a new password";
  return (
    <Dialog title={link.kind === "invite" ? "The invitation is ready" : "The link is ready"} onClose={onClose} actions={<Button look="primary" onClick={onClose}>Done</Button>}>
      <div class="secret">
        <p>
          <strong>{link.mailed ? `This ${what} was mailed to ${to}.` : `Send this ${what} to ${to}.`}</strong> It works once, until it expires <Time at={link.expires_at} />, and is shown this once.
        </p>
        <div class="secret-row">
          <code tabIndex={0} aria-label={what}>
            {link.url}
          </code>
          <CopyButton text={link.url} label={"Copy the " + what} words="Copy" />
        </div>
      </div>
      <Note tone="warn">Whoever has the link can use it: send it to that person alone.</Note>
    </Dialog>
  );
}

function ChangeRole({ of, onClose, onDone }: { of: Member; onClose: () => void; onDone: () => void }) {
  const role = useSignal<Role>(of.role);
  const { run, busy, error } = useAct(async () => {
    await api.patch("/v1/members/" + of.id, { role: role.value });
    toast(`${nameOf(of)} is ${role.value} now.`, async () => {
      await api.patch("/v1/members/" + of.id, { role: of.role });
      onDone();
    });
    onDone();
    onClose();
  });
  return (
    <Dialog
      title={"Role of " + nameOf(of)}
      onClose={onClose}
      onSubmit={() => void run()}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={busy} disabled={role.value === of.role}>
            Change role
          </Button>
        </>
      }
    >
      <Choice label="Role" value={role.value} onInput={(v) => void (role.value = v as Role)} options={roles} error={errorOf(error, "role")} />
      <FormError error={error} fields={["role"]} />
    </Dialog>
  );
}

function NewLink({ of, onClose, onDone }: { of: Member; onClose: () => void; onDone: (to: string, link: MadeLink) => void }) {
  const invited = of.status === "invited";
  const { run, busy, error } = useAct(async () => onDone(of.email, await api.post<MadeLink>(`/v1/members/${of.id}/link`)));
  return (
    <Dialog
      title={invited ? "New invitation link" : "Link for a new password"}
      onClose={onClose}
      onSubmit={() => void run()}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={busy}>
            Make the link
          </Button>
        </>
      }
    >
      <p>{invited ? `${of.email} joins with it. A link made before stops working.` : `${nameOf(of)} chooses a new password with it. Until it is used the old password works.`}</p>
      <FormError error={error} />
    </Dialog>
  );
}

function Remove({ of, onClose, onDone }: { of: Member; onClose: () => void; onDone: () => void }) {
  return (
    <Confirm
      title={`Remove ${nameOf(of)}?`}
      act="Remove"
      danger
      name={of.email}
      onClose={onClose}
      onConfirm={async () => {
        await api.del("/v1/members/" + of.id);
        toast(`${nameOf(of)} is removed.`);
        onDone();
      }}
    >
      <p>{of.status === "invited" ? "The invitation stops working." : "All of their sessions end at once."} What they did stays in the audit log.</p>
    </Confirm>
  );
}
