// The frame around every page: the ways on the left (above, on a phone), the page on the right.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { Icon, type IconName, Mark } from "./icons";
import { helpOpen, shortcuts } from "./keys";
import { live } from "./live";
import { Menu, type MenuItem } from "./menu";
import { place } from "./router";
import { session, signOut } from "./session";
import { setTheme, type Theme, theme } from "./theme";
import { Note } from "./states";

export type NavEntry = { path: string; title: string; icon: IconName; group: string; key?: string };

const navOpen = signal(false);

/** Frame holds the navigation and the page. */
export function Frame({ entries, children }: { entries: NavEntry[]; children: ComponentChildren }) {
  const path = place.value.path;
  useEffect(() => void (navOpen.value = false), [path]);
  return (
    <div class={"frame" + (navOpen.value ? " nav-open" : "")}>
      <a class="skip" href="#main" data-native="">
        Skip to the page
      </a>
      <header class="bar">
        <Button look="quiet" icon={navOpen.value ? "close" : "menu"} label={navOpen.value ? "Close the menu" : "Open the menu"} onClick={() => void (navOpen.value = !navOpen.peek())} />
        <a href="/" class="brand">
          <Mark /> Signalbox
        </a>
      </header>
      <nav class="side" aria-label="Pages">
        <a href="/" class="brand">
          <Mark />
          <span>{session.value?.workspace.name || "Signalbox"}</span>
        </a>
        <Navigation entries={entries} path={path} />
        <Foot />
      </nav>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      {helpOpen.value && <Help />}
    </div>
  );
}

function Navigation({ entries, path }: { entries: NavEntry[]; path: string }) {
  const groups = [...new Set(entries.map((e) => e.group))];
  return (
    <div class="ways">
      {groups.map((g) => (
        <div key={g} class="nav-group">
          {g !== "" && <h2>{g}</h2>}
          <ul>
            {entries
              .filter((e) => e.group === g)
              .map((e) => {
                const here = e.path === "/" ? path === "/" : path === e.path || path.startsWith(e.path + "/");
                return (
                  <li key={e.path}>
                    <a href={e.path} aria-current={here ? "page" : undefined}>
                      <Icon name={e.icon} />
                      {e.title}
                    </a>
                  </li>
                );
              })}
          </ul>
        </div>
      ))}
    </div>
  );
}

const themes: { value: Theme; label: string; icon: IconName }[] = [
  { value: "system", label: "Theme of the system", icon: "screen" },
  { value: "light", label: "Light theme", icon: "sun" },
  { value: "dark", label: "Dark theme", icon: "moon" },
];

function Foot() {
  const s = session.value;
  if (!s) return null;
  const items: MenuItem[] = [
    { label: "Profile and sessions", icon: "contacts", href: "/settings/profile" },
    { label: "Keyboard shortcuts", icon: "keyboard", run: () => void (helpOpen.value = true) },
    { label: "API reference", icon: "docs", href: "/docs", native: true },
    "line",
    ...themes.map((t): MenuItem => ({ label: t.label, icon: t.icon, checked: theme.value === t.value, run: () => setTheme(t.value) })),
    "line",
    { label: "Sign out", icon: "out", run: () => void signOut() },
  ];
  return (
    <div class="foot">
      {live.value === "lost" && (
        <Note tone="warn">
          <span role="status">Live updates are interrupted; we try again.</span>
        </Note>
      )}
      <Menu label={"Account of " + s.member.email} items={items} up>
        <span class="avatar" aria-hidden="true">
          {(s.member.name || s.member.email).charAt(0).toUpperCase()}
        </span>
        <span class="who">
          <span class="who-name">{s.member.name || s.member.email}</span>
          <span class="who-role">{s.member.role}</span>
        </span>
        <Icon name="down" />
      </Menu>
    </div>
  );
}

function Help() {
  const rows = [{ keys: "?", what: "This help" }, { keys: "/", what: "Search or filter" }, { keys: "j k ↑ ↓", what: "From row to row" }, { keys: "Enter", what: "Open" }, { keys: "Esc", what: "Close" }, ...shortcuts.value];
  return (
    <Dialog title="Keyboard shortcuts" onClose={() => void (helpOpen.value = false)}>
      <dl class="keys">
        {rows.map((r) => (
          <div key={r.keys + r.what}>
            <dt>
              {r.keys.split(" ").map((k) => (
                <kbd key={k}>{k}</kbd>
              ))}
            </dt>
            <dd>{r.what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

type HeadProps = { title: string; children?: ComponentChildren; actions?: ComponentChildren; back?: { href: string; label: string } };

/** PageHead is a page's heading, a line under it, and its main acts on the right. */
export function PageHead({ title, children, actions, back }: HeadProps) {
  useEffect(() => {
    document.title = title + " · Signalbox";
  }, [title]);
  return (
    <header class="page-head">
      <div>
        {back && (
          <a class="back" href={back.href}>
            <Icon name="back" /> {back.label}
          </a>
        )}
        <h1>{title}</h1>
        {children && <div class="lead">{children}</div>}
      </div>
      {actions && <div class="row">{actions}</div>}
    </header>
  );
}

/** Card frames what belongs together. */
export function Card({ title, actions, children, flush }: { title?: string; actions?: ComponentChildren; children: ComponentChildren; flush?: boolean }) {
  return (
    <section class={"card" + (flush ? " flush" : "")}>
      {(title || actions) && (
        <header>
          {title && <h2>{title}</h2>}
          {actions && <div class="row">{actions}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

/** Facts lists names and values, a line each. */
export function Facts({ rows }: { rows: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {rows.map(([name, v]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{v}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Stat is one number with its name. */
export function Stat({ name, value, children, tone }: { name: string; value: string; children?: ComponentChildren; tone?: "good" | "bad" | "warn" }) {
  return (
    <div class={"stat" + (tone ? " " + tone : "")}>
      <dt>{name}</dt>
      <dd>
        <span class="stat-value">{value}</span>
        {children && <span class="stat-note">{children}</span>}
      </dd>
    </div>
  );
}

/** Filters is the row of fields above a list. */
export function Filters({ children }: { children: ComponentChildren }) {
  return (
    <div class="filters" role="search">
      {children}
    </div>
  );
}
