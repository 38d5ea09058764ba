// Every page in each of its states: empty, loading, error, full. A page that is missing here is missing from the tests of accessibility.

import { PageHead } from "../../kit";
import { audienceStates } from "../audiences/states";
import { DetailView } from "../detail";
import { Door } from "../door";
import { EditForm } from "../edit";
import { OutcomeView } from "../import";
import { BreakdownView } from "../fit";
import { ImportsView } from "../imports";
import { Accept } from "../link";
import { MergesView } from "../merges";
import { OverviewView } from "../overview";
import { RecordsView } from "../records";
import { settingsStates } from "../settings/states";
import { SignalView } from "../signal";
import { Choices } from "../signin";
import { SignalsView } from "../signals";
import { typeStates } from "../types/states";
import { WhyView } from "../why";
import { account, ago, contact, course, delivery, explained, hostile, imported, long, low, many, merge, overview, qualification, signal, still } from "./data";
import { broken, failed, loaded, loading, type PageStates, rows, rowsBroken, rowsLoading } from "./answers";

export const states: PageStates[] = [
  {
    page: "sign-in",
    states: {
      password: () => <Door title="Sign in"><Choices ways={{ password: true, oidc: null, signed_in: false, insecure: false }} /></Door>,
      both: () => <Door title="Sign in"><Choices ways={{ password: true, oidc: { label: "Continue with Okta", url: "/v1/sign-in/oidc" }, signed_in: false, insecure: true }} /></Door>,
      single: () => <Door title="Sign in"><Choices ways={{ password: false, oidc: { label: "Continue with Okta", url: "/v1/sign-in/oidc" }, signed_in: false, insecure: false }} /></Door>,
    },
  },
  {
    page: "link",
    states: {
      invite: () => <Accept token="t" link={{ kind: "invite", email: "grace@example.com", name: null, expires_at: ago(-86400 * 3) }} />,
      reset: () => <Accept token="t" link={{ kind: "reset", email: "grace@example.com", name: "Grace", expires_at: ago(-3600) }} />,
    },
  },
  {
    page: "overview",
    states: {
      full: () => <OverviewView overview={loaded(overview(true))} feed={many(10, signal, signal(12, { type: hostile, source: hostile }))} stats={{ signals_per_minute: 41, pending: 7, dropped: 0 }} />,
      empty: () => <OverviewView overview={loaded(overview(false))} feed={[]} stats={null} />,
      loading: () => <OverviewView overview={loading} feed={undefined} stats={null} />,
      error: () => <OverviewView overview={broken} feed={undefined} stats={null} />,
    },
  },
  {
    page: "signals",
    states: {
      full: () => <SignalsView pages={rows(many(24, signal, signal(12, { type: hostile, source: hostile }), signal(13, { type: long })), true)} following onFollow={() => {}} />,
      empty: () => <SignalsView pages={rows([])} following={false} onFollow={() => {}} />,
      loading: () => <SignalsView pages={rowsLoading} following onFollow={() => {}} />,
      error: () => <SignalsView pages={rowsBroken} following onFollow={() => {}} />,
    },
  },
  {
    page: "signal",
    states: {
      full: () => <SignalView signal={loaded(signal(1))} caused={rows(many(5, delivery))} />,
      hostile: () => <SignalView signal={loaded(signal(0, { type: hostile, source: hostile, properties: { [hostile]: hostile } }))} caused={rows([])} />,
      erased: () => <SignalView signal={loaded(signal(2, { account: null, contact: null, properties: {}, erased_at: ago(100) }))} caused={rowsLoading} />,
      qualified: () => <SignalView signal={loaded(signal(1, { event_name: hostile }))} caused={rows([])} qualified={{ signal_capture_id: "sc_1", matched_record_id: "lead_1", qualification: { icp_code: hostile, icp_score: 73, persona_code: null, persona_score: 0 } }} />,
      "qualified-nothing": () => <SignalView signal={loaded(signal(1))} caused={rows([])} qualified={{ signal_capture_id: "sc_1", matched_record_id: "lead_1", qualification: { icp_code: null, icp_score: null, persona_code: null, persona_score: null } }} />,
      loading: () => <SignalView signal={loading} caused={rowsLoading} />,
      error: () => <SignalView signal={broken} caused={rowsLoading} />,
    },
  },
  ...audienceStates,
  {
    page: "accounts",
    states: {
      full: () => <RecordsView kind="account" pages={rows(many(14, account, account(20, { name: hostile, status: hostile }), account(21, { name: long })), true)} sort="-last_signal_at" proposals={2} choices={{ stages: ["Cool", hostile, long], audiences: [{ value: "aud_1", label: hostile }] }} />,
      empty: () => <RecordsView kind="account" pages={rows([])} sort="" proposals={0} />,
      loading: () => <RecordsView kind="account" pages={rowsLoading} sort="" proposals={0} />,
      error: () => <RecordsView kind="account" pages={rowsBroken} sort="" proposals={0} />,
    },
  },
  {
    page: "contacts",
    states: {
      full: () => <RecordsView kind="contact" pages={rows(many(14, contact, contact(20, { name: hostile, title: hostile })), true)} sort="name" proposals={0} />,
      empty: () => <RecordsView kind="contact" pages={rows([])} sort="" proposals={0} />,
    },
  },
  {
    page: "account",
    states: {
      full: () => <DetailView kind="account" record={loaded(account(0, { score: 38, stage: "Cool" }))} course={loaded(course)} timeline={rows(many(12, signal), true)} people={rows(many(4, contact))} />,
      empty: () => <DetailView kind="account" record={loaded(account(3, { attributes: {}, score: 0, stage: "Cool", qualification: null }))} course={loaded(still)} timeline={rows([])} people={rows([])} />,
      hostile: () => <DetailView kind="account" record={loaded(account(1, { name: hostile, domain: null, status: hostile, attributes: { [hostile]: hostile } }))} course={loaded(course)} timeline={rows([])} people={rows([])} />,
      loading: () => <DetailView kind="account" record={loading} course={loading} timeline={rowsLoading} people={rowsLoading} />,
      "course-loading": () => <DetailView kind="account" record={loaded(account(0))} course={loading} timeline={rowsLoading} people={rowsLoading} />,
      "course-error": () => <DetailView kind="account" record={loaded(account(0))} course={broken} timeline={rows(many(3, signal))} people={rowsLoading} />,
      error: () => <DetailView kind="account" record={broken} course={broken} timeline={rowsLoading} people={rowsLoading} />,
      edit: () => <EditForm kind="account" record={account(0)} save={async () => {}} />,
      why: () => <WhyView score={loaded(explained(12))} at="now" onAt={() => {}} />,
      fit: () => <BreakdownView said={loaded(qualification())} onClose={() => {}} />,
      "fit-none": () => <BreakdownView said={loaded(qualification({ icp_code: null, icp_score: 0, persona_code: null, persona_score: 0, icps: qualification().icps.slice(1), personas: [] }))} onClose={() => {}} />,
      "fit-never": () => <BreakdownView said={loaded(qualification({ icp_code: null, icp_score: null, persona_code: null, persona_score: null, qualified_at: null, icps: [], personas: [] }))} onClose={() => {}} />,
      "fit-loading": () => <BreakdownView said={loading} onClose={() => {}} />,
      "fit-error": () => <BreakdownView said={broken} onClose={() => {}} />,
      "why-then": () => <WhyView score={loaded(explained(4, hostile))} at={ago(86_400 * 3)} onAt={() => {}} />,
      "why-ahead": () => <WhyView score={loaded(explained(70))} at={ago(-86_400 * 9)} onAt={() => {}} />,
      "why-nothing": () => <WhyView score={loaded(explained(0))} at="now" onAt={() => {}} />,
      "why-loading": () => <WhyView score={loading} at="now" onAt={() => {}} />,
      "why-error": () => <WhyView score={broken} at="now" onAt={() => {}} />,
    },
  },
  {
    page: "contact",
    states: {
      full: () => <DetailView kind="contact" record={loaded(contact(0, { score: 3, stage: "Cool" }))} course={loaded(low)} timeline={rows(many(12, signal))} people={rows([])} />,
      edit: () => <EditForm kind="contact" record={contact(4)} save={async () => Promise.reject(failed)} />,
    },
  },
  {
    page: "merges",
    states: {
      full: () => <MergesView pages={rows([merge("proposed"), merge("done"), merge("undone")])} status="proposed" />,
      empty: () => <MergesView pages={rows([])} status="proposed" />,
    },
  },
  {
    page: "imports",
    states: {
      full: () => <ImportsView pages={rows([imported(0), imported(1), imported(2)])} />,
      empty: () => <ImportsView pages={rows([])} />,
      left: () => <ImportsView pages={rows([imported(2)])} undone={{ ...imported(2), undone: 37, left: [{ kind: "account", id: "acc_1", reason: "a signal has been about it since" }], more: 0 }} />,
      outcome: () => <><PageHead title="Import accounts" /><OutcomeView outcome={{ dry: true, done: 2_000, counts: { created: 1_402, updated: 391, unchanged: 205, rejected: 2 }, refused: [{ line: 17, why: "domain: " + hostile }, { line: 1_204, why: "domain is required." }], name: "x" }} total={2_000} going={false} /></>,
    },
  },
  ...typeStates,
  ...settingsStates,
];
