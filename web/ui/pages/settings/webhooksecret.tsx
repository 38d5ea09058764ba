// The signing secret of a webhook: another one, and the time in which both sign.

import { useSignal } from "@preact/signals";
import type { FreshSecret, Webhook } from "../../api-types";
import { api, Button, can, Dialog, FormError, Note, SecretOnce, Select, Time, toast, useAct } from "../../kit";
import { nameOf } from "./words";

const overlaps = [
  { value: "86400", label: "for a day" },
  { value: "3600", label: "for an hour" },
  { value: "604800", label: "for seven days" },
  { value: "0", label: "not at all" },
];

/** Regenerate makes another secret and shows it, once. */
export function Regenerate({ of, title = "The new secret", onClose }: { of: Webhook; title?: string; onClose: () => void }) {
  const made = useSignal<FreshSecret | null>(null);
  const overlap = useSignal("86400");
  const { run, busy, error } = useAct(async () => void (made.value = await api.bare<FreshSecret>("POST", `/v1/webhooks/${of.id}/secret/regenerate`, { overlap: Number(overlap.value) })));
  if (made.value) {
    const old = made.value.previous_secret;
    return (
      <Dialog title={title} onClose={onClose} actions={<Button look="primary" onClick={onClose}>Done</Button>}>
        <SecretOnce secret={made.value.secret} what="signing secret" />
        <p class="soft">
          Every delivery from now on is signed with it, those that are tried again too.{" "}
          {old && (
            <>
              The old one signs beside it until <Time at={old.valid_until} />.
            </>
          )}
        </p>
      </Dialog>
    );
  }
  return (
    <Dialog
      title={`Regenerate the secret of ${nameOf(of)}?`}
      onClose={onClose}
      onSubmit={() => void run()}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={busy}>
            Regenerate secret
          </Button>
        </>
      }
    >
      <Select label="The old secret signs too" value={overlap.value} onInput={(v) => void (overlap.value = v)} options={overlaps} />
      <p class="soft">
        {overlap.value === "0"
          ? "Until your receiver has the new one it refuses deliveries; they are tried again on the webhook's schedule."
          : "Give your receiver the new one meanwhile: no delivery is refused."}
      </p>
      <FormError error={error} />
    </Dialog>
  );
}

/** Overlap tells that two secrets sign, and lets the new one take over the header that has room for one signature. */
export function Overlap({ of, onChanged }: { of: Webhook; onChanged: (w: Webhook) => void }) {
  const { run, busy, error } = useAct(async () => {
    onChanged(await api.bare<Webhook>("POST", `/v1/webhooks/${of.id}/secret/activate`));
    toast("The new secret signs every header now.");
  });
  const old = of.previous_secret;
  if (!old?.signs) return null;
  return (
    <Note>
      The secret before signs too until <Time at={old.valid_until} />.{" "}
      {old.signs_format_header && of.format !== "standard" && (
        <>
          The format's own header is still signed with it.{" "}
          {can("admin") && (
            <Button look="quiet" busy={busy} onClick={() => void run()}>
              Activate the new secret
            </Button>
          )}
        </>
      )}
      <FormError error={error} />
    </Note>
  );
}
