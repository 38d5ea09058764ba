// The pages of webhooks, fetched together when the first of them is shown.

export { Configurations } from "./configurations";
export { Delivery } from "./delivery";
export { QualificationWebhook } from "./qualification";
export { WebhookPage } from "./webhook";
export { AddEndpoint } from "./webhooknew";
export { Webhooks } from "./webhooks";
