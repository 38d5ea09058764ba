// The pages under Settings, fetched together when the first of them is shown.

export { ApiKeys } from "./keys";
export { AuditLog } from "./audit";
export { Delivery } from "./delivery";
export { Logs } from "./logs";
export { Members } from "./members";
export { Profile } from "./profile";
export { Webhooks } from "./webhooks";
export { AddEndpoint } from "./webhooknew";
export { WebhookPage } from "./webhook";
export { Workspace } from "./workspace";
