export { ApiError, NoAnswerError, SignalboxError, VerificationError, type Reason } from "./errors.js";
export { send, type Account, type BatchResult, type Contact, type Receipt, type SendOptions, type Signal } from "./send.js";
export { verify, type Body, type HeaderBag, type Scheme, type VerifyOptions } from "./verify.js";
