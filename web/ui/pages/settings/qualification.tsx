// Settings → API & Webhooks → Signal qualification webhook (S3-31, S3-32). What is shown here are the webhooks that take signal.qualified, also by a wider choice.

import type { Webhook } from "../../api-types";
import { can, EmptyState, LinkButton, Note, PageHead, type Page, type Paged, PagedTable, Status, Time, usePages } from "../../kit";
import { readWebhooks } from "./webhooks";
import { nameOf } from "./words";

/** qualified is the event that the page is about. */
export const qualified = "signal.qualified";

/** takes says whether a webhook is sent what qualified. */
const takes = (w: Webhook): boolean => (w.format === "stairoids" || w.format === "standard") && w.events.some((e) => e === qualified || e === "*" || e === "signal.*");

/** readTaking reads the webhooks that take it. */
async function readTaking(path: string, signal: AbortSignal): Promise<Page<Webhook>> {
  const page = await readWebhooks(path, signal);
  return { ...page, rows: page.rows.filter(takes), total: null };
}

/** QualificationWebhook is Settings → API & Webhooks → Signal qualification webhook. */
export function QualificationWebhook() {
  return <QualificationWebhookView webhooks={usePages("/v1/webhooks", readTaking)} />;
}

export function QualificationWebhookView({ webhooks }: { webhooks: Paged<Webhook> }) {
  const add = can("admin") && (
    <LinkButton href={"/settings/webhooks/new?event=" + qualified} look="primary" icon="plus">
      Add webhook
    </LinkButton>
  );
  return (
    <>
      <PageHead title="Signal qualification webhook" actions={add}>
        Where the result goes each time that the record of a signal fits an ICP: the event <code>{qualified}</code>, signed.
      </PageHead>
      {!can("admin") && <Note>Webhooks are added and changed by administrators.</Note>}
      <PagedTable
        label="Signal qualification webhooks"
        pages={webhooks}
        id={(w) => w.id}
        href={(w) => "/settings/webhooks/" + w.id}
        empty={
          <EmptyState icon="webhook" title="No webhook takes qualifications yet" actions={add}>
            <p>{can("admin") ? "Add one, copy its signing secret, and send it a test." : "An administrator adds the first one."}</p>
          </EmptyState>
        }
        columns={[
          {
            head: "Webhook",
            cell: (w) => (
              <span class="two-lines">
                <span>{nameOf(w)}</span>
                <span>{w.kind === "pull" ? "read by its receiver" : w.label ? w.url : w.description}</span>
              </span>
            ),
          },
          { head: "Takes", cell: (w) => <span class="soft">{chosen(w)}</span> },
          { head: "State", cell: (w) => <Status of={w.enabled ? "enabled" : "disabled"} /> },
          { head: "Added", cell: (w) => <Time at={w.created_at} />, kind: "low" },
        ]}
      />
    </>
  );
}

/** chosen is by which choice a webhook takes it. */
function chosen(w: Webhook): string {
  if (w.events.includes("*")) return "all events";
  if (w.events.includes("signal.*")) return "all signal.* events";
  return w.events.length === 1 ? qualified : `${qualified} and ${w.events.length - 1} more`;
}
