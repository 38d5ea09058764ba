import { useSignal } from "@preact/signals";
import { api, Badge, Button, Card, Confirm, EmptyState, errorOf, Facts, FormError, Input, PageHead, type Paged, PagedTable, session, Time, toast, useAct, usePages, useUnsaved } from "../../kit";
import type { OwnSession } from "../../api-types";
import type { Session } from "../../types";
import { roles } from "./members";

/** Profile is one's own name, password and sessions. */
export function Profile() {
  return <ProfileView sessions={usePages<OwnSession>("/v1/sessions")} />;
}

export function ProfileView({ sessions }: { sessions: Paged<OwnSession> }) {
  const me = session.value;
  if (!me) return null;
  const role = roles.find((r) => r.value === me.member.role);
  return (
    <>
      <PageHead title="Profile and sessions">{me.member.email}</PageHead>
      <div class="split">
        <div class="stack">
          <NameCard was={me.member.name ?? ""} />
          <PasswordCard email={me.member.email} />
        </div>
        <aside>
          <Card title="Role">
            <Facts rows={[["You are", role?.label ?? me.member.role], ["You may", role?.hint ?? ""], ["Workspace", me.workspace.name]]} />
          </Card>
        </aside>
      </div>
      <Sessions sessions={sessions} />
    </>
  );
}

function NameCard({ was }: { was: string }) {
  const name = useSignal(was);
  const dirty = name.value.trim() !== was;
  useUnsaved(dirty);
  const { run, busy, error } = useAct(async () => {
    session.value = await api.patch<Session>("/v1/session", { name: name.value.trim() });
    toast("Saved.");
  });
  return (
    <Card title="Name">
      <form
        class="stack"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          if (dirty) void run();
        }}
      >
        <Input label="Your name" autocomplete="name" value={name.value} onInput={(v) => void (name.value = v)} hint="What others read in the audit log." error={errorOf(error, "name")} max={200} />
        <FormError error={error} fields={["name"]} />
        <div class="row">
          <Button type="submit" look="primary" busy={busy} disabled={!dirty}>
            Save the name
          </Button>
        </div>
      </form>
    </Card>
  );
}

function PasswordCard({ email }: { email: string }) {
  const current = useSignal("");
  const fresh = useSignal("");
  useUnsaved(current.value !== "" || fresh.value !== "");
  const { run, busy, error } = useAct(async () => {
    await api.patch<Session>("/v1/session", { password: { current: current.value, new: fresh.value } });
    current.value = "";
    fresh.value = "";
    toast("Your password is changed.");
  });
  const ready = current.value !== "" && fresh.value !== "";
  return (
    <Card title="Password">
      <form
        class="stack"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          if (ready) void run();
        }}
      >
        <input class="unseen" type="email" autocomplete="username" value={email} readOnly tabIndex={-1} aria-hidden="true" />
        <div class="pair">
          <Input label="Password now" type="password" autocomplete="current-password" value={current.value} onInput={(v) => void (current.value = v)} error={errorOf(error, "password.current")} />
          <Input label="New password" type="password" autocomplete="new-password" value={fresh.value} onInput={(v) => void (fresh.value = v)} hint="Long beats complicated: several words are good." error={errorOf(error, "password.new")} />
        </div>
        <FormError error={error} fields={["password.current", "password.new"]} />
        <div class="row">
          <Button type="submit" look="primary" busy={busy} disabled={!ready}>
            Change the password
          </Button>
        </div>
      </form>
    </Card>
  );
}

function Sessions({ sessions }: { sessions: Paged<OwnSession> }) {
  const ending = useSignal<OwnSession | null>(null);
  return (
    <Card title="Sessions" flush>
      <PagedTable
        label="Sessions"
        pages={sessions}
        id={(s) => s.id}
        empty={<EmptyState title="No session"><p>You are signed in some other way.</p></EmptyState>}
        columns={[
          { head: "Where", cell: (s) => <>{browser(s.user_agent)}{s.current && <> <Badge tone="good">this one</Badge></>}</> },
          { head: "Address", cell: (s) => s.address || <span class="none">–</span> },
          { head: "Last seen", cell: (s) => <Time at={s.last_seen_at} /> },
          { head: "Since", cell: (s) => <Time at={s.created_at} />, kind: "low" },
          { head: "Acts", cell: (s) => !s.current && <Button small onClick={() => void (ending.value = s)}>End</Button>, kind: "tight" },
        ]}
      />
      {ending.value && (
        <Confirm
          title="End this session?"
          act="End the session"
          onClose={() => void (ending.value = null)}
          onConfirm={async () => {
            await api.del("/v1/sessions/" + ending.value!.id);
            toast("The session has ended.");
            sessions.reload();
          }}
        >
          <p>{browser(ending.value.user_agent)} has to sign in again. If you do not know it, change your password too.</p>
        </Confirm>
      )}
    </Card>
  );
}

/** browser names a browser and a system as well as its own words tell. */
export function browser(agent: string | null): string {
  if (!agent) return "A program";
  const name = /Edg\//.test(agent) ? "Edge" : /Firefox\//.test(agent) ? "Firefox" : /Chrom(e|ium)\//.test(agent) ? "Chrome" : /Safari\//.test(agent) ? "Safari" : agent.split(/[ /]/)[0]!;
  const system = /iPhone|iPad/.test(agent) ? "iOS" : /Android/.test(agent) ? "Android" : /Mac OS X/.test(agent) ? "macOS" : /Windows/.test(agent) ? "Windows" : /Linux/.test(agent) ? "Linux" : "";
  return system === "" ? name : `${name} on ${system}`;
}
