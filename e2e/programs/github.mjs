// Sends every payload of @octokit/webhooks-examples as a signal and receives what that causes. It verifies each delivery as S1's
// receivers do, holds its bytes against JSON.stringify(JSON.parse(body)), and its properties against the payload that was sent. The
// findings are printed as one JSON object.
import crypto from "node:crypto";
import { createRequire } from "node:module";
import { isDeepStrictEqual } from "node:util";
import axios from "axios";
import express from "express";

const examples = createRequire(import.meta.url)("@octokit/webhooks-examples");
const payloads = examples.flatMap(({ name, examples }) => examples.map((payload) => ({ name, payload })));
const patience = 60_000;
const atOnce = 16;

const api = axios.create({
  baseURL: process.env.SIGNALBOX_URL,
  headers: { Authorization: `Bearer ${process.env.SIGNALBOX_API_KEY}` },
  validateStatus: () => true,
});
const report = { payloads: payloads.length, accepted: 0, delivered: 0, verified: 0, stable: 0, equal: 0, accounts: [], contacts: 0, emails: 0, problems: [] };
const arrived = new Map(); // signal id → { event, stable }
let secret;
let wake = () => {};

const app = express();
app.post("/webhooks/stairoids", express.raw({ type: "application/json", limit: "5mb" }), (req, res) => {
  const expected = crypto.createHmac("sha256", secret).update(req.body).digest();
  const signature = Buffer.from(req.headers["x-stairoids-signature"] ?? "", "hex");
  if (signature.length !== expected.length || !crypto.timingSafeEqual(signature, expected)) {
    report.problems.push(`a delivery does not verify: ${req.headers["webhook-id"]}`);
    return res.status(401).send("Invalid signature");
  }
  const text = req.body.toString("utf8");
  const event = JSON.parse(text);
  arrived.set(event.data.signal.id, { event, stable: text === JSON.stringify(event) });
  res.status(200).send("OK");
  wake();
});

// contactOf is the address that a payload has of whoever did it.
function contactOf(payload) {
  return [payload.sender?.email, payload.pusher?.email, payload.head_commit?.author?.email].find((email) => email);
}

// addressOf finds equal addresses equal.
const addressOf = (email) => email.toLowerCase();

async function send({ name, payload }) {
  const email = contactOf(payload);
  const signal = { type: name, source: "github", account: { domain: "github.com" }, properties: payload };
  if (email) signal.contact = { email };
  const { status, data } = await api.post("/v1/signals", signal);
  if (status !== 201) {
    report.problems.push(`${name} is answered ${status}: ${JSON.stringify(data)}`);
    return;
  }
  report.accepted++;
  if (!data.account_id) report.problems.push(`${name} has no account`);
  if (Boolean(data.contact_id) !== Boolean(email)) report.problems.push(`${name} with the address ${email} has the contact ${data.contact_id}`);
  return { id: data.id, name, payload, account: data.account_id, contact: data.contact_id, email };
}

// sendAll sends the payloads, a few at a time.
async function sendAll() {
  const rest = payloads.entries();
  const sent = [];
  const work = async () => {
    for (const [index, one] of rest) sent[index] = await send(one);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return sent.filter(Boolean);
}

// everyoneHere resolves once all signals have arrived, or when patience ends.
function everyoneHere(sent) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, patience);
    wake = () => {
      if (sent.every(({ id }) => arrived.has(id))) {
        clearTimeout(timer);
        resolve();
      }
    };
    wake();
  });
}

function judge({ id, name, payload }) {
  const got = arrived.get(id);
  if (!got) {
    report.problems.push(`${name} (${id}) never arrived`);
    return;
  }
  report.delivered++;
  report.verified++; // what does not verify is not kept
  if (got.stable) report.stable++;
  else report.problems.push(`${name} (${id}) is not as JSON.stringify writes it`);
  const { type, source, properties } = got.event.data.signal;
  if (type === name && source === "github" && isDeepStrictEqual(properties, payload)) report.equal++;
  else report.problems.push(`${name} (${id}) is not what was sent`);
}

const server = app.listen(0, "127.0.0.1", async () => {
  const url = `http://127.0.0.1:${server.address().port}/webhooks/stairoids`;
  const made = await api.post("/v1/webhooks", { url, events: ["signal.created"] });
  if (made.status !== 201) throw new Error(`the webhook is answered ${made.status}: ${JSON.stringify(made.data)}`);
  secret = made.data.secret;
  const sent = await sendAll();
  await everyoneHere(sent);
  sent.forEach(judge);
  const distinct = (field, as = (x) => x) => [...new Set(sent.map((one) => one[field]).filter(Boolean).map(as))];
  report.accounts = distinct("account");
  report.contacts = distinct("contact").length;
  report.emails = distinct("email", addressOf).length;
  console.log(JSON.stringify(report));
  process.exit(0);
});
