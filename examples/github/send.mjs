// Sends every payload of a @octokit/webhooks-examples index as a signal: the event's name is the type, the whole payload
// is the properties. Whoever pushed or acted is the contact when the payload has an e-mail; else it is about github.com.
//
//   SIGNALBOX_API_KEY=sk_live_… node send.mjs path/to/index.json
import { readFile } from "node:fs/promises";

const url = (process.env.SIGNALBOX_URL ?? "http://127.0.0.1:8080").replace(/\/+$/, "");
const key = process.env.SIGNALBOX_API_KEY;
const atOnce = 8;
const tries = 5;

function toSignal(event, payload) {
  const email = payload.sender?.email ?? payload.pusher?.email;
  const about = email ? { contact: { email } } : { account: { domain: "github.com" } };
  return { type: event, source: "github", ...about, properties: payload };
}

// send posts one signal. The idempotency key makes it safe to send again when the answer got lost or the server was busy.
async function send({ name, signal }) {
  for (let attempt = 1; ; attempt++) {
    let problem;
    try {
      const answer = await fetch(`${url}/v1/signals`, {
        method: "POST",
        headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", "Idempotency-Key": name },
        body: JSON.stringify(signal),
      });
      if (answer.status === 201) return;
      problem = `${answer.status} ${await answer.text()}`;
      if (answer.status !== 429 && answer.status !== 503) throw Object.assign(new Error(problem), { final: true });
      await pause(Number(answer.headers.get("Retry-After") ?? 1));
    } catch (error) {
      if (error.final || attempt === tries) throw new Error(`${name}: ${error.cause?.message ?? error.message}`);
      await pause(attempt);
    }
    if (attempt === tries) throw new Error(`${name}: ${problem}`);
  }
}

const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

const events = JSON.parse(await readFile(process.argv[2], "utf8"));
const queue = events.flatMap(({ name, examples }) =>
  examples.map((payload, i) => ({ name: `github-example/${name}/${i}`, signal: toSignal(name, payload) })),
);

let sent = 0;
const failures = [];
const waiting = queue.values();
async function work() {
  for (const item of waiting) {
    try {
      await send(item);
      sent++;
    } catch (error) {
      failures.push(error.message);
    }
  }
}
await Promise.all(Array.from({ length: atOnce }, work));

for (const failure of failures) console.error(failure);
console.log(`${sent} of ${queue.length} payloads sent to ${url}`);
process.exitCode = failures.length ? 1 : 0;
