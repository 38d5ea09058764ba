package bench_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"signalbox/internal/bench"
)

func TestRun_SendsSignalsThatTheContractTakes(t *testing.T) {
	t.Parallel()
	b, addr := newBox(t, http.StatusCreated)
	c := small(t, bench.Ingest)
	c.Server, c.APIKey, c.Keys, c.Preload = addr, "sk_live_of_this_test_0000000000", true, 2500
	report, err := bench.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.problems) > 0 {
		t.Fatalf("%d bodies are not as the contract wants them, the first: %s", len(b.problems), b.problems[0])
	}
	if want := contacts + 2500; b.batched != want {
		t.Errorf("%d signals were stored before the measurement, want %d", b.batched, want)
	}
	if got := report.Ingest[0].Median.Accepted; got != int64(b.single) || got == 0 {
		t.Errorf("reported %d signals, the door saw %d", got, b.single)
	}
	if mean := b.bytes / b.single; mean < 560 || mean > 640 {
		t.Errorf("a body has %d bytes, want about 600", mean)
	}
	if len(b.keys) != b.single {
		t.Errorf("%d signals had %d idempotency keys, want each its own", b.single, len(b.keys))
	}
	if report.Ingest[0].BareMedian.Accepted == 0 || report.Ingest[0].Ratio <= 0 {
		t.Errorf("the bare handler was not measured beside: %+v", report.Ingest[0])
	}
	if b.hooks != 1 || b.deleted != 1 {
		t.Errorf("%d webhooks made and %d deleted, want one of each: nothing stays behind on a running server", b.hooks, b.deleted)
	}
}

func TestRun_SendsHalfOfTheTrafficToHotAccounts(t *testing.T) {
	t.Parallel()
	b, addr := newBox(t, http.StatusCreated)
	c := small(t, bench.Ingest)
	c.Server, c.APIKey = addr, "sk_live_of_this_test_0000000000"
	if _, err := bench.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	hot := 0
	for domain, n := range b.accounts {
		number := domain[strings.LastIndexByte(domain, '-')+1:]
		if len(strings.TrimSuffix(number, ".com")) <= 2 {
			hot += n
		}
	}
	// Half goes to the hot ones, and a tenth of the other half.
	if share := float64(hot) / float64(b.single); share < .5 || share > .6 {
		t.Errorf("%.2f of %d signals went to the %d hot accounts, want about 0.55", share, b.single, contacts/50)
	}
}

func TestRun_CountsNoAnswerButTheContracts(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"accepted is not created": http.StatusAccepted, "overloaded": http.StatusServiceUnavailable} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, addr := newBox(t, status)
			c := small(t, bench.Ingest)
			c.Server, c.APIKey = addr, "sk_live_of_this_test_0000000000"
			report, err := bench.Run(t.Context(), c)
			if err == nil {
				t.Fatalf("measured %+v of a server that creates nothing", report.Ingest)
			}
		})
	}
}

func TestConfig_RefusesWhatHasNoBound(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bench.Config){
		"too many connections":    func(c *bench.Config) { c.Connections = []int{100_000} },
		"too long":                func(c *bench.Config) { c.Duration = 1 << 60 },
		"too fast":                func(c *bench.Config) { c.Rate = 1 << 30 },
		"a batch beyond the door": func(c *bench.Config) { c.Batch = 2501 },
		"an unknown scenario":     func(c *bench.Config) { c.Only = []string{"everything"} },
		"another machine":         func(c *bench.Config) { c.Server, c.APIKey, c.Only = "192.0.2.1:80", "key", []string{bench.Ingest} },
		"no key":                  func(c *bench.Config) { c.Server, c.Only = "127.0.0.1:80", []string{bench.Ingest} },
		"nothing to look at":      func(c *bench.Config) { c.Viewed = 10 },
		"looking at somebody's":   func(c *bench.Config) { c.Server, c.APIKey, c.Only = "127.0.0.1:80", "key", []string{bench.Viewer} },
		"growth of somebody's":    func(c *bench.Config) { c.Server, c.APIKey, c.Only = "127.0.0.1:80", "key", []string{bench.Growth} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := small(t)
			change(&c)
			if _, err := bench.Run(t.Context(), c); err == nil {
				t.Error("it ran")
			}
		})
	}
	if err := small(t).Check(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
}

func TestRun_MeasuresTheRealServerAndLosesNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts the real server")
	}
	c := small(t, bench.Idle, bench.Delivery, bench.OpenLoop, bench.Growth)
	c.Stored = 2 * contacts
	report, err := bench.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]bench.Flow{"sustained": report.Delivery.Median, "flood": *report.Flood} {
		if f.Accepted == 0 || f.Received != f.Accepted || f.Bad != 0 || f.Failed != 0 {
			t.Errorf("%s: %d accepted, %d received, %d did not verify, %d failed", name, f.Accepted, f.Received, f.Bad, f.Failed)
		}
	}
	if l := report.Latency.Median; l.Accepted == 0 || l.EndToEnd.Count != l.Accepted || l.EndToEnd.P50 < l.Ingest.P50/4 {
		t.Errorf("latency: %+v", l)
	}
	if g := report.Growth; len(g.Samples) != 2 || g.Samples[1].Stored < 2*contacts || g.ReadyMS <= 0 || g.ReadyAfterKillMS <= 0 || g.Ratio <= 0 {
		t.Errorf("growth: %+v", g)
	}
	if i := report.Idle; i.ReadyMS <= 0 || i.BinaryMB <= 0 {
		t.Errorf("idle: %+v", i)
	}
}

func TestRun_JudgedSignalsAreHeldAgainstPlainOnes(t *testing.T) {
	t.Parallel()
	report, err := bench.Run(t.Context(), small(t, bench.Intelligence))
	if err != nil {
		t.Fatal(err)
	}
	i := report.Intelligence
	if i.Plain.Accepted == 0 || i.Defined.Accepted == 0 || i.Captures.Accepted == 0 || i.Plain.Failed+i.Defined.Failed+i.Captures.Failed+i.Captures.Refused != 0 {
		t.Errorf("plain %+v, all defined %+v, captures %+v", i.Plain, i.Defined, i.Captures)
	}
}

func TestRun_AnAudienceIsFilledWhileSignalsArrive(t *testing.T) {
	t.Parallel()
	c := small(t, bench.Audience)
	c.Judged = 4000
	report, err := bench.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	a := report.Audience
	if a.Signals != c.Judged || a.Accounts != 400 || a.Members == 0 || a.Members > 400 || a.Seconds <= 0 || a.Beside.Accepted == 0 || a.Beside.Failed != 0 {
		t.Errorf("reported %+v", a)
	}
}

func TestRun_AViewerSeesWhatWasStored(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts the real server")
	}
	c := small(t, bench.Viewer)
	c.Viewed, c.Duration = 4000, time.Second
	report, err := bench.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	v := report.Viewer
	if v.Signals < c.Viewed || v.Alone.Accepted == 0 || v.Watched.Accepted == 0 || v.Alone.Failed+v.Watched.Failed != 0 {
		t.Errorf("%d signals stored; nobody looking: %+v, with a viewer: %+v", v.Signals, v.Alone, v.Watched)
	}
	if v.Events == 0 || v.Ratio <= 0 {
		t.Errorf("the stream showed %d signals; the ratio is %v", v.Events, v.Ratio)
	}
	// Every page was opened, or the run would have failed; some of them while the signals arrived.
	if len(v.Pages) < 90 || v.Pages[0].Shown.Count == 0 || v.Pages[0].Requests[0].Took.Count == 0 {
		t.Errorf("%d pages, the first: %+v", len(v.Pages), v.Pages[:1])
	}
}

func TestRun_IsolationCountsEveryDeliveryToEveryHealthyWebhook(t *testing.T) {
	t.Parallel()
	c := small(t, bench.Isolation)
	c.Healthy = 4
	report, err := bench.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	i := report.Isolation
	if i.Alone.Deliveries == 0 || i.Alone.Deliveries != 4*i.Alone.Signals || i.Beside.Deliveries != 4*i.Beside.Signals {
		t.Errorf("%d signals made %d deliveries alone, %d made %d beside bad webhooks; want four for each", i.Alone.Signals, i.Alone.Deliveries, i.Beside.Signals, i.Beside.Deliveries)
	}
	if i.Dead != 1 || i.Dripping != 1 || i.Alone.Duplicates+i.Beside.Duplicates != 0 {
		t.Errorf("reported %+v", i)
	}
}
