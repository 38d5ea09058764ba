// What the pages call the answers of the API: names for the types that are made of its document, and the few words that it only writes as text.

import type { Merge, Session } from "./api-types";

export type { Import, ImportUndone, Link as LinkInfo, LiveStats as Stats, Merge, Overview as OverviewData, Session, SignIn } from "./api-types";

export type Role = Session["member"]["role"];
export type Power = "read" | "write" | "admin";
export type RecordKind = Merge["kind"];
