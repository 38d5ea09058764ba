import { useSignal } from "@preact/signals";
import { api, Button, errorOf, FormError, Input, LinkButton, navigate, session, Skeleton, EmptyState, ErrorState, Time, useAct, useLoad } from "../kit";
import type { LinkInfo, Session } from "../types";
import { Door } from "./door";

/** Link is where an invitation or a reset ends: the address holds its secret, once. */
export function Link({ token }: { token: string }) {
  const link = useLoad("link:" + token, (signal) => api.get<LinkInfo>("/v1/links/" + encodeURIComponent(token), signal));
  if (link.error?.status === 404) {
    return (
      <Door title="This link is used up">
        <EmptyState title="Ask for a new one" actions={<LinkButton href="/sign-in">To the sign-in</LinkButton>}>
          <p>Links work once and for a limited time. An administrator makes a new one at Settings → Members.</p>
        </EmptyState>
      </Door>
    );
  }
  if (link.error) return <Door title="Your link"><ErrorState error={link.error} retry={link.reload} /></Door>;
  if (!link.value) return <Door title="Your link"><Skeleton lines={4} /></Door>;
  return <Accept token={token} link={link.value} />;
}

/** Accept asks for the password, and for a new member's name. */
export function Accept({ token, link }: { token: string; link: LinkInfo }) {
  const name = useSignal(link.name ?? "");
  const password = useSignal("");
  const invite = link.kind === "invite";
  const { run, busy, error } = useAct(async () => {
    const body = { password: password.value, ...(invite && name.value.trim() !== "" ? { name: name.value.trim() } : {}) };
    session.value = await api.post<Session>("/v1/links/" + encodeURIComponent(token), body);
    await navigate("/", { replace: true });
  });
  return (
    <Door title={invite ? "Welcome" : "Choose a new password"} lead={<>For <strong>{link.email}</strong>. The link ends <Time at={link.expires_at} />.</>}>
      <form
        noValidate
        class="stack"
        onSubmit={(e) => {
          e.preventDefault();
          void run();
        }}
      >
        <input class="unseen" type="email" autocomplete="username" value={link.email} readOnly tabIndex={-1} aria-hidden="true" />
        {invite && <Input label="Your name" autocomplete="name" optional value={name.value} onInput={(v) => void (name.value = v)} error={errorOf(error, "name")} max={200} />}
        <Input label="Password" type="password" autocomplete="new-password" autofocus value={password.value} onInput={(v) => void (password.value = v)} error={errorOf(error, "password")} hint="Long beats complicated: several words are good." />
        <FormError error={error} fields={["name", "password"]} />
        <Button type="submit" look="primary" busy={busy}>
          {invite ? "Join" : "Save the password"}
        </Button>
      </form>
    </Door>
  );
}
