import type { Webhook } from "../../api-types";
import { Card, CopyButton, Facts, LinkButton, Time } from "../../kit";

/** ReadTab says how a pull webhook is read. */
export function ReadTab({ webhook }: { webhook: Webhook }) {
  const url = `${location.origin}/v1/webhooks/${webhook.id}/events?wait=30`;
  const call = `curl "${url}" \\\n  -H "Authorization: Bearer $SIGNALBOX_API_KEY"`;
  return (
    <div class="split">
      <Card title="How to read it">
        <ol class="numbered">
          <li>
            <p>Ask for events with an API key that may read. The call waits up to 30 seconds for one to arrive.</p>
            <div class="json">
              <pre tabIndex={0} role="region" aria-label="The call">
                <code>{call}</code>
              </pre>
              <CopyButton text={call} label="Copy the call" />
            </div>
          </li>
          <li>
            <p>
              Verify each <code>body</code> with its <code>headers</code>, as if it had been pushed, and work on it.
            </p>
          </li>
          <li>
            <p>
              Come back with <code>&amp;cursor=</code> and the answer's <code>meta.next_cursor</code>. That says that what came before was read; without it you get the same events again.
            </p>
          </li>
        </ol>
      </Card>
      <aside>
        <Card title="Reader" actions={<LinkButton href="/settings/api-keys" small>API Keys</LinkButton>}>
          <Facts rows={[["Last read", <Time at={webhook.last_read_at} />], ["It stays", webhook.temporary ? "as long as it is read" : "until it is deleted"]]} />
        </Card>
      </aside>
    </div>
  );
}
