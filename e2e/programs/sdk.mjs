// Drives the TypeScript SDK: a command in JSON on each line of standard input, its answer on standard output.
import { createInterface } from "node:readline";
import { ApiError, NoAnswerError, VerificationError, send, verify } from "../../sdk/typescript/dist/index.js";
import { backoff } from "../../sdk/typescript/dist/send.js";

const operations = {
  verify({ headers, body, secrets, scheme, now }) {
    try {
      verify(headers, Buffer.from(body, "base64"), secrets, { scheme, now: new Date(now * 1000) });
      return { reason: "" };
    } catch (err) {
      return { reason: err instanceof VerificationError ? err.reason : `${err}` };
    }
  },

  async send({ signals, options }) {
    try {
      const { url, api_key: apiKey, idempotency_key: idempotencyKey, ...rest } = options;
      return { result: await send(signals, { url, apiKey, idempotencyKey, ...rest }) };
    } catch (err) {
      if (!(err instanceof ApiError || err instanceof NoAnswerError)) return { error: { kind: err.name, message: err.message } };
      const { status, code, param, requestId, retryAfter, idempotencyKey } = err;
      return { error: { kind: err.name, message: err.message, status, code, param, request_id: requestId, retry_after: retryAfter, idempotency_key: idempotencyKey } };
    }
  },

  wait: ({ tried, retry_after, chance }) => ({ seconds: backoff(tried, retry_after, chance) }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  console.log(JSON.stringify(await operations[command.op](command)));
}
