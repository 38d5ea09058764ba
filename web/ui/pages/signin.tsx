import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, Button, ErrorState, errorOf, failure, FormError, Input, LinkButton, loadSession, navigate, Note, param, session, Skeleton, useAct, useLoad } from "../kit";
import type { Session, SignIn as Ways } from "../types";
import { Door } from "./door";

/** within keeps a way back to this site's own pages. */
export function within(next: string): string {
  return /^\/(?![/\\])/.test(next) && !next.startsWith("/sign-in") ? next : "/";
}

export function SignIn() {
  const ways = useLoad("sign-in", (signal) => api.get<Ways>("/v1/sign-in", signal));
  const on = ways.value?.signed_in ?? false;
  // Whoever is signed in already goes on to where signing in leads.
  const goOn = async () => {
    await loadSession();
    if (session.value) await navigate(within(param("next")), { replace: true });
    else if (!failure.value) ways.reload(); // it has ended just now
  };
  useEffect(() => void (on && goOn()), [on]);
  const error = ways.error ?? (on ? failure.value : null);
  return (
    <Door title="Sign in">
      {error ? <ErrorState error={error} retry={ways.error ? ways.reload : () => void goOn()} /> : ways.value && !on ? <Choices ways={ways.value} /> : <Skeleton lines={4} />}
    </Door>
  );
}

/** Choices are the ways in that this server offers. */
export function Choices({ ways }: { ways: Ways }) {
  return (
    <>
      {ways.insecure && (
        <Note tone="warn">
          This address is plain HTTP: whoever is on the way can read your password. Serve Signalbox over HTTPS, or use it on this machine alone.
        </Note>
      )}
      {ways.oidc && (
        <LinkButton href={ways.oidc.url + "?next=" + encodeURIComponent(within(param("next")))} look={ways.password ? "plain" : "primary"} native>
          {ways.oidc.label}
        </LinkButton>
      )}
      {ways.oidc && ways.password && <p class="or">or</p>}
      {ways.password && <PasswordForm />}
    </>
  );
}

function PasswordForm() {
  const email = useSignal("");
  const password = useSignal("");
  const { run, busy, error } = useAct(async () => {
    session.value = await api.post<Session>("/v1/session", { email: email.value.trim(), password: password.value });
    await navigate(within(param("next")), { replace: true });
  });
  return (
    <form
      noValidate
      class="stack"
      onSubmit={(e) => {
        e.preventDefault();
        void run();
      }}
    >
      <Input label="E-mail" type="email" autocomplete="username" autofocus value={email.value} onInput={(v) => void (email.value = v)} error={errorOf(error, "email")} />
      <Input label="Password" type="password" autocomplete="current-password" value={password.value} onInput={(v) => void (password.value = v)} error={errorOf(error, "password")} />
      <FormError error={error} fields={["email", "password"]} />
      <Button type="submit" look="primary" busy={busy}>
        Sign in
      </Button>
      <p class="hint">Locked out? Whoever runs this server makes a new link with <code>signalbox members reset-password</code>.</p>
    </form>
  );
}
