// Canned data: what the API might answer, with the awkward cases in it.

import type { Account, Answer, Contact, Delivery, Qualification, Score, ScoreHistory, Signal } from "../../api-types";
import type { Import, Merge, OverviewData, Session } from "../../types";

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

const head = {
  stage: "Warm",
  score: 47,
  revision: 3,
  merged_ids: [],
  qualification: { icp_code: "Mid-market SaaS", icp_score: 73, persona_code: null, persona_score: 0, qualified_at: ago(40) },
};

export const account = (n: number, more: Partial<Account> = {}): Account => ({
  ...head,
  id: "acc_" + n,
  domain: ["acme.com", "globex.example", "initech.example", "umbrella.example", "hooli.example"][n % 5]!,
  name: ["Acme Corp", "Globex", "Initech", null, "Hooli"][n % 5]!,
  status: ["customer", null, "prospect", null, "churned"][n % 5]!,
  attributes: { plan: "pro", employees: 250, industry: "Manufacturing", addresses: { city: "Berlin" } },
  last_signal_at: n % 4 === 3 ? null : ago(40 * n * n + 7),
  created_at: ago(86_400 * (n + 2)),
  updated_at: ago(4_000),
  ...more,
});

export const contact = (n: number, more: Partial<Contact> = {}): Contact => ({
  ...head,
  id: "con_" + n,
  account_id: n % 3 === 2 ? null : "acc_" + n,
  account_domain: n % 3 === 2 ? null : "acme.com",
  email: n % 5 === 4 ? null : `person${n}@acme.com`,
  first_name: ["Ada", "Grace", "Alan", "Edsger", null][n % 5]!,
  last_name: ["Lovelace", "Hopper", "Turing", "Dijkstra", null][n % 5]!,
  name: ["Ada Lovelace", "Grace Hopper", "Alan Turing", "Edsger Dijkstra", null][n % 5]!,
  title: ["CTO", "Rear Admiral", null, "Professor", null][n % 5]!,
  linkedin_url: n % 5 === 4 ? "https://www.linkedin.com/in/somebody" : null,
  attributes: { seniority: "c-level" },
  last_signal_at: ago(60 * n + 3),
  created_at: ago(86_400 * (n + 1)),
  updated_at: ago(900),
  ...more,
});

export const signal = (n: number, more: Partial<Signal> = {}): Signal => ({
  id: "sig_" + n,
  type: ["page_visit", "form_submitted", "email_opened", "demo_requested"][n % 4]!,
  source: ["website", "internal_app", "zapier"][n % 3]!,
  event_name: null,
  account: n % 7 === 6 ? null : { id: "acc_" + n, domain: "acme.com", name: n % 2 ? "Acme Corp" : null, score: 47 },
  contact: n % 3 === 2 ? null : { id: "con_" + n, email: `person${n}@acme.com`, linkedin_url: null, name: n % 2 ? "Ada Lovelace" : null, score: 47 },
  score: [2, 18, 3, 5][n % 4]!,
  score_reasons: [{ rule: ["page_visit", "form_submitted", "email_opened", "demo_requested"][n % 4]!, points: [2, 18, 3, 5][n % 4]! }],
  properties: { path: "/pricing", seconds: 42, utm: { source: "newsletter", campaign: null }, plan: "enterprise" },
  backfill: n % 9 === 8,
  occurred_at: ago(13 * n * n + 2),
  created_at: ago(13 * n * n + 1),
  erased_at: null,
  ...more,
});

/** many makes rows, the last ones hostile, too long, and with nothing in them. */
export const many = <T,>(n: number, make: (n: number) => T, ...odd: T[]): T[] => [...Array.from({ length: n }, (_, i) => make(i)), ...odd];

export const delivery = (n: number): Delivery => ({
  id: "dlv_" + n,
  webhook_id: "wh_1",
  event_id: "evt_" + n,
  event: "signal.created",
  status: (["delivered", "retrying", "failed", "pending", "skipped"] as const)[n % 5]!,
  attempt_count: [1, 2, 6, 0, 0][n % 5]!,
  test: false,
  created_at: ago(30 * n + 2),
  done_at: null,
});

export const overview = (full: boolean): OverviewData => ({
  signals: {
    total: full ? 1_204_332 : 0,
    last_24h: full ? 38_114 : 0,
    per_minute: Array.from({ length: 60 }, (_, i) => ({ at: ago((60 - i) * 60), count: full ? Math.round(28 + 14 * Math.sin(i / 6) + ((i * 7) % 11)) : 0 })),
  },
  deliveries: { pending: full ? 7 : 0, delivered_24h: full ? 75_931 : 0, failed_24h: full ? 12 : 0, success_rate_24h: full ? 0.99984 : null, oldest_pending_at: full ? ago(3) : null },
  webhooks: { enabled: full ? 4 : 0, disabled: full ? 1 : 0, failing: 0 },
  getting_started: { first_signal_at: full ? ago(8_640_000) : null, first_webhook_at: full ? ago(8_600_000) : null, first_delivery_at: full ? ago(8_500_000) : null },
});

export const merge = (status: Merge["status"]): Merge => ({
  id: "mrg_" + status,
  kind: "account",
  status,
  from: { id: "acc_1", domain: "globex.example", name: "Globex LLC", attributes: { employees: 240, region: "EMEA" } },
  into: { id: "acc_0", domain: "acme.com", name: "Acme Corp", status: "customer", attributes: { plan: "pro", employees: 250, note: hostile } },
  result: { id: "acc_0", domain: "acme.com", name: "Acme Corp", status: "customer", attributes: { plan: "pro", employees: 250, region: "EMEA", note: hostile } },
  moves: { contacts: 3, signals: 1_204, keys: 2 },
  created_at: ago(600),
  undone_at: status === "undone" ? ago(60) : null,
  reason: status === "proposed" ? "the domain of one was made an alias of the other's" : null,
});

