// A receiver of Staircase's notifications (S2-15): a hash in x-staircase-signature proves where they come from. Which hash the document leaves open: an
// HMAC of the body, or of the secret alone (C28). It takes the one that it is told to.
import crypto from "node:crypto";
import { receiver } from "./serve.mjs";

const secret = process.env.STAIROIDS_WEBHOOK_SECRET;
const hashOf = {
  "/staircase": (body) => crypto.createHmac("sha256", secret).update(body).digest("hex"),
  "/staircase/hashed": () => crypto.createHash("sha256").update(secret).digest("hex"),
};

receiver("/staircase{/:kind}", (req) => {
  const want = Buffer.from(hashOf[req.path](req.body));
  const got = Buffer.from(req.headers["x-staircase-signature"] ?? "");
  return got.length === want.length && crypto.timingSafeEqual(got, want);
});
