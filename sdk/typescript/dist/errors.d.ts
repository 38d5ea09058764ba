/** Every error of this package that is not a mistake in the call itself (those are TypeErrors and RangeErrors). */
export declare class SignalboxError extends Error {
}
/** What the server, or something before it, answered instead of taking the signals. */
export declare class ApiError extends SignalboxError {
    /** The HTTP status. */
    readonly status: number;
    /** One of the codes of docs/errors.md; programs decide by it. "" when something else than Signalbox answered. */
    readonly code: string;
    /** The field that it is about, dotted. */
    readonly param: string | undefined;
    /** Names the request in the server's log. */
    readonly requestId: string | undefined;
    /** How many seconds the server asked to wait. */
    readonly retryAfter: number | undefined;
    /** The key that was sent: send the same signals with it again, and they are stored once. */
    readonly idempotencyKey: string;
    constructor(message: string, about: {
        status: number;
        code: string;
        param?: string | undefined;
        requestId?: string | undefined;
        retryAfter?: number | undefined;
        idempotencyKey: string;
    });
}
/** No whole answer came: the signals may have been stored or not. `cause` says why. */
export declare class NoAnswerError extends SignalboxError {
    /** The key that was sent: send the same signals with it again, and they are stored once. */
    readonly idempotencyKey: string;
    constructor(message: string, idempotencyKey: string, cause: unknown);
}
/** Why a request is refused. */
export type Reason = "missing" | "malformed" | "too_old" | "too_new" | "mismatch" | "no_secret";
/** The request is not believed. The message never says what the right signature would be. */
export declare class VerificationError extends SignalboxError {
    readonly reason: Reason;
    constructor(reason: Reason, message: string);
}
