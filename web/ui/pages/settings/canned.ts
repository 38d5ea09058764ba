// Canned data of the pages under Settings, with the awkward cases in it.

import type { Attempt, Audit, Delivery, DeliveryDetail, EventType, Job, Key, Log, Member, Moves, OwnSession, Preview, Profile, RecoveryPreview, Scoring, Tested, TestResult, Webhook, WebhookHealth, Workspace } from "../../api-types";
import { ago, hostile, long } from "../gallery/data";

const days = (n: number) => ago(n * 86_400);

export const key = (n: number, more: Partial<Key> = {}): Key => ({
  id: "key_" + n,
  name: ["website", "CRM sync", "nightly report", "old importer", "automation"][n % 5]!,
  scope: (["ingest", "read_write", "read", "write", "admin"] as const)[n % 5]!,
  hint: ["x7Kq", "0aZm", "pL3e", "QQ1b", "mT9w"][n % 5]!,
  created_at: days(n * 11 + 1),
  expires_at: [days(-300), null, days(-3), days(2), null][n % 5]!,
  last_used_at: n % 5 === 3 ? null : ago(17 * n + 4),
  revoked_at: null,
  ...more,
});

export const webhook = (n: number, more: Partial<Webhook> = {}): Webhook => ({
  id: "wh_" + n,
  kind: n % 4 === 3 ? "pull" : "push",
  url: n % 4 === 3 ? null : ["https://hooks.example.com/signalbox", "https://crm.example.com/in/9f2", "https://lake.example.com/events"][n % 4]!,
  events: [["signal.created"], ["*"], ["signal.*", "account.score_changed"], ["signal.created"]][n % 4]!,
  label: [null, "CRM", "Warehouse", "Nightly reader"][n % 4]!,
  description: n % 4 === 2 ? "Loads events into the warehouse. Ask the data team before you change it." : null,
  format: n % 4 === 2 ? "standard" : "stairoids",
  signature_format: null,
  header_names: n % 4 === 1 ? ["X-Api-Key"] : [],
  max_in_flight: 8,
  rate_per_second: 0,
  retry_schedule: [60, 300, 1800, 7200, 28800],
  retry_preset: "stairoids",
  filter: n % 4 === 1 ? { all: [{ field: "signal.type", operator: "in", value: ["demo_requested", "trial_started"] }, { field: "signal.properties.team_size", operator: "greater_than", value: 10 }] } : null,
  public_key: n % 4 === 2 ? "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" : null,
  previous_secret: null,
  enabled: n !== 2,
  disabled_reason: n === 2 ? "gone_410" : null,
  temporary: false,
  last_read_at: n % 4 === 3 ? ago(90) : null,
  revision: 3,
  created_at: days(20 + n),
  updated_at: days(2),
  ...more,
});

export const types: EventType[] = [
  { name: "signal.created", description: "A new signal was ingested, from any source.", produced: true },
  { name: "signal.qualified", description: "The record of a signal fits an ICP.", produced: true },
  { name: "signal.scored", description: "A signal was processed and given a score.", produced: false },
  { name: "automation.triggered", description: "An automation was triggered by a matching signal.", produced: false },
  { name: "account.score_changed", description: "The score of an account changed.", produced: false },
  { name: "contact.score_changed", description: "The score of a contact changed.", produced: false },
].map((t) => ({ ...t, schema: {}, sample: { event: t.name, data: { signal: { id: "sig_1", type: "page_view", source: "segment", properties: { url: "https://www.acme.com/pricing" } } } } }));

export const delivery = (n: number): Delivery => ({
  id: "dlv_" + n,
  webhook_id: "wh_1",
  event_id: "evt_" + n,
  event: n % 6 === 5 ? "account.score_changed" : "signal.created",
  status: (["delivered", "delivered", "retrying", "failed", "skipped", "pending"] as const)[n % 6]!,
  attempt_count: [1, 1, 2, 6, 0, 0][n % 6]!,
  test: n % 7 === 1,
  created_at: ago(41 * n + 6),
  done_at: n % 6 < 2 ? ago(41 * n + 5) : null,
  ...(n % 6 === 2 ? { reason: "http_503", next_attempt_at: ago(-240) } : n % 6 === 3 ? { reason: "timeout" } : n % 6 === 4 ? { reason: "webhook_disabled" } : {}),
});

