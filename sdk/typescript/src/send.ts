import { randomUUID } from "node:crypto";
import { ApiError, NoAnswerError } from "./errors.js";

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
  error?: { code: string; message: string; param?: string };
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

const agent = "signalbox-typescript/0.1.0";
const firstWait = 0.2;
const longestWait = 10;

/** One call: the same bytes under the same key at every try. */
interface Call {
  url: string;
  headers: Headers;
  body: string;
  key: string;
}

/**
 * Sends a signal, or up to 2,500 as a list, and resolves when they are on stable storage. A broken connection, a 429 and a 5xx are tried again, which
 * is safe: every try carries the same idempotency key. Rejects with an ApiError or a NoAnswerError. A list resolves to a result for each signal, also
 * when some are rejected.
 */
export function send(signal: Signal, options?: SendOptions): Promise<Receipt>;
export function send(signals: readonly Signal[], options?: SendOptions): Promise<BatchResult[]>;
export async function send(signals: Signal | readonly Signal[], options: SendOptions = {}): Promise<Receipt | BatchResult[]> {
  const call = prepare(signals, options);
  const timeout = positive("timeout", options.timeout ?? 30);
  const retries = options.retries ?? 5;
  const ends = clock() + positive("deadline", options.deadline ?? 60);
  let results: BatchResult[] | undefined;
  for (let tried = 0; ; tried++) {
    let failure: ApiError | NoAnswerError | undefined;
    try {
      const answer = await once(call, Math.min(timeout, ends - clock()));
      if (!Array.isArray(signals)) return receipt(answer, call);
      results = merge(results, verdicts(answer, signals.length, call));
      if (!results.some((r) => r.status === "failed")) return results;
    } catch (err) {
      if (!(err instanceof ApiError || err instanceof NoAnswerError)) throw err;
      failure = err;
    }
    const wait = backoff(tried, failure instanceof ApiError ? failure.retryAfter : undefined);
    if (tried >= retries || (failure && !passes(failure)) || clock() + wait >= ends) {
      if (results) return results;
      throw failure;
    }
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
  }
}

/** How many seconds to wait after a try: what the server asked for, and by chance up to 0.2 s, doubled at each try, 10 s at most. */
export function backoff(tried: number, retryAfter = 0, chance = Math.random()): number {
  return retryAfter + chance * Math.min(longestWait, firstWait * 2 ** tried);
}

/** Whether a failure may pass by itself. A 409 idempotency_in_progress is our own earlier try, which the server still works on. */
function passes(failure: ApiError | NoAnswerError): boolean {
  if (failure instanceof NoAnswerError) return true;
  return failure.status === 429 || failure.status >= 500 || failure.code === "idempotency_in_progress";
}

function prepare(signals: Signal | readonly Signal[], options: SendOptions): Call {
  if (typeof signals !== "object" || signals === null) throw new TypeError("send takes a signal or a list of signals");
  const list = Array.isArray(signals);
  const { idempotency_key: own, ...rest } = signals as Signal;
  const base = options.url || process.env["SIGNALBOX_URL"] || "http://127.0.0.1:8080";
  const url = base.replace(/\/+$/, "") + (list ? "/v1/signals/batch" : "/v1/signals");
  if (!/^https?:$/.test(new URL(url).protocol)) throw new TypeError(`${base} is not the URL of a server, such as http://127.0.0.1:8080`);
  const apiKey = options.apiKey || process.env["SIGNALBOX_API_KEY"] || "";
  if (!/^[\x21-\x7e]+$/.test(apiKey)) throw new TypeError("send needs an API key: the option apiKey, or SIGNALBOX_API_KEY");
  const key = options.idempotencyKey || (!list && own) || randomUUID();
  const bytes = Buffer.from(key);
  if (/[\x00-\x1f\x7f]/.test(key) || bytes.length > 255) throw new TypeError("an idempotency key is at most 255 bytes, none of them a control character");
  const headers = new Headers({
    Authorization: `Bearer ${apiKey}`,
    "Content-Type": "application/json",
    "Idempotency-Key": bytes.toString("latin1"), // header text has a character for each byte
    "User-Agent": agent,
  });
  return { url, headers, body: JSON.stringify(list ? { signals } : rest), key };
}

