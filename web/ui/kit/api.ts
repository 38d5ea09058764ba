// The client of our own API. What a caller gets is data or an ApiError with words for people; nothing else is thrown.

/** Why a call gave nothing: the API's own words, or ours where it could not be asked. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** The field that it is about, dotted; "" for none. */
    readonly param = "",
    readonly requestId = "",
  ) {
    super(message);
  }
}

/** One page of a list. */
export type Page<T> = { rows: T[]; next: string; total: number | null };

type Envelope = { data?: unknown; meta?: { next_cursor?: string | null; total?: number }; error?: { code: string; message: string; param?: string; request_id?: string } };

let signedOut: () => void = () => {};

/** onSignedOut sets what happens when a call is refused because nobody is signed in any more. */
export function onSignedOut(f: () => void): void {
  signedOut = f;
}

const manyDigits = /^-?\d{16,}$|^-?\d*\.\d{16,}$/;
const rawJSON = (JSON as unknown as { rawJSON?: (text: string) => unknown }).rawJSON;

/** parse reads JSON and keeps every digit of numbers that a double would round: they stringify as they came. */
export function parse(text: string): unknown {
  const reviver = (_: string, v: unknown, context?: { source?: string }) =>
    typeof v === "number" && rawJSON && context?.source && manyDigits.test(context.source) && String(v) !== context.source ? rawJSON(context.source) : v;
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}

async function send(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Envelope & Record<string, unknown>> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method,
      signal,
      credentials: "same-origin",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    text = await response.text();
  } catch (e) {
    if (e instanceof DOMException && e.name === "AbortError") throw new ApiError(0, "aborted", "The question was withdrawn.");
    throw new ApiError(0, "unreachable", "The server does not answer. Look whether it runs and is reachable from here, then try again.");
  }
  let answer: Envelope = {};
  if (text !== "") {
    try {
      answer = parse(text) as Envelope;
    } catch {
      throw new ApiError(response.status, "no_json", `Something on the way answered ${response.status} instead of Signalbox. Look at the proxy between here and the server.`);
    }
  }
  if (!response.ok) {
    const e = answer.error;
    if (response.status === 401) signedOut();
    throw new ApiError(response.status, e?.code ?? "unknown", sentence(e?.message ?? `The server answered ${response.status}.`), e?.param ?? "", e?.request_id ?? "");
  }
  return answer as Envelope & Record<string, unknown>;
}

/** sentence makes the API's lower-case line one that can stand alone. */
function sentence(s: string): string {
  const first = s.charAt(0).toUpperCase() + s.slice(1);
  return /[.!?]$/.test(first) ? first : first + ".";
}

/** query writes the parameters that say something. */
export function query(params: Record<string, string | number | boolean | null | undefined>): string {
  const q = new URLSearchParams();
  for (const [name, v] of Object.entries(params)) {
    if (v !== "" && v !== null && v !== undefined && v !== false) q.set(name, String(v));
  }
  const text = q.toString();
  return text === "" ? "" : "?" + text;
}

export const api = {
  /** get returns the data of an answer. */
  get: async <T>(path: string, signal?: AbortSignal): Promise<T> => (await send("GET", path, undefined, signal)).data as T,
  /** list returns a page of rows. */
  list: async <T>(path: string, signal?: AbortSignal): Promise<Page<T>> => {
    const a = await send("GET", path, undefined, signal);
    return { rows: (a.data ?? []) as T[], next: a.meta?.next_cursor ?? "", total: a.meta?.total ?? null };
  },
  /** all reads every page of a list that is short. */
  all: async <T>(path: string, signal?: AbortSignal): Promise<T[]> => {
    const rows: T[] = [];
    for (let cursor = ""; ; ) {
      const page = await api.list<T>(path + (path.includes("?") ? "&" : "?") + "limit=200" + (cursor === "" ? "" : "&cursor=" + encodeURIComponent(cursor)), signal);
      rows.push(...page.rows);
      if (page.next === "" || page.next === cursor) return rows;
      cursor = page.next;
    }
  },
  post: async <T>(path: string, body: unknown = {}): Promise<T> => (await send("POST", path, body)).data as T,
  patch: async <T>(path: string, body: unknown): Promise<T> => (await send("PATCH", path, body)).data as T,
  put: async <T>(path: string, body: unknown): Promise<T> => (await send("PUT", path, body)).data as T,
  del: async <T>(path: string): Promise<T> => (await send("DELETE", path)).data as T,
  /** bare returns the whole answer, for the few that have no "data". */
  bare: async <T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> => (await send(method, path, body, signal)) as T,
};
