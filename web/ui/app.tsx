// The program: who is signed in decides between the pages and the door.

import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { can, EmptyState, ErrorState, failure, Frame, goTo, LinkButton, loadSession, match, navigate, place, session, Toasts, useShortcuts } from "./kit";
import { LeaveDialog } from "./kit";
import type { Page } from "./page";
import { pages } from "./pages";

/** find is the page of a path, with what its pattern found there. */
export function find(path: string): { page: Page; found: Record<string, string> } | null {
  for (const page of pages) {
    const found = match(page.path, path);
    if (found) return { page, found };
  }
  return null;
}

export function App() {
  return (
    <>
      <Outlet />
      <LeaveDialog />
      <Toasts />
    </>
  );
}

function Outlet() {
  const { path, search } = place.value;
  const hit = find(path);
  const s = session.value;
  const outside = s === null && !hit?.page.open;
  useEffect(() => {
    if (outside) void navigate("/sign-in" + (path === "/" ? "" : "?next=" + encodeURIComponent(path + search)), { replace: true, force: true });
  }, [outside]);
  if (hit?.page.open) return <hit.page.view key={path} {...hit.found} />;
  if (failure.value) {
    return (
      <main class="alone">
        <ErrorState error={failure.value} retry={() => void loadSession()} />
      </main>
    );
  }
  if (!s) return null; // not asked yet, or on the way to the door
  return <Inside hit={hit} />;
}

const entries = () => pages.filter((p) => p.nav && (!p.need || can(p.need))).map((p) => ({ path: p.path, title: p.title, ...p.nav! }));

function Inside({ hit }: { hit: ReturnType<typeof find> }) {
  const ways = entries();
  useShortcuts(ways.filter((e) => e.key).map((e) => goTo(e.key!, e.title, e.path)));
  const View = hit?.page.view as ComponentType<Record<string, string>> | undefined;
  return (
    <Frame entries={ways}>
      {!View || !hit ? (
        <EmptyState icon="search" title="There is no such page" actions={<LinkButton href="/">To the overview</LinkButton>}>
          <p>The address may have been mistyped, or what it named may be gone.</p>
        </EmptyState>
      ) : hit.page.need && !can(hit.page.need) ? (
        <EmptyState icon="key" title="Your role does not allow this" actions={<LinkButton href="/">To the overview</LinkButton>}>
          <p>{hit.page.title} is for {hit.page.need === "admin" ? "administrators" : "administrators and analysts"}. Ask one of them, or have your role changed.</p>
        </EmptyState>
      ) : (
        <View key={hit.page.path + JSON.stringify(hit.found)} {...hit.found} />
      )}
    </Frame>
  );
}
