/** Every error of this package that is not a mistake in the call itself (those are TypeErrors and RangeErrors). */
export class SignalboxError extends Error {}

/** What the server, or something before it, answered instead of taking the signals. */
export class ApiError extends SignalboxError {
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

  constructor(
    message: string,
    about: { status: number; code: string; param?: string | undefined; requestId?: string | undefined; retryAfter?: number | undefined; idempotencyKey: string },
  ) {
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
  readonly idempotencyKey: string;

  constructor(message: string, idempotencyKey: string, cause: unknown) {
    super(message, { cause });
    this.name = "NoAnswerError";
    this.idempotencyKey = idempotencyKey;
  }
}

/** Why a request is refused. */
export type Reason = "missing" | "malformed" | "too_old" | "too_new" | "mismatch" | "no_secret";

/** The request is not believed. The message never says what the right signature would be. */
export class VerificationError extends SignalboxError {
  readonly reason: Reason;

  constructor(reason: Reason, message: string) {
    super(message);
    this.name = "VerificationError";
    this.reason = reason;
  }
}
