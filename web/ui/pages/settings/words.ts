// What the API's codes of webhooks and deliveries mean, in words for people.

import type { Webhook } from "../../api-types";

/** nameOf is what people call a webhook. */
export const nameOf = (w: Webhook): string => (w.label ?? w.url ?? "Pull webhook").trim();

const disabled: Record<string, string> = {
  manual: "Somebody disabled it.",
  gone_410: "Its receiver answered 410 Gone: it wants nothing more.",
  failing_5_days: "Nothing could be delivered to it for five days.",
};

/** whyDisabled says why a webhook is sent nothing. */
export const whyDisabled = (reason: string | null): string => disabled[reason ?? ""] ?? (reason ? `The reason is ${reason.replaceAll("_", " ")}.` : "");

const reasons: Record<string, string> = {
  pull: "It waits to be read.",
  read: "Its reader has it.",
  webhook_disabled: "The webhook was disabled when the event happened.",
  webhook_deleted: "The webhook was deleted before it was sent.",
  erased: "The record that it was about has been erased.",
  expired: "Its event was past retention before it could be sent.",
  restored: "A backup was restored, and this was held back.",
  manual_retry: "Somebody asked for it to be sent now.",
  recovered: "A recovery sends it again.",
  refused_target: "The address is not one that Signalbox sends to.",
  dns: "The host's name was not found.",
  connect: "No connection came about.",
  tls: "The receiver's certificate was not accepted.",
  timeout: "The receiver took longer than 10 seconds.",
  connection_lost: "The connection broke before there was an answer.",
  protocol_error: "What came back was not HTTP.",
  unprepared: "What is stored of the webhook does not make a request.",
  cut: "Our own stop cut the test short.",
};

/** whyDelivery says why a delivery stands as it does; "" for no reason worth a line. */
export function whyDelivery(reason: string | null | undefined): string {
  if (!reason) return "";
  const status = /^http_(\d{3})$/.exec(reason);
  if (status) return `The receiver answered ${status[1]}.`;
  return reasons[reason] ?? reason.replaceAll("_", " ");
}

/** curl writes a request as a command for a shell; every word is quoted so that nothing in it runs. */
export function curl(method: string, url: string, headers: Record<string, string>, body: string): string {
  const quote = (s: string) => "'" + s.replaceAll("'", `'\\''`) + "'";
  const lines = [`curl -X ${method} ${quote(url)}`, ...Object.entries(headers).map(([name, v]) => `-H ${quote(name + ": " + v)}`)];
  if (body !== "") lines.push("--data-raw " + quote(body));
  return lines.join(" \\\n  ");
}

/** bodyText indents a body that is JSON, and keeps every byte of one that is not. */
export function bodyText(body: string, parse: (text: string) => unknown): string {
  try {
    return JSON.stringify(parse(body), null, 2);
  } catch {
    return body;
  }
}
