/** Every error of this package that is not a mistake in the call itself (those are TypeErrors and RangeErrors). */
export class SignalboxError extends Error {
}
/** What the server, or something before it, answered instead of taking the signals. */
export class ApiError extends SignalboxError {
    /** The HTTP status. */
    status;
    /** One of the codes of docs/errors.md; programs decide by it. "" when something else than Signalbox answered. */
    code;
    /** The field that it is about, dotted. */
    param;
    /** Names the request in the server's log. */
    requestId;
    /** How many seconds the server asked to wait. */
    retryAfter;
    /** The key that was sent: send the same signals with it again, and they are stored once. */
    idempotencyKey;
    constructor(message, about) {
        super(message);
        this.name = "ApiError";
        this.status = about.status;
        this.code = about.code;
        this.param = about.param;
        this.requestId = about.requestId;
        this.retryAfter = about.retryAfter;
        this.idempotencyKey = about.idempotencyKey;
    }
}
/** No whole answer came: the signals may have been stored or not. `cause` says why. */
export class NoAnswerError extends SignalboxError {
    /** The key that was sent: send the same signals with it again, and they are stored once. */
    idempotencyKey;
    constructor(message, idempotencyKey, cause) {
        super(message, { cause });
        this.name = "NoAnswerError";
        this.idempotencyKey = idempotencyKey;
    }
}
/** The request is not believed. The message never says what the right signature would be. */
export class VerificationError extends SignalboxError {
    reason;
    constructor(reason, message) {
        super(message);
        this.name = "VerificationError";
        this.reason = reason;
    }
}
