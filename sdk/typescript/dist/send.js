import { randomUUID } from "node:crypto";
import { ApiError, NoAnswerError } from "./errors.js";
const agent = "signalbox-typescript/0.1.0";
const firstWait = 0.2;
const longestWait = 10;
export async function send(signals, options = {}) {
    const call = prepare(signals, options);
    const timeout = positive("timeout", options.timeout ?? 30);
    const retries = options.retries ?? 5;
    const ends = clock() + positive("deadline", options.deadline ?? 60);
    let results;
    for (let tried = 0;; tried++) {
        let failure;
        try {
            const answer = await once(call, Math.min(timeout, ends - clock()));
            if (!Array.isArray(signals))
                return receipt(answer, call);
            results = merge(results, verdicts(answer, signals.length, call));
            if (!results.some((r) => r.status === "failed"))
                return results;
        }
        catch (err) {
            if (!(err instanceof ApiError || err instanceof NoAnswerError))
                throw err;
            failure = err;
        }
        const wait = backoff(tried, failure instanceof ApiError ? failure.retryAfter : undefined);
        if (tried >= retries || (failure && !passes(failure)) || clock() + wait >= ends) {
            if (results)
                return results;
            throw failure;
        }
        await new Promise((resolve) => setTimeout(resolve, wait * 1000));
    }
}
/** How many seconds to wait after a try: what the server asked for, and by chance up to 0.2 s, doubled at each try, 10 s at most. */
export function backoff(tried, retryAfter = 0, chance = Math.random()) {
    return retryAfter + chance * Math.min(longestWait, firstWait * 2 ** tried);
}
/** Whether a failure may pass by itself. A 409 idempotency_in_progress is our own earlier try, which the server still works on. */
function passes(failure) {
    if (failure instanceof NoAnswerError)
        return true;
    return failure.status === 429 || failure.status >= 500 || failure.code === "idempotency_in_progress";
}
function prepare(signals, options) {
    if (typeof signals !== "object" || signals === null)
        throw new TypeError("send takes a signal or a list of signals");
    const list = Array.isArray(signals);
    const { idempotency_key: own, ...rest } = signals;
    const base = options.url || process.env["SIGNALBOX_URL"] || "http://127.0.0.1:8080";
    const url = base.replace(/\/+$/, "") + (list ? "/v1/signals/batch" : "/v1/signals");
    if (!/^https?:$/.test(new URL(url).protocol))
        throw new TypeError(`${base} is not the URL of a server, such as http://127.0.0.1:8080`);
    const apiKey = options.apiKey || process.env["SIGNALBOX_API_KEY"] || "";
    if (!/^[\x21-\x7e]+$/.test(apiKey))
        throw new TypeError("send needs an API key: the option apiKey, or SIGNALBOX_API_KEY");
    const key = options.idempotencyKey || (!list && own) || randomUUID();
    const bytes = Buffer.from(key);
    if (/[\x00-\x1f\x7f]/.test(key) || bytes.length > 255)
        throw new TypeError("an idempotency key is at most 255 bytes, none of them a control character");
    const headers = new Headers({
        Authorization: `Bearer ${apiKey}`,
        "Content-Type": "application/json",
        "Idempotency-Key": bytes.toString("latin1"), // header text has a character for each byte
        "User-Agent": agent,
    });
    return { url, headers, body: JSON.stringify(list ? { signals } : rest), key };
}
/** One try. The answer is that of a 2xx; everything else is thrown. */
async function once(call, seconds) {
    const request = new Request(call.url, {
        method: "POST",
        headers: call.headers,
        body: call.body,
        redirect: "manual", // the API never redirects: a key goes to no other place
        signal: AbortSignal.timeout(Math.max(1, Math.ceil(seconds * 1000))),
    });
    let response;
    let text;
    try {
        response = await fetch(request);
        text = await response.text();
    }
    catch (err) {
        throw new NoAnswerError(`no whole answer came from ${call.url}: ${why(err)}`, call.key, err);
    }
    if (!response.ok)
        throw refusal(response, text, call.key);
    return { body: parse(text), headers: response.headers, status: response.status };
}
/** fetch says "fetch failed", and why in the cause. */
function why(err) {
    const { message, cause } = err;
    return cause?.message || cause?.code || message || String(err);
}
function refusal(response, text, idempotencyKey) {
    const error = parse(text)?.error;
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
function retryAfter(value) {
    if (value !== null && /^[0-9]{1,10}$/.test(value))
        return Number(value);
    if (value === null || !/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(value))
        return undefined;
    const seconds = (Date.parse(value) - Date.now()) / 1000;
    return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}
function receipt(answer, call) {
    const body = answer.body;
    if (typeof body?.id !== "string")
        throw strange(answer, call);
    const ignored = answer.headers.get("X-Signalbox-Ignored");
    return { ...body, replayed: answer.headers.get("Idempotent-Replayed") === "true", ignored: ignored ? ignored.split(/,\s*/) : [] };
}
function verdicts(answer, count, call) {
    const results = answer.body?.data?.results;
    if (!Array.isArray(results) || results.length !== count)
        throw strange(answer, call);
    return results;
}
/** The list is sent whole again when some of it failed: what was stored before is a duplicate then, and keeps its first result. */
function merge(before, now) {
    return now.map((result, i) => (before?.[i] && before[i].status !== "failed" ? before[i] : result));
}
function strange(answer, call) {
    return new ApiError(`the answer of ${call.url} is not Signalbox's`, { status: answer.status, code: "", idempotencyKey: call.key });
}
function parse(text) {
    try {
        return JSON.parse(text);
    }
    catch {
        return null;
    }
}
function positive(name, seconds) {
    if (!(seconds > 0 && seconds <= 86_400))
        throw new RangeError(`${name} is a number of seconds, more than 0 and at most a day`);
    return seconds;
}
function clock() {
    return performance.now() / 1000;
}
