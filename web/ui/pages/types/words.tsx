// Words for signal types that more than one page needs.

import type { ComponentChildren } from "preact";
import type { SignalType } from "../../api-types";
import { Badge } from "../../kit";

/** typeName is what signals call a type that is declared under a label, as the API says it. */
export const typeName = (label: string): string => (label.toLowerCase().match(/(?:[\p{L}\p{Nd}]\p{M}*)+/gu) ?? []).join("_");

/** Kinds says where a type comes from. */
export function Kinds({ of }: { of: SignalType }) {
  return (
    <span class="row">
      {of.declared && <Badge tone="good">declared</Badge>}
      {of.builtin && <Badge>built in</Badge>}
      {!of.declared && !of.builtin && <Badge tone="info">seen</Badge>}
    </span>
  );
}

/** Named says what a cell is where the table has no heads: on a phone. */
export function Named({ as, children }: { as: string; children: ComponentChildren }) {
  return (
    <span class="named">
      <span aria-hidden="true">{as}</span>
      {children}
    </span>
  );
}

/** quoted writes a text for a shell, whatever is in it. */
const quoted = (s: string): string => "'" + s.replaceAll("'", "'\\''") + "'";

/** curlOf is a call that sends a signal of a type. */
export function curlOf(t: Pick<SignalType, "name">, origin: string): string {
  const body = {
    signal_type: t.name,
    source: "product",
    occurred_at: new Date().toISOString().slice(0, 19) + "Z",
    event_name: "user_invited_teammate",
    identity: { email: "jane@acmecorp.com", company_domain: "acmecorp.com" },
    context: { team_size: 12, plan_tier: "free" },
  };
  return `curl -X POST ${origin}/signals \\\n  -H "Authorization: Bearer $SIGNALBOX_API_KEY" \\\n  -H "Content-Type: application/json" \\\n  -d ${quoted(JSON.stringify(body, null, 2))}`;
}
