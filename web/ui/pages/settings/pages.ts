// The pages under Settings, in the order of the navigation.

import type { ComponentType } from "preact";
import type { Page } from "../../page";
import { lazy } from "../lazy";
import type * as All from "./all";
import type * as Icps from "./icppages";
import type * as Hooks from "./webhookpages";

/** from takes one page of those that are fetched together. */
const from = (name: keyof typeof All) => lazy(() => import("./all").then((all) => all[name] as ComponentType<object>));
const fromHooks = (name: keyof typeof Hooks) => lazy(() => import("./webhookpages").then((all) => all[name] as ComponentType<object>));

const fromIcps = (name: keyof typeof Icps) => lazy(() => import("./icppages").then((all) => all[name] as ComponentType<object>));

const webhooks = "/settings/webhooks";

export const settings: Page[] = [
  { path: "/settings/api-keys", title: "API Keys", view: from("ApiKeys"), need: "admin", nav: { group: "Settings", icon: "key", key: "k" } },
  { path: webhooks, title: "Webhooks", view: fromHooks("Webhooks"), nav: { group: "Settings", icon: "webhook", key: "w" } },
  { path: webhooks + "/new", title: "Add Endpoint", view: fromHooks("AddEndpoint"), need: "admin" },
  { path: webhooks + "/:id", title: "Webhook", view: fromHooks("WebhookPage") },
  { path: webhooks + "/:id/deliveries/:delivery", title: "Delivery", view: fromHooks("Delivery") },
  { path: "/settings/configurations", title: "Configurations", view: fromHooks("Configurations"), nav: { group: "Settings", icon: "link" } },
  { path: "/settings/signal-intelligence", title: "Signal Intelligence", view: from("SignalIntelligence"), nav: { group: "Settings", icon: "decay", key: "i" } },
  { path: "/settings/icps", title: "ICPs", view: fromIcps("Icps"), nav: { group: "Settings", icon: "target" } },
  { path: "/settings/icps/new", title: "Add ICP", view: fromIcps("AddIcp"), need: "write" },
  { path: "/settings/icps/personas/new", title: "Add persona", view: fromIcps("AddPersona"), need: "write" },
  { path: "/settings/icps/personas/:id", title: "Persona", view: fromIcps("PersonaPage") },
  { path: "/settings/icps/:id", title: "ICP", view: fromIcps("IcpPage") },
  { path: "/settings/account-matching", title: "Account Matching", view: from("AccountMatching"), nav: { group: "Settings", icon: "merge" } },
  { path: "/settings/logs", title: "Logs", view: from("Logs"), nav: { group: "Settings", icon: "logs", key: "l" } },
  { path: "/settings/members", title: "Members", view: from("Members"), need: "admin", nav: { group: "Settings", icon: "members", key: "m" } },
  { path: "/settings/audit-log", title: "Audit log", view: from("AuditLog"), need: "admin", nav: { group: "Settings", icon: "audit" } },
  { path: "/settings/workspace", title: "Workspace", view: from("Workspace"), nav: { group: "Settings", icon: "workspace" } },
  { path: "/settings/profile", title: "Profile and sessions", view: from("Profile") },
  { path: "/settings/signal-qualification-webhook", title: "Signal qualification webhook", view: fromHooks("QualificationWebhook"), nav: { group: "API & Webhooks", icon: "webhook" } },
];
