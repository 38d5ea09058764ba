// A receiver in Node with Express (npm install express): it believes nothing before the signature is verified.
//
//   STAIROIDS_WEBHOOK_SECRET=whsec_… node express.mjs          # listens on port 3000; PORT changes that
//   signalbox listen --forward-to http://localhost:3000/webhooks/stairoids
import { createHmac, timingSafeEqual } from "node:crypto";
import express from "express";

const secret = process.env.STAIROIDS_WEBHOOK_SECRET;
if (!secret) throw new Error("set STAIROIDS_WEBHOOK_SECRET to the signing secret of the webhook");

// verified says whether the signature is that of these very bytes. X-Stairoids-Signature is the hex HMAC-SHA256 of the raw
// body; a webhook with signature_format "prefixed" writes sha256= before it.
function verified(rawBody, header) {
  const given = Buffer.from((header ?? "").replace(/^sha256=/, ""), "hex");
  const expected = createHmac("sha256", secret).update(rawBody).digest();
  return given.length === expected.length && timingSafeEqual(given, expected);
}

// A delivery may come twice, with the same id. A real receiver keeps the ids where its work is kept.
const seen = new Set();

function handle(event) {
  if (seen.has(event.id)) return;
  seen.add(event.id);
  console.log(event.event, event.id, JSON.stringify(event.data));
}

const app = express();

// express.raw keeps the bytes as they came: JSON that was parsed and written again may have another signature.
app.post("/webhooks/stairoids", express.raw({ type: "application/json", limit: "2mb" }), (req, res) => {
  if (!Buffer.isBuffer(req.body) || !verified(req.body, req.get("X-Stairoids-Signature"))) {
    return res.status(401).send("Invalid signature");
  }
  const event = JSON.parse(req.body.toString("utf8"));
  res.status(200).send("OK"); // within 10 seconds, so answer first and work afterwards
  setImmediate(handle, event);
});

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.error(`listening on http://127.0.0.1:${server.address().port}/webhooks/stairoids`);
});