const attempt = (n: number, more: Partial<Attempt> = {}): Attempt => ({
  id: "att_" + n,
  at: ago(360 - 60 * n),
  duration_ms: 143.2,
  dns_ms: 4.1,
  connect_ms: 11.9,
  tls_ms: 24.4,
  first_byte_ms: 98.3,
  remote_addr: "203.0.113.7:443",
  response_headers: { "content-type": ["application/json"], "x-hostile": [hostile] },
  response_body: '{"ok":true}',
  response_truncated: false,
  manual: false,
  status_code: 200,
  ...more,
});

const body = '{"event":"signal.created","id":"evt_1","created_at":"2026-11-25T13:03:07Z","data":{"signal":{"id":"sig_1","type":"page_view","properties":{"n":12345678901234567890}}}}';

export const detail = (more: Partial<DeliveryDetail> = {}): DeliveryDetail => ({
  ...delivery(2),
  url: "https://hooks.example.com/signalbox",
  format: "stairoids",
  body,
  attempts: [
    attempt(0, { status_code: undefined, error: "timeout", first_byte_ms: 0, duration_ms: 10_004, response_body: "", response_headers: {} }),
    attempt(1, { status_code: 503, error: "http_503", response_body: hostile, response_truncated: true }),
    attempt(2, { manual: true }),
  ],
  ...more,
});

export const health = (full: boolean): WebhookHealth => ({
  success_rate_24h: full ? 0.9987 : null,
  success_rate_7d: full ? 0.9712 : null,
  p50_ms: full ? 84 : null,
  p95_ms: full ? 412 : null,
  pending: full ? 12 : 0,
  oldest_pending_at: full ? ago(47) : null,
  hours: Array.from({ length: 168 }, (_, i) => ({
    at: ago((168 - i) * 3600),
    delivered: full ? Math.max(0, Math.round(60 + 50 * Math.sin(i / 3.8))) : 0,
    failed: full && i % 41 < 3 ? 9 : 0,
    p95_ms: full ? 300 + ((i * 37) % 160) : null,
  })),
});

export const tested = (good: boolean): TestResult => ({
  delivery_id: "dlv_9",
  request: { method: "POST", url: "https://hooks.example.com/signalbox", headers: { "content-type": "application/json", "webhook-id": "evt_1", "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=" }, body },
  response: good ? { status: 200, headers: { "content-type": ["text/plain"] }, body: "OK", duration_ms: 112 } : null,
  ...(good ? {} : { error: "tls" }),
});

export const log = (n: number, more: Partial<Log> = {}): Log => ({
  id: "req_" + n,
  at: ago(7 * n * n + 3),
  request_id: "req_03fp1x9dbzy00x6jaqafq80fra",
  operation: "createSignal",
  method: "POST",
  path: "/v1/signals",
  status: (["accepted", "accepted", "refused", "duplicate", "ignored_fields"] as const)[n % 5]!,
  http_status: [201, 201, 400, 200, 201][n % 5]!,
  code: n % 5 === 2 ? "validation_error" : null,
  message: n % 5 === 2 ? "occurred_at lies more than 24 hours ahead" : null,
  param: n % 5 === 2 ? "occurred_at" : null,
  ignored: n % 5 === 4 ? ["contact.emial", "properties_"] : [],
  signal_id: n % 5 === 2 ? null : "sig_" + n,
  type: ["page_visit", "form_submitted", "demo_requested"][n % 3]!,
  source: ["website", "zapier"][n % 2]!,
  domain: n % 4 === 3 ? null : "acme.com",
  email: n % 3 === 2 ? null : `person${n}@acme.com`,
  api_key: n % 6 === 5 ? null : { id: "key_1", name: "website" },
  took_ms: 3.4,
  count: n % 5 === 2 ? 214 : 1,
  ...more,
});

