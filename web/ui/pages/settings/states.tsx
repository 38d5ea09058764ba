// The pages under Settings in each of their states, for the gallery.

import type { Webhook } from "../../api-types";
import { ApiError, PageHead } from "../../kit";
import { broken, loaded, loading, type PageStates, rows, rowsBroken, rowsLoading } from "../gallery/answers";
import { account, contact, hostile, long, many } from "../gallery/data";
import { Entry as AuditEntry, AuditLogView } from "./audit";
import * as canned from "./canned";
import { ConfigurationsView, SecretKey } from "./configurations";
import { DeliveryView } from "./delivery";
import { AddView, type Asks, IcpView } from "./icp";
import { IcpsView } from "./icps";
import { TestedView } from "./icptest";
import { ApiKeysView, KeyMade } from "./keys";
import { Changed, SignalIntelligenceView } from "./intelligence";
import { PreviewDialog, RecomputeDialog, RescoringView } from "./intelligencepreview";
import { Entry as LogEntry, LogsView } from "./logs";
import { Handover, MembersView } from "./members";
import { AccountMatchingView } from "./matching";
import { ProfileView } from "./profile";
import { QualificationWebhookView } from "./qualification";
import { DeliveryLogView, WebhookView } from "./webhook";
import { Preview, RecoveryProgress } from "./webhookrecover";
import { HealthView } from "./webhookhealth";
import { AddEndpointView, EndpointMade } from "./webhooknew";
import { ReadTab } from "./webhookread";
import { HealthWords, WebhooksView } from "./webhooks";
import { Conflict } from "./settingsform";
import { SettingsTab } from "./webhooksettings";
import { TestView } from "./webhooktest";
import { WorkspaceView } from "./workspace";

const { audit, delivery, detail, health, icp, key, log, member, own, persona, tested, types, webhook, workspace } = canned;
/** over is a dialog above its page. */
const over = (title: string, dialog: preact.ComponentChildren) => (
  <>
    <PageHead title={title} />
    {dialog}
  </>
);
const missing = { ...broken, error: new ApiError(404, "not_found", "There is no such path.") };
const words = (w: Webhook) => <HealthWords of={{ ...health(w.id !== "wh_0"), success_rate_24h: w.id === "wh_0" ? null : w.id === "wh_1" ? 1 : 0.81 }} />;
const asks: Asks = { recordsOf: (kind) => loaded(kind === "account" ? many(3, account, account(3, { name: hostile })) : many(3, contact, contact(3, { name: hostile }))), codesOf: () => loaded(["Mid-market SaaS", hostile]) };
const within = (w: Webhook, inside: preact.ComponentChildren) => <WebhookView webhook={loaded(w)}>{() => inside}</WebhookView>;

