// The workspace's settings as text in fields, and back: pure, so that what is sent is only what was changed.

import type { Workspace } from "../../api-types";

/** fieldLabels are the fields by the API's names for them. */
export const fieldLabels = {
  name: "name",
  timezone: "timezone",
  require_identity: "require identity",
  "limits.workspace.per_minute": "signals a minute",
  "limits.workspace.per_day": "signals a day",
  "limits.key.per_minute": "signals of a key a minute",
  "limits.key.per_day": "signals of a key a day",
  "limits.captures.per_minute": "captured signals a minute",
  "limits.captures.per_day": "captured signals a day",
  "limits.requests.per_minute": "requests a minute",
  "limits.requests.per_day": "requests a day",
  "retention.signal_days": "retention of signals",
  "retention.event_days": "retention of events",
  "mailbox_providers.added": "mailbox providers added",
  "mailbox_providers.removed": "mailbox providers removed",
  aliases: "aliases",
} as const;

export type FieldName = keyof typeof fieldLabels;
export type Draft = Record<FieldName, string>;

const names = Object.keys(fieldLabels) as FieldName[];
const isNumber = (n: FieldName) => n.startsWith("limits.") || n.startsWith("retention.");
const isList = (n: FieldName) => n.startsWith("mailbox_providers.");

/** valueAt reads a dotted field. */
function valueAt(w: Workspace, name: FieldName): unknown {
  return name.split(".").reduce<unknown>((v, part) => (v as Record<string, unknown>)[part], w);
}

/** draftOf writes the settings as the fields show them; unlimited and for ever are empty. */
export function draftOf(w: Workspace): Draft {
  const text = (n: FieldName): string => {
    const v = valueAt(w, n);
    if (n === "aliases") return Object.entries(w.aliases).map(([from, to]) => `${from} = ${to}`).join("\n");
    if (isList(n)) return (v as string[]).join("\n");
    if (n === "require_identity") return v ? "true" : "";
    return v === 0 ? "" : String(v);
  };
  return Object.fromEntries(names.map((n) => [n, text(n)])) as Draft;
}

/** lines are those of a field that say something. */
const lines = (text: string): string[] => text.split(/[\n,]/).map((l) => l.trim()).filter(Boolean);

/** same says whether two texts of a field mean the same. */
function same(n: FieldName, a: string, b: string): boolean {
  return isList(n) || n === "aliases" ? lines(a).map((l) => l.replace(/\s*=\s*/, "=")).join("\n") === lines(b).map((l) => l.replace(/\s*=\s*/, "=")).join("\n") : a.trim() === b.trim();
}

/** touched are the fields in which a draft says something else than the settings. */
export function touched(w: Workspace, d: Draft): FieldName[] {
  const was = draftOf(w);
  return names.filter((n) => !same(n, was[n], d[n]));
}

/** mistakes are what cannot be sent as it stands, in words. */
export function mistakes(d: Draft): Partial<Record<FieldName, string>> {
  const out: Partial<Record<FieldName, string>> = {};
  for (const n of names) {
    if (isNumber(n) && d[n].trim() !== "" && !/^\d{1,10}$/.test(d[n].trim())) out[n] = "A whole number, or nothing.";
  }
  lines(d.aliases).forEach((line, i) => {
    if (!out.aliases && !/^[^=\s]+\s*=\s*[^=\s]+$/.test(line)) out.aliases = `Line ${i + 1} is not of the form acme.de = acmecorp.com.`;
  });
  return out;
}

/** patchOf is what the API takes: the named fields alone. */
export function patchOf(d: Draft, fields: FieldName[]): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const n of fields) {
    const parts = n.split(".");
    let into = patch;
    for (const part of parts.slice(0, -1)) into = (into[part] ??= {}) as Record<string, unknown>;
    into[parts.at(-1)!] = read(n, d[n]);
  }
  return patch;
}

function read(n: FieldName, text: string): unknown {
  if (n === "aliases") return Object.fromEntries(lines(text).map((l) => l.split("=").map((s) => s.trim()) as [string, string]));
  if (isList(n)) return lines(text);
  if (n === "require_identity") return text === "true";
  return isNumber(n) ? Number(text.trim() || 0) : text.trim();
}

/** rebase puts what was changed here on top of newer settings. */
export function rebase(w: Workspace, d: Draft, mine: FieldName[]): Draft {
  return { ...draftOf(w), ...Object.fromEntries(mine.map((n) => [n, d[n]])) } as Draft;
}