/** One try. The answer is that of a 2xx; everything else is thrown. */
async function once(call: Call, seconds: number): Promise<{ body: unknown; headers: Headers; status: number }> {
  const request = new Request(call.url, {
    method: "POST",
    headers: call.headers,
    body: call.body,
    redirect: "manual", // the API never redirects: a key goes to no other place
    signal: AbortSignal.timeout(Math.max(1, Math.ceil(seconds * 1000))),
  });
  let response: Response;
  let text: string;
  try {
    response = await fetch(request);
    text = await response.text();
  } catch (err) {
    throw new NoAnswerError(`no whole answer came from ${call.url}: ${why(err)}`, call.key, err);
  }
  if (!response.ok) throw refusal(response, text, call.key);
  return { body: parse(text), headers: response.headers, status: response.status };
}

/** fetch says "fetch failed", and why in the cause. */
function why(err: unknown): string {
  const { message, cause } = err as { message?: string; cause?: { message?: string; code?: string } };
  return cause?.message || cause?.code || message || String(err);
}

function refusal(response: Response, text: string, idempotencyKey: string): ApiError {
  const error = (parse(text) as { error?: { code?: unknown; message?: unknown; param?: unknown; request_id?: unknown } } | null)?.error;
  const ours = typeof error?.code === "string" && error.code !== "";
  const line = text.trim().slice(0, 200).split("\n", 1)[0]?.trim();
  return new ApiError(ours ? String(error.message) : line || response.statusText || `status ${response.status}`, {
    status: response.status,
    code: ours ? String(error.code) : "",
    param: ours && error.param ? String(error.param) : undefined,
    requestId: (ours && error.request_id ? String(error.request_id) : response.headers.get("X-Request-Id")) ?? undefined,
    retryAfter: retryAfter(response.headers.get("Retry-After")),
    idempotencyKey,
  });
}

/** Reads Retry-After: seconds, or an HTTP date. */
function retryAfter(value: string | null): number | undefined {
  if (value !== null && /^[0-9]{1,10}$/.test(value)) return Number(value);
  if (value === null || !/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(value)) return undefined;
  const seconds = (Date.parse(value) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

type Answer = Awaited<ReturnType<typeof once>>;

function receipt(answer: Answer, call: Call): Receipt {
  const body = answer.body as Receipt | null;
  if (typeof body?.id !== "string") throw strange(answer, call);
  const ignored = answer.headers.get("X-Signalbox-Ignored");
  return { ...body, replayed: answer.headers.get("Idempotent-Replayed") === "true", ignored: ignored ? ignored.split(/,\s*/) : [] };
}

function verdicts(answer: Answer, count: number, call: Call): BatchResult[] {
  const results = (answer.body as { data?: { results?: BatchResult[] } } | null)?.data?.results;
  if (!Array.isArray(results) || results.length !== count) throw strange(answer, call);
  return results;
}

/** The list is sent whole again when some of it failed: what was stored before is a duplicate then, and keeps its first result. */
function merge(before: BatchResult[] | undefined, now: BatchResult[]): BatchResult[] {
  return now.map((result, i) => (before?.[i] && before[i].status !== "failed" ? before[i] : result));
}

function strange(answer: Answer, call: Call): ApiError {
  return new ApiError(`the answer of ${call.url} is not Signalbox's`, { status: answer.status, code: "", idempotencyKey: call.key });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function positive(name: string, seconds: number): number {
  if (!(seconds > 0 && seconds <= 86_400)) throw new RangeError(`${name} is a number of seconds, more than 0 and at most a day`);
  return seconds;
}

function clock(): number {
  return performance.now() / 1000;
}
