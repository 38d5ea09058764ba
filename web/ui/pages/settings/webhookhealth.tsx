import { api, clock, day, EmptyState, ErrorState, type Loaded, ms, percent, Plot, plural, Skeleton, Stat, relative, useLoad } from "../../kit";
import type { WebhookHealth } from "../../api-types";

/** HealthTab is how a webhook did in the last seven days. */
export function HealthTab({ id }: { id: string }) {
  return <HealthView health={useLoad("health:" + id, (signal) => api.get<WebhookHealth>(`/v1/webhooks/${id}/health`, signal))} />;
}

export function HealthView({ health }: { health: Loaded<WebhookHealth> }) {
  if (health.error?.status === 404) {
    return (
      <EmptyState icon="overview" title="Not known yet">
        <p>This server does not count deliveries by the hour. The Delivery Log has each of them.</p>
      </EmptyState>
    );
  }
  if (health.error) return <ErrorState error={health.error} retry={health.reload} />;
  if (!health.value) return <Skeleton lines={8} />;
  const h = health.value;
  if (h.success_rate_7d === null && h.pending === 0) {
    return (
      <EmptyState icon="overview" title="Nothing was sent in seven days">
        <p>Rates and times appear with the first delivery.</p>
      </EmptyState>
    );
  }
  return (
    <div class="stack">
      <dl class="stats">
        <Stat name="Delivered, 24 hours" value={percent(h.success_rate_24h)} tone={tone(h.success_rate_24h)} />
        <Stat name="Delivered, 7 days" value={percent(h.success_rate_7d)} tone={tone(h.success_rate_7d)} />
        <Stat name="Half answer within" value={h.p50_ms === null ? "–" : ms(h.p50_ms)} />
        <Stat name="19 of 20 within" value={h.p95_ms === null ? "–" : ms(h.p95_ms)} />
        <Stat name="Waiting" value={h.pending >= 10_000 ? "10,000 or more" : String(h.pending)} tone={h.pending > 1000 ? "warn" : undefined}>
          {h.oldest_pending_at ? "oldest from " + relative(h.oldest_pending_at, Date.now()) : ""}
        </Stat>
      </dl>
      <Hours hours={h.hours} />
    </div>
  );
}

const tone = (rate: number | null) => (rate === null || rate >= 0.99 ? undefined : rate >= 0.9 ? "warn" : "bad");

function Hours({ hours }: { hours: WebhookHealth["hours"] }) {
  const delivered = hours.reduce((n, h) => n + h.delivered, 0);
  const failed = hours.reduce((n, h) => n + h.failed, 0);
  const slowest = Math.max(0, ...hours.map((h) => h.p95_ms ?? 0));
  const at = hours.map((h) => h.at);
  const tick = (t: Date) => (clock(t) === "00:00" || hours.length > 48 ? day(t).replace(/ \d{4}$/, "") + " " + clock(t) : clock(t));
  return (
    <>
      <Plot
        title="Deliveries by the hour"
        summary={`${plural(delivered, "delivery", "deliveries")} in seven days, and ${failed === 0 ? "no attempt" : plural(failed, "attempt")} that failed.`}
        at={at}
        series={[
          { name: "Delivered", tone: "good", values: hours.map((h) => h.delivered) },
          { name: "Failed", tone: "bad", values: hours.map((h) => h.failed) },
        ]}
        tick={tick}
      />
      <Plot
        title="How long answers take"
        summary={slowest === 0 ? "No answer yet." : `19 of 20 answers came within ${ms(slowest)} in the slowest hour.`}
        at={at}
        series={[{ name: "95th percentile, ms", tone: "accent", values: hours.map((h) => h.p95_ms) }]}
        kind="line"
        tick={tick}
      />
    </>
  );
}