export const imported = (n: number): Import => ({ id: "imp_" + n, name: n === 1 ? hostile : `accounts-${n}.csv 2026-11-25 14:03:07`, records: 40 * n + 1, created_at: ago(3_600 * n), undone_at: n === 2 ? ago(50) : null });

const answer = (name: string, mode: Answer["mode"], outcome: Answer["outcome"], weight: number | null = null, gives = 0): Answer => ({ name, mode, weight, outcome, gives });

/** qualification is what several profiles said of a record: of every reason one. */
export const qualification = (more: Partial<Qualification> = {}): Qualification => ({
  icp_code: "Mid-market SaaS",
  icp_score: 73,
  persona_code: "Engineering leader",
  persona_score: 100,
  qualified_at: ago(40),
  icps: [
    {
      code: "Mid-market SaaS", version: 4, fits: true, score: 73, coverage: 0.8, reason: null,
      answers: [
        answer("Is in a market of ours", "filter", "hit"), answer("Competitor", "exclude", "miss"), answer("200 to 2,000 employees", "score", "hit", 8, 800 / 11), answer("Uses a warehouse", "score", "miss", 3),
        answer(long, "score", "missing", 5),
      ],
    },
    { code: "Enterprise", version: 1, fits: false, score: 0, coverage: 0.5, reason: "filter", answers: [answer("More than 2,000 employees", "filter", "miss"), answer("Has a data team", "score", "not_asked", 10)] },
    { code: hostile, version: 2, fits: false, score: 0, coverage: 1, reason: "exclude", answers: [answer(hostile, "exclude", "hit")] },
    { code: "Public sector", version: 7, fits: false, score: 0, coverage: 0, reason: "not_enough_data", answers: [answer("Is an authority", "score", "missing", 1)] },
  ],
  personas: [
    { code: "Engineering leader", version: 1, fits: true, score: 100, coverage: 1, reason: null, answers: [answer("Leads engineers", "filter", "hit")] },
    { code: "Buyer", version: 1, fits: false, score: 0, coverage: 1, reason: "no_match", answers: [answer("Title says procurement", "score", "miss", 1)] },
  ],
  ...more,
});

/** explained is what a score is made of, by so many signals and one that takes points away. */
export const explained = (n: number, type?: string): Score => {
  const contributions = many(n, (i) => ({ signal_id: "sig_" + i, type: type ?? signal(i).type, points: signal(i).score, occurred_at: ago(86_400 * (3 + i)), decayed_points: signal(i).score * 2 ** (-i / 14) }));
  contributions.sort((a, b) => b.decayed_points - a.decayed_points);
  if (n > 10) contributions.splice(5, 0, { signal_id: "sig_bad", type: "unsubscribed", points: -8, occurred_at: ago(86_400 * 20), decayed_points: -2.97 });
  const points = contributions.reduce((sum, c) => sum + c.decayed_points, 0) + (n > 0 ? 1.5 : 0);
  return { score: Math.floor(points + 0.5), stage: points < 39.5 ? "Cool" : "Warm", points, at: ago(0), contributions, rest: { signals: n > 0 ? 31 : 0, points: n > 0 ? 1.5 : 0 } };
};

const stages = [{ name: "Cool", min: 0 }, { name: "Warm", min: 40 }, { name: "In-market", min: 65 }, { name: "Hot", min: 85 }];
const stageOf = (score: number): string => stages.filter((s) => score >= s.min).at(-1)!.name;

/** history is how a score stood from so many days ago to so many days later, of signals that came so many days ago. */
const history = (from: number, to: number, n: number, came: { days: number; type: string; points: number }[]): ScoreHistory => {
  const points = Array.from({ length: n }, (_, i) => {
    const days = from + ((to - from) * i) / (n - 1);
    const p = came.filter((s) => s.days >= days).reduce((sum, s) => sum + s.points * 2 ** -((s.days - days) / 14), 0);
    const score = Math.max(0, Math.floor(p + 0.5));
    return { at: ago(86_400 * days), score, points: p, stage: stageOf(score) };
  });
  const signals = came.filter((s) => s.days <= from && s.days >= to).map((s, i) => ({ signal_id: "sig_" + i, type: s.type, points: s.points, at: ago(86_400 * s.days) }));
  return { from: ago(86_400 * from), to: ago(86_400 * to), half_life: "14d", stages, points, signals };
};

const came = [
  { days: 81, type: "page_visit", points: 2 }, { days: 74, type: "form_submit", points: 18 }, { days: 61, type: "email_click", points: 6 }, { days: 55, type: "meeting_booked", points: 25 },
  { days: 54.5, type: "deal_created", points: 20 }, { days: 40, type: "unsubscribed", points: -12 }, { days: 26, type: "page_visit", points: 2 }, { days: 21, type: "form_submit", points: 18 },
  { days: 12, type: hostile, points: 8 }, { days: 6, type: "meeting_booked", points: 25 }, { days: 1, type: long, points: 6 },
];

/** course is how a score stood, and what becomes of it. */
export const course = { past: history(90, 0, 271, came), ahead: history(0, -30, 61, came) };

/** low is one that no stage is near of, with nothing ahead; still is one of nothing. */
export const low = { past: history(30, 0, 241, [{ days: 17, type: "page_visit", points: 2 }, { days: 3, type: "email_open", points: 3 }]), ahead: null };
export const still = { past: history(90, 0, 271, []), ahead: history(0, -30, 61, []) };
