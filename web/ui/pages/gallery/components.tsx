// Each component in its forms.

import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import {
  ApiError, Badge, Button, Check, Confirm, CopyButton, Curve, Dialog, EmptyState, ErrorState, Facts, Field, Filters, FormError, Icon, Id, Input, JsonView, LinkButton, Menu, Note, Plot, SecretOnce, Segments, Select, Switch, Skeleton,
  Stat, Status, Table, Tabs, Textarea, Time, toast, Toggle,
} from "../../kit";
import { ago, hostile, long } from "./data";

export const components: { name: string; show: ComponentType }[] = [
  { name: "Buttons", show: Buttons },
  { name: "Fields", show: Fields },
  { name: "Badges", show: Badges },
  { name: "Table", show: Tables },
  { name: "Tabs", show: TabsShown },
  { name: "Dialogs, menus, toasts", show: Overlays },
  { name: "States", show: StatesShown },
  { name: "Copying", show: Copying },
  { name: "Times", show: Times },
  { name: "JSON", show: Json },
  { name: "Plot", show: Plots },
  { name: "Numbers and facts", show: Numbers },
];

function Buttons() {
  return (
    <div class="stack">
      <div class="row">
        <Button look="primary">Create API Key</Button>
        <Button>Cancel</Button>
        <Button look="quiet">Quiet</Button>
        <Button look="danger">Erase</Button>
        <Button icon="plus">Add Endpoint</Button>
        <LinkButton href="/gallery">A link</LinkButton>
      </div>
      <div class="row">
        <Button small>Small</Button>
        <Button look="primary" busy>
          Saving
        </Button>
        <Button disabled>Disabled</Button>
        <Button look="quiet" icon="close" label="Close" />
        <Button icon="search" label="Search" />
      </div>
    </div>
  );
}

function Fields() {
  const text = useSignal("Acme Corp");
  const choice = useSignal("b");
  const on = useSignal(true);
  const set = (v: string) => void (text.value = v);
  const wrong = new ApiError(400, "validation_error", "name must have at most 200 characters.", "name");
  return (
    <div class="stack">
      <Filters>
        <Input label="Search" type="search" search value="" onInput={set} placeholder="Name or domain" />
        <Select label="Status" value={choice.value} onInput={(v) => void (choice.value = v)} options={[{ value: "a", label: "Any" }, { value: "b", label: "Customer" }]} />
        <Input label="From" type="date" value="2026-11-25" onInput={set} />
      </Filters>
      <Input label="Name" value={text.value} onInput={set} hint="What people call it." />
      <Input label="Name" optional value={text.value} onInput={set} error={wrong.message} />
      <Input label="URL" mono disabled value="https://example.com/hooks" onInput={set} />
      <Textarea label="Attributes" mono value={'{\n  "plan": "pro"\n}'} onInput={set} />
      <Field label="A control of your own">{(aria) => <input {...aria} type="range" />}</Field>
      <Check label="signal.created" hint="When a signal has been taken." checked={on.value} onInput={(v) => void (on.value = v)} />
      <div class="row">
        <Switch label="Enabled" on={on.value} onInput={(v) => void (on.value = v)} />
        <Switch label="Enabled, and fixed" on disabled onInput={() => {}} />
        <Switch label="Disabled, and fixed" on={false} disabled onInput={() => {}} />
      </div>
      <FormError error={new ApiError(409, "conflict", "Somebody else has changed it. Load it again.", "", "req_01")} />
    </div>
  );
}

function Badges() {
  return (
    <div class="row">
      <Badge>neutral</Badge>
      <Badge tone="good">good</Badge>
      <Badge tone="warn">warn</Badge>
      <Badge tone="bad">bad</Badge>
      <Badge tone="info">info</Badge>
      {["delivered", "pending", "retrying", "failed", "skipped"].map((s) => (
        <Status key={s} of={s} />
      ))}
    </div>
  );
}

function Tables() {
  const sort = useSignal("-seen");
  const list = [
    { id: "1", name: "Acme Corp", status: "delivered", n: 12031, at: ago(12) },
    { id: "2", name: hostile, status: "failed", n: 3, at: ago(3_700) },
    { id: "3", name: long, status: "pending", n: 0, at: ago(86_400 * 40) },
  ];
  return (
    <Table
      label="Examples"
      rows={list}
      id={(r) => r.id}
      href={(r) => "/gallery?row=" + r.id}
      sort={sort.value}
      onSort={(v) => void (sort.value = v)}
      columns={[
        { head: "Name", cell: (r) => r.name },
        { head: "Status", cell: (r) => <Status of={r.status} /> },
        { head: "Signals", cell: (r) => r.n, kind: "right" },
        { head: "Id", cell: (r) => <code>acc_{r.id}</code>, kind: "low" },
        { head: "Last seen", cell: (r) => <Time at={r.at} />, sort: "seen" },
      ]}
    />
  );
}

