// Who is signed in. Everything that shows or hides by role asks `can`; the API decides again.

import { signal } from "@preact/signals";
import type { Power, Session } from "../types";
import { api, ApiError, onSignedOut } from "./api";
import { navigate } from "./router";

/** session is who is signed in: null for nobody, undefined while we ask. */
export const session = signal<Session | null | undefined>(undefined);

/** failure is why we could not ask. */
export const failure = signal<ApiError | null>(null);

/** can says whether whoever is signed in may read, write or administer. */
export const can = (power: Power): boolean => session.value?.can.includes(power) ?? false;

/** timezone is the workspace's. */
export const timezone = (): string => session.value?.workspace.timezone ?? "UTC";

/** loadSession asks who is signed in. */
export async function loadSession(): Promise<void> {
  failure.value = null;
  try {
    session.value = await api.get<Session>("/v1/session");
  } catch (e) {
    if (e instanceof ApiError && (e.status === 401 || e.status === 404)) session.value = null;
    else if (e instanceof ApiError) failure.value = e;
    else throw e;
  }
}

/** signOut ends the session here and on the server. */
export async function signOut(): Promise<void> {
  await api.del("/v1/session");
  session.value = null;
  await navigate("/sign-in", { force: true });
}

onSignedOut(() => {
  if (!session.value) return; // signing in itself, or nobody was signed in
  session.value = null;
  void navigate("/sign-in?next=" + encodeURIComponent(location.pathname + location.search), { replace: true, force: true });
});