export const member = (n: number, more: Partial<Member> = {}): Member => ({
  id: "mem_0" + (n + 1),
  email: ["ada@example.com", "grace@example.com", "alan@example.com", "edsger@example.com"][n % 4]!,
  name: ["Ada Lovelace", "Grace Hopper", null, "Edsger Dijkstra"][n % 4]!,
  role: (["admin", "analyst", "viewer", "analyst"] as const)[n % 4]!,
  status: n % 4 === 2 ? "invited" : "active",
  last_seen_at: n % 4 === 2 ? null : ago(3_000 * n + 8),
  created_at: days(40 - n),
  ...more,
});

export const own = (n: number): OwnSession => ({
  id: "ses_" + n,
  current: n === 0,
  user_agent: ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Safari/604.1", hostile][n % 3]!,
  address: ["192.0.2.14", "2001:db8::7", null][n % 3]!,
  created_at: days(n + 1),
  last_seen_at: ago(7_000 * n + 5),
  expires_at: days(-14),
});

export const audit = (n: number, more: Partial<Audit> = {}): Audit => ({
  id: "aud_" + n,
  at: ago(500 * n + 9),
  actor: n % 3 === 2 ? { type: "api_key", id: "key_1", name: "automation" } : n % 7 === 6 ? { type: "system", id: null, name: null } : { type: "member", id: "mem_01", name: "Ada Lovelace" },
  action: ["webhook.updated", "api_key.created", "workspace.updated", "member.created", "account.erased"][n % 5]!,
  subject: { type: ["webhook", "api_key", "workspace", "member", "account"][n % 5]!, id: "wh_1", name: ["CRM", "website", "Example Inc", "grace@example.com", null][n % 5]! },
  before: n % 5 === 0 ? { url: "https://old.example.com", events: ["*"] } : n % 5 === 2 ? { timezone: "UTC", limits: { key: { per_minute: 0 } }, name: hostile } : null,
  after: n % 5 === 0 ? { url: "https://crm.example.com/in/9f2", events: ["signal.created", "account.*"] } : n % 5 === 2 ? { timezone: "Europe/Berlin", limits: { key: { per_minute: 600 } }, name: "Example Inc" } : n % 5 === 1 ? { name: "website", scope: "ingest" } : null,
  request_id: "req_03fp1x9dbzy00x6jaqafq80fra",
  ...more,
});

export const workspace: Workspace = {
  id: "ws_03fp1x9dbzy0172bryc2seh3fj",
  name: "Example Inc",
  timezone: "Europe/Berlin",
  require_identity: false,
  limits: { workspace: { per_minute: 6_000, per_day: 0 }, key: { per_minute: 600, per_day: 50_000 }, captures: { per_minute: 500, per_day: 50_000 }, requests: { per_minute: 0, per_day: 0 } },
  retention: { signal_days: 0, event_days: 30 },
  mailbox_providers: { added: ["mail.example.org"], removed: ["proton.me"] },
  aliases: { "acme.de": "acmecorp.com", "acme.fr": "acmecorp.com" },
  revision: 4,
  created_at: days(200),
  updated_at: days(1),
};

export const recovery: RecoveryPreview = {
  matching: 1240,
  at_least: true,
  counts: { failed: 1100, skipped: 120, never_attempted: 20, delivered: 0 },
  events: ["failed", "skipped", "never_attempted"].map((missed, n) => ({
    event_id: "evt_" + n,
    event: n === 1 ? hostile : "signal.created",
    missed: missed as RecoveryPreview["events"][number]["missed"],
    delivery_id: n === 2 ? null : "dlv_" + n,
    created_at: ago(3600 * (3 - n)),
  })),
};

export const job: Job = {
  id: "job_1",
  kind: "recover",
  status: "running",
  subject: "wh_1",
  matching: 1240,
  done: 310,
  error: null,
  created_at: ago(60),
  updated_at: ago(1),
  ended_at: null,
};

const shipped = (points: number) => ({ points, half_life: null, cap: null, shipped: points });

