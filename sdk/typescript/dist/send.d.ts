/** One thing that happened. */
export interface Signal {
    /** What happened, in your words. */
    type: string;
    /** Who tells. */
    source: string;
    account?: Account | null;
    contact?: Contact | null;
    /** Anything else. */
    properties?: Record<string, unknown>;
    /** When it happened; now unless given. */
    occurred_at?: string | Date | null;
    /** True for history: it counts for scores and never triggers anything. */
    backfill?: boolean | null;
    /** Names this signal: sent twice in seven days it is stored once. */
    idempotency_key?: string | null;
}
/** The company that a signal is about. */
export interface Account {
    domain?: string | null;
    name?: string | null;
    attributes?: Record<string, unknown>;
}
/** The person that a signal is about. */
export interface Contact {
    email?: string | null;
    first_name?: string | null;
    last_name?: string | null;
    title?: string | null;
    linkedin_url?: string | null;
    attributes?: Record<string, unknown>;
}
/** The answer to a signal: it is on stable storage, with all that it causes. */
export interface Receipt {
    id: string;
    type: string;
    source: string;
    status: string;
    account_id: string | null;
    contact_id: string | null;
    created_at: string;
    /** True: an earlier request with the same key stored it. */
    replayed: boolean;
    /** Fields of the signal that the server does not know. */
    ignored: string[];
}
/** What became of one signal of a list. */
export interface BatchResult {
    index: number;
    /** rejected: it cannot be taken as it is; failed: send it again; duplicate: it was stored before, under the same key. */
    status: "created" | "duplicate" | "rejected" | "failed";
    id?: string;
    account_id?: string;
    contact_id?: string;
    error?: {
        code: string;
        message: string;
        param?: string;
    };
}
/** How to send. All times are in seconds. */
export interface SendOptions {
    /** The server; the environment's SIGNALBOX_URL unless given, else http://127.0.0.1:8080. */
    url?: string | undefined;
    /** The environment's SIGNALBOX_API_KEY unless given. */
    apiKey?: string | undefined;
    /** Names this call; made up unless given. Signal i of a list has the key `<key>/i` unless it has its own. */
    idempotencyKey?: string | undefined;
    /** How long all tries together may take; 60. */
    deadline?: number;
    /** How long one try may take; 30. */
    timeout?: number;
    /** How often to try again; 5. */
    retries?: number;
}
/**
 * Sends a signal, or up to 2,500 as a list, and resolves when they are on stable storage. A broken connection, a 429 and a 5xx are tried again, which
 * is safe: every try carries the same idempotency key. Rejects with an ApiError or a NoAnswerError. A list resolves to a result for each signal, also
 * when some are rejected.
 */
export declare function send(signal: Signal, options?: SendOptions): Promise<Receipt>;
export declare function send(signals: readonly Signal[], options?: SendOptions): Promise<BatchResult[]>;
/** How many seconds to wait after a try: what the server asked for, and by chance up to 0.2 s, doubled at each try, 10 s at most. */
export declare function backoff(tried: number, retryAfter?: number, chance?: number): number;
