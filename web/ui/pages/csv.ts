// CSV as spreadsheets write it: quotes, line breaks inside of them, commas, semicolons or tabs.

import type { RecordKind } from "../types";

/** readCSV reads a file into rows of cells; the first is the heading. Empty lines are left out. */
export function readCSV(text: string): string[][] {
  const source = text.replace(/^\uFEFF/, "");
  const comma = separator(source);
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  const endRow = () => {
    row.push(cell);
    if (row.length > 1 || row[0]!.trim() !== "") rows.push(row);
    row = [];
    cell = "";
  };
  for (let i = 0; i < source.length; i++) {
    const c = source[i]!;
    if (quoted) {
      if (c !== '"') cell += c;
      else if (source[i + 1] === '"') {
        cell += c;
        i++;
      } else quoted = false;
    } else if (c === '"' && cell === "") quoted = true;
    else if (c === comma) {
      row.push(cell);
      cell = "";
    } else if (c === "\n") endRow();
    else if (c !== "\r") cell += c;
  }
  if (cell !== "" || row.length > 0) endRow();
  return rows;
}

/** separator is the one that the heading uses most. */
function separator(text: string): string {
  const head = text.slice(0, text.indexOf("\n") + 1 || undefined);
  const most = [",", ";", "\t"].map((s) => ({ s, n: head.split(s).length }));
  most.sort((a, b) => b.n - a.n);
  return most[0]!.s;
}

export type Target = { field: string; label: string; names: string[] };

const domains = ["domain", "companydomain", "accountdomain", "website", "websiteurl", "companywebsite", "companyurl", "url", "web", "homepage"];

/** targets are what a column can become, with what others call it. */
export const targets: Record<RecordKind, Target[]> = {
  account: [
    { field: "domain", label: "Domain", names: domains },
    { field: "name", label: "Name", names: ["name", "company", "companyname", "account", "accountname", "organization", "organisation", "organizationname", "organisationname"] },
    { field: "status", label: "Status", names: ["status", "accountstatus", "companystatus"] },
  ],
  contact: [
    { field: "email", label: "E-mail", names: ["email", "emailaddress", "mail", "workemail", "businessemail", "contactemail"] },
    { field: "linkedin_url", label: "LinkedIn profile", names: ["linkedin", "linkedinurl", "linkedinprofile", "linkedinprofileurl", "personlinkedinurl", "contactlinkedin", "contactlinkedinurl"] },
    { field: "first_name", label: "First name", names: ["firstname", "givenname", "forename", "first", "contactfirstname"] },
    { field: "last_name", label: "Last name", names: ["lastname", "surname", "familyname", "last", "contactlastname"] },
    { field: "title", label: "Title", names: ["title", "jobtitle", "position", "role", "contacttitle"] },
    { field: "account_domain", label: "Account's domain", names: domains },
  ],
};

/** skip leaves a column out; attribute keeps it as an attribute under its own heading. */
export const skip = "";
export const attribute = "attribute";

/** guess says what each heading most likely is; none is taken twice. */
export function guess(kind: RecordKind, heads: string[]): string[] {
  const taken = new Set<string>();
  return heads.map((h) => {
    const plain = h.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
    const t = targets[kind].find((t) => t.names.includes(plain) && !taken.has(t.field));
    if (t) {
      taken.add(t.field);
      return t.field;
    }
    return plain === "" || ["id", "score", "stage", "createdat", "updatedat", "lastsignalat", "revision", "accountid"].includes(plain) ? skip : attribute;
  });
}

/** missing says which column an import cannot do without, "" for none. */
export function missing(kind: RecordKind, map: string[]): string {
  if (kind === "account") return map.includes("domain") ? "" : "Say which column holds the domain: accounts are known by it.";
  return map.includes("email") || map.includes("linkedin_url") ? "" : "Say which column holds the e-mail or the LinkedIn profile: contacts are known by them.";
}

/** toRow makes a row of the API of a row of the file. Empty cells say nothing. */
export function toRow(heads: string[], map: string[], cells: string[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  const attributes: Record<string, unknown> = {};
  map.forEach((field, i) => {
    const v = (cells[i] ?? "").trim();
    if (field === skip || v === "") return;
    if (field === attribute) attributes[heads[i]!.trim().replace(/^attributes\./, "")] = scalarOf(v);
    else row[field] = v;
  });
  if (Object.keys(attributes).length > 0) row.attributes = attributes;
  return row;
}

/** scalarOf reads numbers and truth values where they are written as such; a number that would lose digits stays text. */
function scalarOf(v: string): unknown {
  if (v === "true" || v === "false") return v === "true";
  if (/^-?(0|[1-9]\d{0,14})(\.\d{1,10})?$/.test(v) && String(Number(v)) === v) return Number(v);
  return v;
}
