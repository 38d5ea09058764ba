// Canned data of the pages under Settings, with the awkward cases in it.

import type { Attempt, Audit, Delivery, DeliveryDetail, EventType, Job, Key, Log, Member, OwnSession, RecoveryPreview, TestResult, Webhook, WebhookHealth, Workspace } from "../../api-types";
import { ago, hostile } from "../gallery/data";

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
