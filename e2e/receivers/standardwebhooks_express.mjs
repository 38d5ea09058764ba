// A receiver that verifies with the official library of Standard Webhooks.
import { Webhook } from "standardwebhooks";
import { receiver, refuses } from "./serve.mjs";

const webhook = new Webhook(process.env.STAIROIDS_WEBHOOK_SECRET);
receiver("/webhooks", refuses((req) => webhook.verify(req.body, req.headers)));
