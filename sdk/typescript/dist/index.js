// Package signalbox sends signals to a Signalbox server and verifies the webhooks that it sends. It needs Node.js 18 or newer and nothing else.
export { ApiError, NoAnswerError, SignalboxError, VerificationError } from "./errors.js";
export { send } from "./send.js";
export { verify } from "./verify.js";
