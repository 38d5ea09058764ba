// The pages of leads and audiences in each of their states, for the gallery.

import type { Audience, AudiencePreview, Lead, MemberOf } from "../../api-types";
import { ApiError } from "../../kit";
import { broken, loaded, loading, type PageStates, rows, rowsBroken, rowsLoading } from "../gallery/answers";
import { account, ago, contact, hostile, long, many } from "../gallery/data";
import { LeadsView } from "../leads";
import { AudienceView } from "./audience";
import { AudiencesView } from "./audiences";
import { asked, blank, type Draft } from "./condition";
import { AudienceForm } from "./form";

const lead = (n: number, more: Partial<Lead> = {}): Lead => ({
  id: "con_" + n,
  account: n % 4 === 3 ? null : { id: "acc_" + n, domain: account(n).domain, name: account(n).name },
  contact: n % 3 === 2 && n % 4 !== 3 ? null : { id: "con_" + n, email: `person${n}@acme.com`, linkedin_url: null, name: contact(n).name, title: "CTO" },
  score: [47, 92, 3, 68][n % 4]!,
  stage: ["Warm", "Hot", "Cool", "In-market"][n % 4]!,
  qualification: [{ icp_code: "MM-SAAS", icp_score: 73, persona_code: "VP-ENG", persona_score: 88, qualified_at: ago(40) }, { icp_code: null, icp_score: 0, persona_code: null, persona_score: 0, qualified_at: ago(40) }, null][n % 3]!,
  first_source: ["website", "zapier", null][n % 3]!,
  last_source: ["internal_app", "website", null][n % 3]!,
  signals_by_source: [{ website: 1_204, internal_app: 7, zapier: 2, crm: 1 }, { website: 3 }, {}][n % 3]! as unknown as Record<string, number>,
  last_signal_at: ago(40 * n * n + 7),
  created_at: ago(86_400 * (n + 1)),
  ...more,
});

const odd = lead(20, {
  contact: { id: "con_20", email: null, linkedin_url: null, name: hostile, title: hostile },
  account: { id: "acc_20", domain: null, name: hostile },
  qualification: { icp_code: hostile, icp_score: 50, persona_code: long, persona_score: 1, qualified_at: ago(1) },
  first_source: hostile,
  last_source: long,
  signals_by_source: { [hostile]: 12, [long]: 3 },
});

const audience = (n: number, more: Partial<Audience> = {}): Audience => ({
  id: "aud_" + n,
  name: ["Active accounts", "Buyers who look", "Customers gone quiet"][n % 3]!,
  entity: n % 3 === 1 ? "contact" : "account",
  condition: [`within(last(signals, "page_view"), "14d")`, `contact.score > 20 && account.attributes.plan == "pro"`, `account.status == "customer" && !signals.exists(s, within(s.occurred_at, "30d"))`][n % 3]!,
  status: n % 3 === 2 ? "building" : "ready",
  members: [1_204, 38, 0][n % 3]!,
  job_id: null,
  revision: 1,
  created_at: ago(86_400 * (n + 1)),
  updated_at: ago(3_600 * (n + 1)),
  ...more,
});

const member = (kind: "account" | "contact") => (n: number): MemberOf => ({ account: kind === "account" ? account(n) : null, contact: kind === "contact" ? contact(n) : null, since: ago(3_600 * n + 9) });
const strange: MemberOf = { account: account(30, { name: hostile, domain: null, status: hostile, stage: hostile }), contact: null, since: ago(5) };

const answer = (more: Partial<AudiencePreview> = {}): AudiencePreview => ({ condition: "account.score >= 40", looked_at: 2_000, complete: false, members: 412, examples: many(6, member("account"), strange), ...more });

const groups: Draft = {
  ...blank("account"),
  any: true,
  groups: [
    { any: false, rows: [{ field: "account.score", name: "", operator: "greater_or_equal", value: "40" }, { field: "account.attributes", name: "plan", operator: "in", value: "pro, enterprise" }] },
    { any: true, rows: [{ field: "signals.type", name: "", operator: "equals", value: "demo_request" }, { field: "signals.properties", name: hostile, operator: "contains", value: long }] },
  ],
};
const refusedAt = new ApiError(400, "invalid_request", "condition.any[0].all[0].value: account.score is a number, and is compared with a text: " + hostile, "condition.any[0].all[0].value");
const refused = new ApiError(400, "invalid_request", "condition: line 1, column 9: unknown field account.domian; did you mean account.domain?", "condition");
const text: Draft = { ...blank("account"), form: "text", text: `account.domian == "acme.com"` };

export const audienceStates: PageStates[] = [
  {
    page: "leads",
    states: {
      full: () => <LeadsView pages={rows(many(14, lead, odd), true)} />,
      empty: () => <LeadsView pages={rows([])} />,
      loading: () => <LeadsView pages={rowsLoading} />,
      error: () => <LeadsView pages={rowsBroken} />,
    },
  },
  {
    page: "audiences",
    states: {
      full: () => <AudiencesView audiences={rows(many(3, audience, audience(3, { name: hostile, condition: hostile }), audience(4, { id: "aud_9", name: long })))} />,
      empty: () => <AudiencesView audiences={rows([])} />,
      loading: () => <AudiencesView audiences={rowsLoading} />,
      error: () => <AudiencesView audiences={rowsBroken} />,
      new: () => <AudienceForm />,
      groups: () => <AudienceForm draft={groups} shown={{ of: asked(groups), answer: answer(), error: null }} />,
      "groups-refused": () => <AudienceForm draft={groups} shown={{ of: asked(groups), answer: null, error: refusedAt }} />,
      "text-refused": () => <AudienceForm draft={text} shown={{ of: asked(text), answer: null, error: refused }} />,
      edit: () => <AudienceForm of={audience(1, { name: hostile })} shown={{ of: asked(text), answer: answer({ members: 0, looked_at: 1, complete: true, examples: [] }), error: null }} />,
    },
  },
  {
    page: "audience",
    states: {
      full: () => <AudienceView audience={loaded(audience(0))} members={rows(many(12, member("account"), strange), true)} />,
      contacts: () => <AudienceView audience={loaded(audience(1))} members={rows(many(8, member("contact")))} />,
      building: () => <AudienceView audience={loaded(audience(2))} members={rows([])} />,
      empty: () => <AudienceView audience={loaded(audience(0, { members: 0 }))} members={rows([])} />,
      hostile: () => <AudienceView audience={loaded(audience(0, { name: hostile, condition: hostile + long.repeat(4) }))} members={rowsBroken} />,
      loading: () => <AudienceView audience={loading} members={rowsLoading} />,
      error: () => <AudienceView audience={broken} members={rowsLoading} />,
    },
  },
];
