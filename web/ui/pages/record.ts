// Accounts and contacts are both records: what differs between them is here.

import type { Account, Contact } from "../api-types";
import type { RecordKind } from "../types";

export type AnyRecord = Account | Contact;

export const isContact = (r: AnyRecord): r is Contact => "email" in r;

/** words names a kind as the API's paths and the pages do. */
export const words: Record<RecordKind, { one: string; many: string; Title: string; path: string }> = {
  account: { one: "account", many: "accounts", Title: "Accounts", path: "/accounts" },
  contact: { one: "contact", many: "contacts", Title: "Contacts", path: "/contacts" },
};

/** nameOf is how a record is called; something is always known of it. */
export function nameOf(r: AnyRecord): string {
  if (isContact(r)) return r.name || r.email || r.linkedin_url || "Contact without a name";
  return r.name || r.domain || "Account without a name";
}

/** keyOf is what the record is found by, and typed to confirm. */
export function keyOf(r: AnyRecord): string {
  return (isContact(r) ? r.email || r.linkedin_url : r.domain) || r.id;
}

/** mergePatch is the least that turns one object into another (RFC 7396): null removes. */
export function mergePatch(from: Record<string, unknown>, to: Record<string, unknown>): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const name of Object.keys(from)) if (!(name in to)) patch[name] = null;
  for (const [name, v] of Object.entries(to)) {
    const old = from[name];
    if (JSON.stringify(old) === JSON.stringify(v)) continue;
    const both = isObject(old) && isObject(v);
    patch[name] = both ? mergePatch(old, v) : v;
  }
  return patch;
}

const isObject = (v: unknown): v is Record<string, unknown> => typeof v === "object" && v !== null && !Array.isArray(v);

/** scalar writes a value of an attribute on one line. */
export const scalar = (v: unknown): string => (typeof v === "string" ? v : (JSON.stringify(v) ?? ""));
