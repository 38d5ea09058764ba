// What is done about a webhook, wherever it is listed. The children of each question say what follows from it there.

import type { ComponentChildren } from "preact";
import type { Webhook } from "../../api-types";
import { api, Confirm, toast } from "../../kit";
import { nameOf } from "./words";

/** turn switches a webhook on or off, and offers to take that back. */
export async function turn(w: Webhook, on: boolean, onChanged: (w: Webhook) => void): Promise<void> {
  const set = async (to: boolean) => onChanged(await api.bare<Webhook>("POST", `/v1/webhooks/${w.id}/${to ? "enable" : "disable"}`));
  await set(on);
  toast(on ? "Enabled." : "Disabled.", () => set(!on));
}

type Props = { of: Webhook; children: ComponentChildren; onClose: () => void };

export function DisableWebhook({ of, children, onClose, onChanged }: Props & { onChanged: (w: Webhook) => void }) {
  return (
    <Confirm title={`Disable ${nameOf(of)}?`} act="Disable" onClose={onClose} onConfirm={() => turn(of, false, onChanged)}>
      {children}
    </Confirm>
  );
}

export function DeleteWebhook({ of, children, onClose, onGone }: Props & { onGone: () => Promise<void> | void }) {
  return (
    <Confirm
      title={`Delete ${nameOf(of)}?`}
      act="Delete"
      danger
      name={nameOf(of)}
      onClose={onClose}
      onConfirm={async () => {
        await api.del("/v1/webhooks/" + of.id);
        toast(`${nameOf(of)} is deleted.`);
        await onGone();
      }}
    >
      {children}
    </Confirm>
  );
}
