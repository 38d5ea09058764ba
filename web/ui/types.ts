// What the API answers and its document does not name: ids are text, times are RFC 3339.

export type Role = "admin" | "analyst" | "viewer";
export type Power = "read" | "write" | "admin";

/** Who is signed in, where, and what they may do. */
export type Session = {
  member: { id: string; email: string; name: string | null; role: Role };
  workspace: { id: string; name: string; timezone: string };
  can: Power[];
  expires_at: string;
  version: string;
  dev: boolean;
};

export type SignIn = { password: boolean; oidc: { label: string; url: string } | null; insecure: boolean };
export type LinkInfo = { kind: "invite" | "reset"; email: string; name: string | null; expires_at: string };

export type Minute = { at: string; count: number };

export type OverviewData = {
  signals: { total: number; last_24h: number; per_minute: Minute[] };
  deliveries: {
    pending: number;
    delivered_24h: number;
    failed_24h: number;
    success_rate_24h: number | null;
    oldest_pending_at: string | null;
  };
  webhooks: { enabled: number; disabled: number; failing: number };
  getting_started: { first_signal_at: string | null; first_webhook_at: string | null; first_delivery_at: string | null };
};

export type RecordKind = "account" | "contact";

/** One merge of two records: proposed, done or undone. */
export type Merge = {
  id: string | null;
  kind: RecordKind;
  status: "proposed" | "done" | "undone" | "dismissed";
  /** Null: one of the two was erased. */
  from: Record<string, unknown> | null;
  into: Record<string, unknown> | null;
  result: Record<string, unknown> | null;
  moves: { contacts: number; signals: number; keys: number };
  created_at: string;
  undone_at: string | null;
  reason: string | null;
};

export type Stats = { signals_per_minute: number; pending: number; dropped: number };

/** A named import, which can be taken back. */
export type Import = { id: string; name: string; records: number; created_at: string; undone_at: string | null };

/** What became of an import that was taken back, and what was left alone. */
export type ImportUndone = Import & { undone: number; left: { kind: RecordKind; id: string; reason: string }[]; more: number };
