// The Node receiver of the document on webhooks (S1-29, S1-30): the header is bare hex, compared as bytes.
import crypto from "node:crypto";
import { receiver } from "./serve.mjs";

function verifyWebhookSignature(rawBody, signature, secret) {
  const expectedSignature = crypto.createHmac("sha256", secret).update(rawBody).digest("hex");
  return crypto.timingSafeEqual(Buffer.from(signature, "hex"), Buffer.from(expectedSignature, "hex"));
}

receiver("/webhooks/stairoids", (req) =>
  verifyWebhookSignature(req.body, req.headers["x-stairoids-signature"], process.env.STAIROIDS_WEBHOOK_SECRET),
);
