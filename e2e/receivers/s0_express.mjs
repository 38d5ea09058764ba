// The Node receiver of the document on the custom API (S0-42…S0-45): the header is `sha256=` and hex, compared as ASCII.
import crypto from "node:crypto";
import { receiver } from "./serve.mjs";

function verifyStairoidsSignature(rawBody, receivedSignature, secret) {
  const expectedSignature = crypto.createHmac("sha256", secret).update(rawBody, "utf8").digest("hex");
  const trusted = Buffer.from(`sha256=${expectedSignature}`, "ascii");
  const received = Buffer.from(receivedSignature, "ascii");
  return crypto.timingSafeEqual(trusted, received);
}

receiver("/webhook/stairoids", (req) =>
  verifyStairoidsSignature(req.body, req.headers["x-stairoids-signature"], process.env.STAIROIDS_WEBHOOK_SECRET),
);