function TabsShown() {
  const at = useSignal("one");
  return (
    <Tabs label="Examples of tabs" current={at.value} onChange={(v) => void (at.value = v)} tabs={[{ id: "one", label: "Delivery Log", count: 12 }, { id: "two", label: "Test" }, { id: "three", label: "Settings" }]}>
      <p>The panel {at.value}.</p>
    </Tabs>
  );
}

function Overlays() {
  const open = useSignal("");
  const close = () => void (open.value = "");
  return (
    <div class="row">
      <Button onClick={() => void (open.value = "dialog")}>A dialog</Button>
      <Button onClick={() => void (open.value = "confirm")}>Confirm by name</Button>
      <Menu label="More" items={[{ label: "Edit", icon: "docs" }, { label: "Copy", icon: "copy" }, { label: "Not now", disabled: true }, "line", { label: "Erase", icon: "close", danger: true }]} />
      <Button onClick={() => toast("Saved.")}>Toast</Button>
      <Button onClick={() => toast("Merged.", async () => {})}>Toast with undo</Button>
      {open.value === "dialog" && (
        <Dialog title="Create API Key" onClose={close} onSubmit={close} actions={<><Button onClick={close}>Cancel</Button><Button type="submit" look="primary">Create</Button></>}>
          <Input label="Name" value="" onInput={() => {}} />
        </Dialog>
      )}
      {open.value === "confirm" && (
        <Confirm title="Erase this account?" act="Erase" name="acme.com" danger onClose={close} onConfirm={async () => {}}>
          <p>Its contacts and what its signals said go with it. This cannot be undone.</p>
        </Confirm>
      )}
    </div>
  );
}

function StatesShown() {
  return (
    <div class="stack">
      <Note>A note.</Note>
      <Note tone="warn">A warning.</Note>
      <EmptyState icon="signals" title="No signals yet" actions={<Button look="primary">Send one</Button>}>
        <p>They appear here as they arrive.</p>
      </EmptyState>
      <Skeleton />
      <ErrorState error={new ApiError(500, "internal_error", "Something failed on our side.", "", "req_01")} retry={() => {}} />
    </div>
  );
}

function Copying() {
  return (
    <div class="stack">
      <div class="row">
        <Id of="sig_01hzzzzzzzzzzzzzzzzzzzzzzz" />
        <CopyButton text="curl" words="Copy as curl" />
      </div>
      <SecretOnce what="signing secret" secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" />
    </div>
  );
}

function Times() {
  return (
    <div class="row">
      {[1, 40, 400, 4_000, 40_000, 400_000, 40_000_000, -400].map((s) => (
        <Time key={s} at={ago(s)} />
      ))}
      <Time at={null} />
    </div>
  );
}

function Json() {
  return <JsonView value={{ type: "page_visit", properties: { path: "/pricing", seconds: 12.5, ok: true, none: null, text: hostile } }} />;
}

function Plots() {
  const at = Array.from({ length: 60 }, (_, i) => ago((60 - i) * 60));
  const values = at.map((_, i) => Math.round(20 + 15 * Math.sin(i / 5) + (i % 7)));
  return (
    <div class="stack">
      <div class="row">
        <Segments label="How far back" value="30d" onInput={() => {}} options={[{ value: "7d", label: "7 d", words: "7 days" }, { value: "30d", label: "30 d", words: "30 days" }]} />
        <Toggle on label="Ahead" words="Ahead: what is to come" onClick={() => {}} />
        <Toggle on={false} label="Behind" words="Behind: what was" onClick={() => {}} />
      </div>
      <Curve title="Load" summary="31 now, Low" points={at.map((t, i) => ({ at: t, y: values[i]!, value: values[i]!, note: values[i]! < 30 ? "Low" : "High" }))} levels={[{ name: "High", from: 30 }]} marks={[{ at: at[20]!, name: hostile, weight: 4, words: "+4" }]} now={44} heads={["Load", "Level", "Why"]} hint="Pick a moment." onPick={() => {}} />
      <Plot title="Signals per minute" summary="1,234 in the last hour, 41 in the last minute" at={at} series={[{ name: "Signals", tone: "accent", values }]} />
      <Plot kind="line" title="Delivered and failed" summary="99.8% delivered" at={at} series={[{ name: "Delivered", tone: "good", values }, { name: "Failed", tone: "bad", values: values.map((v) => (v % 11 === 0 ? 3 : 0)) }]} />
    </div>
  );
}

function Numbers() {
  return (
    <div class="stack">
      <dl class="stats">
        <Stat name="Signals, 24 h" value="12,031">1,204,332 in all</Stat>
        <Stat name="Delivered, 24 h" value="99.8%" />
        <Stat name="Failed, 24 h" value="12" tone="bad">2 webhooks</Stat>
        <Stat name="Waiting" value="0" />
      </dl>
      <Facts rows={[["Domain", "acme.com"], ["Status", <Badge tone="good">customer</Badge>], ["Name", hostile], ["Icon", <Icon name="webhook" />]]} />
    </div>
  );
}
