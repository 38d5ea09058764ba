// The pages of signal types, fetched together when the first of them is shown.

export { TypePage } from "./detail";
export { EditType, NewType } from "./form";
export { Types } from "./list";
