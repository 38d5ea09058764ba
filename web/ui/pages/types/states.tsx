// The pages of signal types in each of their states, for the gallery.

import type { SignalType } from "../../api-types";
import { ApiError } from "../../kit";
import { broken, loaded, loading, type PageStates, rows, rowsBroken, rowsLoading } from "../gallery/answers";
import { ago, hostile, long } from "../gallery/data";
import { TypeView } from "./detail";
import { draftOf, TypeForm } from "./form";
import { TypesView } from "./list";

const type = (n: number, more: Partial<SignalType> = {}): SignalType => ({
  id: "styp_" + n,
  name: ["custom_event", "product_activity", "page-view"][n % 3]!,
  label: ["Custom event", "Product activity", "page-view"][n % 3]!,
  source_description: "What people do in the product, sent by the app",
  autoqualify: n % 2 === 0,
  enabled: n % 3 !== 2,
  declared: n % 3 !== 2,
  builtin: false,
  sub_rules: [
    { name: "Invited a teammate", when: "signal.event_name == 'user_invited_teammate'", signals: 1_204 },
    { name: "Large team", when: "context.team_size > 10", signals: 37 },
  ],
  counted: 10_000,
  complete: false,
  revision: 3,
  created_at: ago(86_400 * 3),
  ...more,
});

const ugly = type(6, { name: hostile, label: hostile, source_description: hostile + long, sub_rules: [{ name: hostile, when: `signal.source == '${hostile}' || signal.source == '${long}'`, signals: 0 }] });
const seen = type(2, { source_description: null, sub_rules: [], counted: 0, complete: true, revision: 0 });
const builtin = type(4, { id: null, name: "meeting_booked", label: "Meeting booked", declared: false, builtin: true, source_description: null, sub_rules: [], revision: 0, created_at: null });
const at = { back: { href: "/signals", label: "Signals" }, act: "Create", save: async () => "/signals/types" };
const refused = (param: string, said: string) => new ApiError(400, "validation_error", said, param, "req_01");

export const typeStates: PageStates[] = [
  {
    page: "signal-types",
    states: {
      full: () => <TypesView pages={rows([type(0), type(1), seen, ugly, type(3, { name: long, label: long }), builtin], true)} onChanged={() => {}} />,
      empty: () => <TypesView pages={rows([])} onChanged={() => {}} />,
      loading: () => <TypesView pages={rowsLoading} onChanged={() => {}} />,
      error: () => <TypesView pages={rowsBroken} onChanged={() => {}} />,
    },
  },
  {
    page: "signal-type",
    states: {
      full: () => <TypeView type={loaded(type(0))} />,
      seen: () => <TypeView type={loaded(seen)} />,
      one: () => <TypeView type={loaded(type(0, { counted: 1, complete: true }))} />,
      hostile: () => <TypeView type={loaded(ugly)} />,
      loading: () => <TypeView type={loading} />,
      error: () => <TypeView type={broken} />,
      new: () => <TypeForm key="new" title="Custom signal" draft={draftOf()} {...at} />,
      rules: () => <TypeForm key="rules" title="Custom signal" draft={{ ...draftOf(), name: "Custom event", rules: [{ name: "", any: true, text: null, rows: [{ field: "signal.event_name", operator: "equals", value: "user_invited_teammate" }, { field: "context.team_size", operator: "greater_than", value: "10" }] }] }} {...at} error={refused("sub_rules[0].name", "Sub_rules[0].name is required.")} />,
      edit: () => <TypeForm key="edit" title="Edit Custom event" draft={draftOf(ugly)} name="custom_event" {...at} act="Save" error={refused("sub_rules[0].when", "Sub_rules[0].when: line 1, column 3: there is no signal.sorce; did you mean signal.source?")} />,
    },
  },
];
