// The Node receiver of the document on StackOne's webhooks (S4-30…S4-35): the body is parsed before anything else, so what is signed must be what
// JSON.stringify prints of it. The line that makes the digest is lost in the document; its sample header is base64url without padding (S4-31).
import { createHmac } from "node:crypto";
import express from "express";
import { receiver } from "./serve.mjs";

function isSignatureValid(signature, payload, signingSecret) {
  const hash = createHmac("sha256", signingSecret).update(JSON.stringify(payload)).digest("base64url");
  return hash === signature;
}

receiver(
  "/integrations/webhook/accounts",
  (req) => isSignatureValid(req.headers["x-stackone-signature"], req.body, process.env.STAIROIDS_WEBHOOK_SECRET),
  express.json({ limit: "5mb" }),
);
