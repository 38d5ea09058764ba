// The pages under Settings but for those of webhooks, fetched together when the first of them is shown.

export { ApiKeys } from "./keys";
export { AuditLog } from "./audit";
export { SignalIntelligence } from "./intelligence";
export { AccountMatching } from "./matching";
export { Logs } from "./logs";
export { Members } from "./members";
export { Profile } from "./profile";
export { Workspace } from "./workspace";