export const scoring = (more: Partial<Scoring> = {}): Scoring => ({
  half_life: "14d",
  default_points: 5,
  default_cap: 40,
  boost: 0,
  types: {
    meeting_booked: shipped(25), deal_created: shipped(20), form_submit: shipped(18), crm_stage_change: shipped(12), linkedin_connection: shipped(8), email_click: shipped(6), email_open: shipped(3),
    page_visit: shipped(2), page_view: { points: 3.5, half_life: "7d", cap: 10, shipped: 2 }, demo_requested: { points: 30, half_life: null, cap: 60, shipped: null },
  },
  rules: [
    { name: "Large teams", type: "*", when: "properties.team_size >= 100", points: 10 },
    { name: 'signal.source == "import"', type: "page_*", when: 'signal.source == "import"', points: -2 },
  ],
  stages: {
    account: [{ name: "Cool", min: 0 }, { name: "Warm", min: 40 }, { name: "In-market", min: 65 }, { name: "Hot", min: 85 }],
    contact: [{ name: "Cold", min: 0 }, { name: "Hot", min: 50 }],
  },
  revision: 3,
  job_id: null,
  ...more,
});

const stages = ["Cool", "Warm", "In-market", "Hot"];
const standing = (score: number) => ({ score, stage: stages[score < 40 ? 0 : score < 65 ? 1 : score < 85 ? 2 : 3]!, points: score + 0.2 });
const movers = (kind: string, names: (string | null)[]) => names.map((name, n) => ({ id: `${kind}_${n}`, name, before: standing(47 - 5 * n), after: standing(n % 3 === 2 ? 30 - 5 * n : 92 - 9 * n) }));

export const nobody: Moves = { up: 0, down: 0, stages: [], examples: [] };

export const preview: Preview = {
  signals: 100_000,
  complete: false,
  records: 4_310,
  accounts: { up: 1_204, down: 88, stages: [{ from: "Cool", to: "Warm", count: 311 }, { from: "Warm", to: "Hot", count: 40 }, { from: "Hot", to: "In-market", count: 2 }], examples: movers("acc", ["Acme Corp", "Globex", "Initech", null, hostile, long]) },
  contacts: { up: 12, down: 0, stages: [], examples: movers("con", ["Ada Lovelace", "grace@example.com"]) },
};

export const icp = (n: number, more: Partial<Profile> = {}): Profile => ({
  id: "icp_" + n,
  code: ["Mid-market SaaS", "Enterprise", "Retail"][n % 3]!,
  status: n % 3 === 1 ? "draft" : "live",
  priority: [10, 0, -5][n % 3]!,
  parameters: [
    { name: "Size", expression: "account.attributes.employees > 50", mode: "filter", weight: null, on_missing: "neutral" },
    { name: hostile, expression: 'account.attributes.industry == "SaaS"', mode: "score", weight: 8, on_missing: "fail" },
    { name: "Looks around", expression: 'count(signals, "page_view", "30d") >= 3 && !(account.attributes.country in ["US", "CA"]) || account.stage == "Hot"', mode: "score", weight: 4, on_missing: "pass" },
    { name: "Competitor", expression: 'account.status == "competitor"', mode: "exclude", weight: null, on_missing: "neutral" },
  ].slice(0, 4 - (n % 3)) as Profile["parameters"],
  revision: 3 + n,
  created_at: days(9 + n),
  updated_at: days(n),
  ...more,
});

export const persona = (n: number, more: Partial<Profile> = {}): Profile => ({
  ...icp(n), id: "per_" + n, code: ["Decision maker", "Daily user"][n % 2]!, icp_codes: [[], ["Mid-market SaaS"]][n % 2]!,
  parameters: [{ name: "Title", expression: 'contact.title.contains("VP")', mode: "filter", weight: null, on_missing: "neutral" }],
  ...more,
});

export const verdict = (fits: boolean): Tested => ({
  code: "Mid-market SaaS", version: 3, fits, score: fits ? 67 : 0, coverage: fits ? 1 : 0.33, reason: fits ? null : "exclude", complete: fits,
  answers: [
    { name: "Size", mode: "filter", weight: null, outcome: "hit", gives: 0 },
    { name: hostile, mode: "score", weight: 8, outcome: fits ? "hit" : "missing", gives: fits ? 66.666667 : 0 },
    { name: "Looks around", mode: "score", weight: 4, outcome: "miss", gives: 0 },
    { name: "Competitor", mode: "exclude", weight: null, outcome: fits ? "miss" : "hit", gives: 0 },
  ],
});
