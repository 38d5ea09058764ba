import type { Workspace as Settings } from "../../api-types";
import { Card, Facts, Id, Input, type Loaded, PageHead, Time } from "../../kit";
import { type Part, SettingsForm, useSettings } from "./settingsform";
import type { FieldName } from "./workspaceform";

/** Workspace is Settings → Workspace. */
export function Workspace() {
  return <WorkspaceView settings={useSettings()} />;
}

export function WorkspaceView({ settings }: { settings: Loaded<Settings> }) {
  return (
    <>
      <PageHead title="Workspace">Its name and time, its limits, and how long things are kept.</PageHead>
      <SettingsForm settings={settings}>
        {(part) => (
          <>
            <General {...part} />
            <Limits {...part} />
            <Retention {...part} />
          </>
        )}
      </SettingsForm>
    </>
  );
}

function General({ d, set, said, fixed, of }: Part) {
  return (
    <Card title="General">
      <div class="stack">
        <div class="pair">
          <Input label="Name" value={d.name} onInput={(v) => set("name", v)} disabled={fixed} error={said("name")} max={200} />
          <Input label="Timezone" value={d.timezone} onInput={(v) => set("timezone", v)} disabled={fixed} list={zones} hint="Times are shown in it to everybody here." error={said("timezone")} />
        </div>
        <Facts rows={[["Id", <Id of={of.id} />], ["Made", <Time at={of.created_at} />], ["Changed", <Time at={of.updated_at} />]]} />
      </div>
    </Card>
  );
}

const zones: string[] = Intl.supportedValuesOf?.("timeZone") ?? [];

function Limits({ d, set, said, fixed }: Part) {
  const pair = (key: "workspace" | "key" | "captures" | "requests", title: string, minutely = "unlimited", daily = "unlimited") => {
    const [minute, day] = [`limits.${key}.per_minute` as FieldName, `limits.${key}.per_day` as FieldName];
    return (
      <div class="pair">
        <Input label={title + ", a minute"} type="number" value={d[minute]} onInput={(v) => set(minute, v)} disabled={fixed} error={said(minute)} placeholder={minutely} />
        <Input label={title + ", a day"} type="number" value={d[day]} onInput={(v) => set(day, v)} disabled={fixed} error={said(day)} placeholder={daily} />
      </div>
    );
  };
  return (
    <Card title="Limits">
      <div class="stack">
        <p class="soft">What is above a limit is refused with 429 and the time to wait. Empty is unlimited, but for captured signals, where it stands for 500 a minute and 50,000 a day; a day is one of UTC.</p>
        {pair("workspace", "Signals of all")}
        {pair("key", "Signals of each key")}
        {pair("captures", "Captured signals", "500", "50,000")}
        {pair("requests", "Other requests")}
      </div>
    </Card>
  );
}

function Retention({ d, set, said, fixed }: Part) {
  return (
    <Card title="Retention">
      <div class="stack">
        <p class="soft">What is older is deleted for good, some minutes after it has passed the day. Empty is for ever.</p>
        <div class="pair">
          <Input label="Signals, days" type="number" value={d["retention.signal_days"]} onInput={(v) => set("retention.signal_days", v)} disabled={fixed} placeholder="for ever" error={said("retention.signal_days")} />
          <Input label="Events and deliveries, days" type="number" value={d["retention.event_days"]} onInput={(v) => set("retention.event_days", v)} disabled={fixed} placeholder="for ever" error={said("retention.event_days")} />
        </div>
      </div>
    </Card>
  );
}
