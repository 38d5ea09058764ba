// The pages under Settings, in the order of the navigation.

import type { ComponentType } from "preact";
import type { Page } from "../../page";
import { lazy } from "../lazy";
import type * as All from "./all";

/** from takes one page of those that are fetched together. */
const from = (name: keyof typeof All) => lazy(() => import("./all").then((all) => all[name] as ComponentType<object>));

const webhooks = "/settings/webhooks";

export const settings: Page[] = [
  { path: "/settings/api-keys", title: "API Keys", view: from("ApiKeys"), need: "admin", nav: { group: "Settings", icon: "key", key: "k" } },
  { path: webhooks, title: "Webhooks", view: from("Webhooks"), nav: { group: "Settings", icon: "webhook", key: "w" } },
  { path: webhooks + "/new", title: "Add Endpoint", view: from("AddEndpoint"), need: "admin" },
  { path: webhooks + "/:id", title: "Webhook", view: from("WebhookPage") },
  { path: webhooks + "/:id/deliveries/:delivery", title: "Delivery", view: from("Delivery") },
  { path: "/settings/logs", title: "Logs", view: from("Logs"), nav: { group: "Settings", icon: "logs", key: "l" } },
  { path: "/settings/members", title: "Members", view: from("Members"), need: "admin", nav: { group: "Settings", icon: "members", key: "m" } },
  { path: "/settings/audit-log", title: "Audit log", view: from("AuditLog"), need: "admin", nav: { group: "Settings", icon: "audit" } },
  { path: "/settings/workspace", title: "Workspace", view: from("Workspace"), nav: { group: "Settings", icon: "workspace" } },
  { path: "/settings/profile", title: "Profile and sessions", view: from("Profile") },
];
