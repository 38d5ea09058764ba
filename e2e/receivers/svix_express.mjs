// A receiver that verifies with Svix's library, which takes the webhook-* headers as well as its own.
import { Webhook } from "svix";
import { receiver, refuses } from "./serve.mjs";

const webhook = new Webhook(process.env.STAIROIDS_WEBHOOK_SECRET);
receiver("/webhooks", refuses((req) => webhook.verify(req.body, req.headers)));
