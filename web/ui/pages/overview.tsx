import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { Signal } from "../api-types";
import {
  api, Card, CopyButton, count, EmptyState, ErrorState, Icon, LinkButton, type Loaded, PageHead, percent, Plot, plural, Skeleton, Stat, Table, Time, useGathered, useLive, useLoad,
} from "../kit";
import type { OverviewData, Stats } from "../types";
import { signalColumns } from "./signal-columns";

const feedLength = 12;

export function Overview() {
  const overview = useLoad("overview", (signal) => api.get<OverviewData>("/v1/overview", signal));
  const feed = useLoad("feed", (signal) => api.list<Signal>("/v1/signals?limit=" + feedLength, signal));
  const stats = useSignal<Stats | null>(null);
  const fresh = useSignal<Set<string>>(new Set());
  useLive<Stats>("stats", (s) => void (stats.value = s));
  useGathered<Signal>("signal", feedLength, (rows) => {
    fresh.value = new Set(rows.map((r) => r.id));
    if (feed.value) feed.set({ ...feed.value, rows: newest(rows, feed.value.rows) });
    if (started(overview.value) < steps.length) overview.reload();
  });
  useGathered<unknown>("delivery", 1, () => started(overview.value) < steps.length && overview.reload());
  useEffect(() => {
    const timer = setInterval(() => document.hidden || overview.reload(), 10_000);
    return () => clearInterval(timer);
  }, []);
  return <OverviewView overview={overview} feed={feed.value?.rows} stats={stats.value} fresh={(s) => fresh.value.has(s.id)} />;
}

/** newest puts rows that have arrived before those that are shown, each once. */
export function newest(arrived: Signal[], shown: Signal[], keep = feedLength): Signal[] {
  const ids = new Set(arrived.map((r) => r.id));
  return [...arrived, ...shown.filter((r) => !ids.has(r.id))].slice(0, keep);
}

type Props = { overview: Loaded<OverviewData>; feed: Signal[] | undefined; stats: Stats | null; fresh?: (s: Signal) => boolean };

export function OverviewView({ overview, feed, stats, fresh }: Props) {
  const o = overview.value;
  if (overview.error && !o) {
    return (
      <>
        <PageHead title="Overview" />
        <ErrorState error={overview.error} retry={overview.reload} />
      </>
    );
  }
  return (
    <>
      <PageHead title="Overview">What arrives, and what leaves.</PageHead>
      {o ? <Shown o={o} stats={stats} feed={feed} fresh={fresh} /> : <Skeleton lines={12} />}
    </>
  );
}

/** Shown comes all at once: a card that was there before what stands above it would jump. */
function Shown({ o, stats, feed, fresh }: Omit<Props, "overview"> & { o: OverviewData }) {
  return (
    <>
      {started(o) < steps.length && <GettingStarted overview={o} />}
      <Numbers o={o} stats={stats} />
      <Card>
        <PerMinute o={o} />
      </Card>
      <Card title="Latest signals" flush actions={<LinkButton href="/signals" small>All signals</LinkButton>}>
        {!feed ? (
          <Skeleton lines={6} />
        ) : feed.length === 0 ? (
          <EmptyState icon="signals" title="Nothing has arrived yet">
            <p>Signals appear here the moment they are taken.</p>
          </EmptyState>
        ) : (
          <Table label="Latest signals" rows={feed} id={(s) => s.id} href={(s) => "/signals/" + s.id} columns={signalColumns} fresh={fresh} />
        )}
      </Card>
    </>
  );
}

function Numbers({ o, stats }: { o: OverviewData; stats: Stats | null }) {
  const perMinute = stats?.signals_per_minute ?? o.signals.per_minute.at(-1)?.count ?? 0;
  const pending = stats?.pending ?? o.deliveries.pending;
  const { success_rate_24h: rate, failed_24h: failed } = o.deliveries;
  return (
    <dl class="stats">
      <Stat name="Signals a minute" value={count(perMinute)}>
        now
      </Stat>
      <Stat name="Signals, 24 h" value={count(o.signals.last_24h)}>
        {count(o.signals.total)} in all
      </Stat>
      <Stat name="Delivered, 24 h" value={percent(rate)} tone={rate !== null && rate < 0.95 ? "bad" : rate !== null && rate < 0.99 ? "warn" : undefined}>
        {count(o.deliveries.delivered_24h)} delivered{failed > 0 ? `, ${count(failed)} failed` : ""}
      </Stat>
      <Stat name="Waiting" value={count(pending)}>
        {o.deliveries.oldest_pending_at ? <>oldest <Time at={o.deliveries.oldest_pending_at} /></> : "nothing is late"}
      </Stat>
      <Stat name="Webhooks" value={count(o.webhooks.enabled)} tone={o.webhooks.failing > 0 ? "bad" : undefined}>
        {o.webhooks.failing > 0 ? `${count(o.webhooks.failing)} failing` : o.webhooks.disabled > 0 ? `${count(o.webhooks.disabled)} disabled` : "all well"}
      </Stat>
    </dl>
  );
}

function PerMinute({ o }: { o: OverviewData }) {
  const minutes = o.signals.per_minute;
  const hour = minutes.reduce((n, m) => n + m.count, 0);
  const peak = minutes.reduce((n, m) => Math.max(n, m.count), 0);
  return <Plot title="Signals per minute" summary={hour === 0 ? "No signals in the last hour" : `${plural(hour, "signal")} in the last hour, at most ${count(peak)} in a minute`} at={minutes.map((m) => m.at)} series={[{ name: "Signals", tone: "accent", values: minutes.map((m) => m.count) }]} />;
}

const steps = ["first_signal_at", "first_webhook_at", "first_delivery_at"] as const;

/** started counts the steps that are done. */
const started = (o: OverviewData | undefined): number => (o ? steps.filter((s) => o.getting_started[s]).length : 0);

/** curl is a first signal, ready to paste. */
const curl = () => `curl ${location.origin}/v1/signals \\
  -H "Authorization: Bearer $SIGNALBOX_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"type":"page_visit","source":"website","account":{"domain":"acme.com"},"properties":{"path":"/pricing"}}'`;

function GettingStarted({ overview }: { overview: OverviewData }) {
  const g = overview.getting_started;
  return (
    <Card title="Getting started">
      <ol class="steps">
        <Step done={g.first_signal_at} title="Send a signal">
          <p>
            With a key of <a href="/settings/api-keys">Settings → API Keys</a>. This page notices by itself.
          </p>
          <div class="snippet">
            <pre tabIndex={0} role="region" aria-label="The command for a first signal">{curl()}</pre>
            <CopyButton text={curl()} label="Copy the command" />
          </div>
        </Step>
        <Step done={g.first_webhook_at} title="Add a webhook">
          <p>
            At <a href="/settings/webhooks">Settings → Webhooks</a>, say where events go. <code>signalbox listen</code> is a receiver to try it with.
          </p>
        </Step>
        <Step done={g.first_delivery_at} title="See a delivery arrive">
          <p>Press Test on the webhook, or send another signal.</p>
        </Step>
      </ol>
    </Card>
  );
}

function Step({ done, title, children }: { done: string | null; title: string; children: ComponentChildren }) {
  return (
    <li class={done ? "done" : undefined}>
      <span class="step-mark">{done && <Icon name="check" />}</span>
      <div>
        <h3>
          {title}
          {done && <span class="unseen">, done</span>}
          {done && <span class="soft"> <Time at={done} /></span>}
        </h3>
        {!done && children}
      </div>
    </li>
  );
}
