import type { Workspace as Settings } from "../../api-types";
import { Card, Check, LinkButton, type Loaded, PageHead, Textarea } from "../../kit";
import { type Part, SettingsForm, useSettings } from "./settingsform";

/** AccountMatching is Settings → Account Matching. */
export function AccountMatching() {
  return <AccountMatchingView settings={useSettings()} />;
}

export function AccountMatchingView({ settings }: { settings: Loaded<Settings> }) {
  return (
    <>
      <PageHead title="Account Matching" actions={<LinkButton href="/merges">Merge proposals</LinkButton>}>
        How signals find their account, and which domains are one company.
      </PageHead>
      <SettingsForm settings={settings}>
        {(part) => (
          <>
            <Identity {...part} />
            <Providers {...part} />
            <Aliases {...part} />
          </>
        )}
      </SettingsForm>
    </>
  );
}

function Identity({ d, set, fixed }: Part) {
  return (
    <Card title="Identity">
      <div class="stack">
        <p class="soft">
          A signal belongs to the company of <code>account.domain</code>. Without one, the domain of <code>contact.email</code> counts, unless it is a mailbox provider's such as gmail.com.
        </p>
        <Check
          label="Require identity"
          hint="Refuse signals that have neither account.domain nor contact.email. Without it they are kept and belong to nobody."
          checked={d.require_identity === "true"}
          disabled={fixed}
          onInput={(on) => set("require_identity", on ? "true" : "")}
        />
      </div>
    </Card>
  );
}

function Providers({ d, set, said, fixed }: Part) {
  return (
    <Card title="Mailbox providers">
      <div class="pair">
        <Textarea label="Mailbox providers, added" optional mono rows={5} value={d["mailbox_providers.added"]} onInput={(v) => set("mailbox_providers.added", v)} disabled={fixed} placeholder="mail.example.org" hint="A domain to a line: addresses there say nothing about a company." error={said("mailbox_providers.added")} />
        <Textarea label="Mailbox providers, removed" optional mono rows={5} value={d["mailbox_providers.removed"]} onInput={(v) => set("mailbox_providers.removed", v)} disabled={fixed} placeholder="proton.me" hint="Taken off the list that comes with Signalbox: companies after all." error={said("mailbox_providers.removed")} />
      </div>
    </Card>
  );
}

function Aliases({ d, set, said, fixed }: Part) {
  return (
    <Card title="Domains of one company">
      <div class="stack">
        <Textarea label="Aliases" optional mono rows={5} value={d.aliases} onInput={(v) => set("aliases", v)} disabled={fixed} placeholder="acme.de = acmecorp.com" hint="A line each: the domain, an equals sign, and the domain that it stands for. Both are one account." error={said("aliases")} />
        <p class="soft">
          Two accounts that an alias makes one are proposed to be merged: see <a href="/merges">Merge proposals</a>.
        </p>
      </div>
    </Card>
  );
}
