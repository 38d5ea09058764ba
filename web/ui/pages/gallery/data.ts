// Canned data: what the API might answer, with the awkward cases in it.

import type { Session } from "../../types";

/** ago is a moment some seconds before now. */
export const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();

export const session: Session = {
  member: { id: "mem_01", email: "ada@example.com", name: "Ada Lovelace", role: "admin" },
  workspace: { id: "ws_01", name: "Example Inc", timezone: "Europe/Berlin" },
  can: ["read", "write", "admin"],
  expires_at: ago(-86400),
  version: "dev",
  dev: true,
};

/** hostile is text that must only ever be text. */
export const hostile = `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>"'\`{{7*7}}`;

export const long = "A name that is much longer than anybody would want it to be, and yet somebody sends it because their system puts a whole sentence here";
