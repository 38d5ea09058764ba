// The pages of leads and audiences, fetched together when the first of them is shown.

export { Leads } from "../leads";
export { AudiencePage } from "./audience";
export { Audiences } from "./audiences";
export { EditAudience, NewAudience } from "./form";
