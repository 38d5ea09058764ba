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

export type Member = {
  id: string;
  email: string;
  name: string | null;
  role: Role;
  status: "active" | "invited";
  last_seen_at: string | null;
  created_at: string;
};

/** One of one's own sessions. */
export type OwnSession = { id: string; user_agent: string | null; address: string | null; current: boolean; created_at: string; last_seen_at: string | null; expires_at: string };

export type AuditEntry = {
  id: string;
  at: string;
  actor: { type: "member" | "api_key" | "system"; id: string | null; name: string | null };
  action: string;
  subject: { type: string; id: string | null; name: string | null };
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  request_id: string | null;
};

export type LogEntry = {
  id: string;
  at: string;
  request_id: string;
  operation: string;
  method: string;
  path: string;
  status: number;
  code: string | null;
  message: string | null;
  param: string | null;
  ignored: string[];
  signal_id: string | null;
  type: string | null;
  source: string | null;
  domain: string | null;
  email: string | null;
  api_key: { id: string; name: string } | null;
  took_ms: number;
  /** What became of it; older servers leave it to be read off the rest. */
  outcome?: string;
};

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

export type WebhookHealth = {
  success_rate_24h: number | null;
  success_rate_7d: number | null;
  p50_ms: number | null;
  p95_ms: number | null;
  pending: number;
  oldest_pending_at: string | null;
  hours: { at: string; delivered: number; failed: number; p95_ms: number | null }[];
};

export type RecordKind = "account" | "contact";

/** One merge of two records: proposed, done or undone. */
export type Merge = {
  id: string | null;
  kind: RecordKind;
  status: "proposed" | "done" | "undone";
  from: Record<string, unknown>;
  into: Record<string, unknown>;
  result: Record<string, unknown>;
  moves: { contacts: number; signals: number; keys: number };
  created_at: string;
  undone_at: string | null;
  reason: string | null;
};

export type Stats = { signals_per_minute: number; pending: number; dropped: number };

/** A named import, which can be taken back. */
export type Import = { id: string; name: string; kind: RecordKind; status: string; created: number; updated: number; created_at: string; undone_at: string | null };