export const settingsStates: PageStates[] = [
  {
    page: "api-keys",
    states: {
      full: () => <ApiKeysView keys={rows(many(5, key, key(5, { name: hostile, revoked_at: canned.key(1).created_at }), key(6, { name: long })), true)} />,
      empty: () => <ApiKeysView keys={rows([])} />,
      loading: () => <ApiKeysView keys={rowsLoading} />,
      error: () => <ApiKeysView keys={rowsBroken} />,
      made: () => over("API Keys", <KeyMade of={{ ...key(0), key: "sk_live_4fJq0ZrT8mXyW2bLcPdK9sVhUeNaG71iBoQ3" }} onClose={() => {}} />),
    },
  },
  {
    page: "webhooks",
    states: {
      full: () => <WebhooksView webhooks={rows(many(4, webhook, webhook(5, { label: hostile, description: hostile }), webhook(6, { label: long })))} health={words} />,
      empty: () => <WebhooksView webhooks={rows([])} health={words} />,
      loading: () => <WebhooksView webhooks={rowsLoading} health={words} />,
      error: () => <WebhooksView webhooks={rowsBroken} health={words} />,
      add: () => <AddEndpointView typesOf={() => loaded(types)} />,
      made: () => <EndpointMade of={{ ...webhook(0), secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }} />,
    },
  },
  {
    page: "configurations",
    states: {
      full: () => <ConfigurationsView webhooks={rows(many(4, webhook, webhook(5, { label: hostile, description: hostile }), webhook(2, { id: "wh_9", label: long })))} />,
      empty: () => <ConfigurationsView webhooks={rows([])} />,
      loading: () => <ConfigurationsView webhooks={rowsLoading} />,
      error: () => <ConfigurationsView webhooks={rowsBroken} />,
      add: () => <ConfigurationsView webhooks={rows([])} adds />,
      key: () => over("Configurations", <SecretKey secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" onClose={() => {}} />),
    },
  },
  {
    page: "signal-qualification-webhook",
    states: {
      full: () => <QualificationWebhookView webhooks={rows(many(4, (n) => webhook(n, { events: [["signal.qualified"], ["*"], ["signal.*"], ["signal.qualified", "signal.created"]][n]! }), webhook(5, { label: hostile, description: hostile }), webhook(2, { id: "wh_9", label: long })))} />,
      empty: () => <QualificationWebhookView webhooks={rows([])} />,
      loading: () => <QualificationWebhookView webhooks={rowsLoading} />,
      error: () => <QualificationWebhookView webhooks={rowsBroken} />,
      add: () => <AddEndpointView typesOf={() => loaded(types)} event="signal.qualified" />,
    },
  },
  {
    page: "webhook",
    states: {
      log: () => within(webhook(1), <DeliveryLogView webhook={webhook(1)} events={["signal.created"]} list={rows(many(12, delivery), true)} />),
      nothing: () => within(webhook(1), <DeliveryLogView webhook={webhook(1)} events={["signal.created"]} list={rows([])} />),
      health: () => within(webhook(1), <HealthView health={loaded(health(true))} />),
      "health-empty": () => within(webhook(1), <HealthView health={loaded(health(false))} />),
      "health-unknown": () => within(webhook(1), <HealthView health={missing} />),
      "health-error": () => within(webhook(1), <HealthView health={broken} />),
      test: () => within(webhook(1), <TestView webhook={webhook(1)} types={loaded(types)} />),
      "test-delivered": () => within(webhook(1), <TestView webhook={webhook(1)} types={loaded(types)} result={tested(true)} />),
      "test-failed": () => within(webhook(1), <TestView webhook={webhook(1)} types={loaded(types)} result={tested(false)} />),
      settings: () => within(webhook(1), <SettingsTab webhook={webhook(1)} types={loaded(types)} onChanged={() => {}} />),
      disabled: () => within(webhook(2), <DeliveryLogView webhook={webhook(2)} events={[]} list={rowsLoading} />),
      recover: () => within(webhook(1), <Preview of={canned.recovery} loading={false} />),
      "recover-nothing": () => within(webhook(1), <Preview of={{ ...canned.recovery, matching: 0 }} loading={false} />),
      "recover-loading": () => within(webhook(1), <Preview of={undefined} loading />),
      recovering: () => within(webhook(1), <RecoveryProgress job={canned.job} />),
      pull: () => within(webhook(3), <ReadTab webhook={webhook(3)} />),
      hostile: () => within(webhook(1, { label: hostile, description: hostile }), <DeliveryLogView webhook={webhook(1)} events={[hostile]} list={rowsBroken} />),
      loading: () => <WebhookView webhook={loading}>{() => null}</WebhookView>,
      error: () => <WebhookView webhook={broken}>{() => null}</WebhookView>,
    },
  },
  {
    page: "delivery",
    states: {
      full: () => <DeliveryView webhook="wh_1" delivery={loaded(detail())} />,
      skipped: () => <DeliveryView webhook="wh_1" delivery={loaded(detail({ ...delivery(4), attempts: [], body: null }))} />,
      loading: () => <DeliveryView webhook="wh_1" delivery={loading} />,
      error: () => <DeliveryView webhook="wh_1" delivery={broken} />,
    },
  },
  {
    page: "icps",
    states: {
      full: () => <IcpsView kind="icp" list={rows(many(3, icp, icp(3, { code: hostile }), icp(4, { code: long })), true)} />,
      personas: () => <IcpsView kind="persona" list={rows(many(2, persona, persona(2, { code: hostile, icp_codes: [hostile, long] })))} />,
      empty: () => <IcpsView kind="icp" list={rows([])} />,
      "empty-personas": () => <IcpsView kind="persona" list={rows([])} />,
      loading: () => <IcpsView kind="icp" list={rowsLoading} />,
      error: () => <IcpsView kind="persona" list={rowsBroken} />,
    },
  },
  {
    page: "icp",
    states: {
      full: () => <IcpView kind="icp" asks={asks} profile={loaded(icp(0))} />,
      persona: () => <IcpView kind="persona" asks={asks} profile={loaded(persona(1, { code: hostile, icp_codes: ["Mid-market SaaS", long] }))} />,
      add: () => <AddView key="add" kind="icp" asks={asks} example={false} />,
      example: () => <AddView key="example" kind="persona" asks={asks} example />,
      fits: () => over("Mid-market SaaS", <TestedView of={account(0)} verdict={canned.verdict(true)} error={null} />),
      "fits-not": () => over("Mid-market SaaS", <TestedView of={account(1, { name: hostile })} verdict={canned.verdict(false)} error={null} />),
      untested: () => over("Mid-market SaaS", <TestedView of={account(0)} verdict={null} error={new ApiError(400, "validation_error", "Parameters[0].name must have 1 to 200 characters.", "parameters[0].name")} />),
      loading: () => <IcpView kind="icp" asks={asks} profile={loading} />,
      error: () => <IcpView kind="icp" asks={asks} profile={broken} />,
    },
  },
  {
    page: "logs",
    states: {
      full: () => <LogsView follows list={rows(many(18, log, log(19, { type: hostile, source: hostile, email: hostile }), log(20, { type: long })), true)} />,
      entry: () => over("Logs", <LogEntry of={log(2, { type: hostile, message: hostile })} onClose={() => {}} />),
      empty: () => <LogsView follows={false} list={rows([])} />,
      loading: () => <LogsView follows list={rowsLoading} />,
      error: () => <LogsView follows={false} list={rowsBroken} />,
    },
  },
  {
    page: "members",
    states: {
      full: () => <MembersView members={rows(many(4, member, member(4, { id: "mem_9", name: hostile }), member(5, { id: "mem_8", name: long })))} />,
      loading: () => <MembersView members={rowsLoading} />,
      error: () => <MembersView members={rowsBroken} />,
      invited: () => over("Members", <Handover to="grace@example.com" link={{ kind: "invite", url: "https://signalbox.example.com/link/lnk_4fJq0ZrT8mXyW2bLcPdK9sVhUeNaG71i", expires_at: canned.own(0).expires_at, mailed: false }} onClose={() => {}} />),
    },
  },
  {
    page: "audit-log",
    states: {
      full: () => <AuditLogView list={rows(many(16, audit, audit(17, { subject: { type: "webhook", id: "wh_1", name: hostile } })), true)} members={many(4, member)} />,
      entry: () => over("Audit log", <AuditEntry of={audit(2)} onClose={() => {}} />),
      empty: () => <AuditLogView list={rows([])} members={[]} />,
      loading: () => <AuditLogView list={rowsLoading} members={[]} />,
      error: () => <AuditLogView list={rowsBroken} members={[]} />,
    },
  },
  {
    page: "signal-intelligence",
    states: {
      full: () => <SignalIntelligenceView scoring={loaded(canned.scoring())} />,
      shipped: () => <SignalIntelligenceView scoring={loaded(canned.scoring({ rules: [], revision: 0, half_life: "never" }))} />,
      hostile: () => <SignalIntelligenceView scoring={loaded(canned.scoring({ revision: 4, types: { [hostile]: { points: 5, half_life: null, cap: null, shipped: null }, [long]: { points: -250000, half_life: "3650d", cap: 0.125, shipped: null } }, rules: [{ name: hostile, type: hostile, when: hostile, points: 1 }], stages: { account: [{ name: hostile, min: 0 }], contact: [{ name: long, min: 0 }] } }))} />,
      "half-life": () => <SignalIntelligenceView scoring={loaded(canned.scoring({ revision: 5, half_life: "36h", rules: [], job_id: null }))} />,
      conflict: () => over("Signal Intelligence", <Changed keep={() => {}} drop={() => {}} />),
      preview: () => over("Signal Intelligence", <PreviewDialog of={canned.preview} onClose={() => {}} />),
      "preview-nobody": () => over("Signal Intelligence", <PreviewDialog of={{ ...canned.preview, complete: true, accounts: canned.nobody, contacts: canned.nobody }} onClose={() => {}} />),
      recompute: () => over("Signal Intelligence", <RecomputeDialog unsaved onClose={() => {}} onBegun={() => {}} />),
      working: () => over("Signal Intelligence", <RescoringView job={{ ...canned.job, kind: "rescore", subject: null, matching: 0 }} />),
      worked: () => over("Signal Intelligence", <RescoringView job={{ ...canned.job, kind: "rescore", subject: null, status: "done", ended_at: canned.job.updated_at }} />),
      failed: () => over("Signal Intelligence", <RescoringView job={{ ...canned.job, kind: "rescore", subject: null, status: "failed", error: hostile, ended_at: canned.job.updated_at }} />),
      loading: () => <SignalIntelligenceView scoring={loading} />,
      error: () => <SignalIntelligenceView scoring={broken} />,
    },
  },
  {
    page: "account-matching",
    states: {
      full: () => <AccountMatchingView settings={loaded(workspace)} />,
      loading: () => <AccountMatchingView settings={loading} />,
      error: () => <AccountMatchingView settings={broken} />,
    },
  },
  {
    page: "workspace",
    states: {
      full: () => <WorkspaceView settings={loaded(workspace)} />,
      conflict: () => over("Workspace", <Conflict base={workspace} theirs={{ ...workspace, name: hostile, timezone: "UTC" }} mine={["name"]} keep={() => {}} drop={() => {}} />),
      loading: () => <WorkspaceView settings={loading} />,
      error: () => <WorkspaceView settings={broken} />,
    },
  },
  {
    page: "profile",
    states: {
      full: () => <ProfileView sessions={rows(many(3, own))} />,
      loading: () => <ProfileView sessions={rowsLoading} />,
      error: () => <ProfileView sessions={rowsBroken} />,
    },
  },
];
