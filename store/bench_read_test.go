package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"signalbox"
)

// What the dashboard reads, with a day of 120,000 signals and deliveries, of which 20,000 wait, 500 webhooks and 10,000 refusals.
const (
	readTurns = 1500
	readSize  = 80
)

// dayOf fills a world with a day.
func (w *world) dayOf(b *testing.B) {
	b.Helper()
	for i := range 499 {
		err := w.db.CreateWebhook(b.Context(), signalbox.Webhook{
			ID: signalbox.WebhookID(w.id()), Workspace: w.ws, Kind: signalbox.KindPush, URL: fmt.Sprint("http://127.0.0.1/", i), Events: []string{"none"},
			Format: signalbox.FormatStairoids, MaxInFlight: 8, Enabled: true, CreatedAt: w.now, UpdatedAt: w.now,
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for turn := range readTurns {
		w.now = w.now.Add(57 * time.Second)
		w.settle(b, w.decide(b, readSize), turn%6 != 0)
		if turn%15 == 0 {
			w.refuse(b, 100)
		}
	}
}

// refuse puts rows into the log.
func (w *world) refuse(b *testing.B, n int) {
	b.Helper()
	rows := make([]signalbox.LogRow, n)
	for i := range rows {
		rows[i] = signalbox.LogRow{
			ID: w.id(), Workspace: w.ws, Request: 1, At: w.now, Outcome: signalbox.LogRefused, Operation: "createSignal", Method: "POST", Path: "/v1/signals",
			Status: 400, Code: "validation_error", Message: "type is required", Param: "type", Domain: domainOf(i), Count: 1,
		}
	}
	if err := w.db.InsertLogs(b.Context(), rows); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkReads measures what the dashboard's first pages read.
func BenchmarkReads(b *testing.B) {
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) {
			w := newWorld(b, e.config(b))
			w.dayOf(b)
			var place int64
			reads := map[string]func() error{
				"overview": func() error { _, err := w.db.Overview(b.Context(), w.ws, w.now); return err },
				"health":   func() error { _, err := w.db.WebhookHealth(b.Context(), w.ws, w.wh, w.now); return err },
				"pulse":    func() error { _, err := w.db.Pulse(b.Context(), w.ws, w.now); return err },
				"logs": func() error {
					_, next, err := w.db.Logs(b.Context(), w.ws, signalbox.LogFilter{}, signalbox.Page{Limit: 50})
					place = next
					return err
				},
				"logs-next": func() error {
					_, _, err := w.db.Logs(b.Context(), w.ws, signalbox.LogFilter{}, signalbox.Page{Limit: 50, Before: place})
					return err
				},
				"logs-refused": func() error {
					_, _, err := w.db.Logs(b.Context(), w.ws, signalbox.LogFilter{Outcome: signalbox.LogRefused}, signalbox.Page{Limit: 50})
					return err
				},
				"logs-domain": func() error {
					_, _, err := w.db.Logs(b.Context(), w.ws, signalbox.LogFilter{Domain: domainOf(7), Account: w.acc[7]}, signalbox.Page{Limit: 50})
					return err
				},
				"logs-nothing": func() error {
					_, _, err := w.db.Logs(b.Context(), w.ws, signalbox.LogFilter{Query: "nobody says this"}, signalbox.Page{Limit: 50})
					return err
				},
				"signals": func() error {
					_, _, err := w.db.Signals(b.Context(), w.ws, signalbox.SignalFilter{}, signalbox.Page{Limit: 50})
					return err
				},
			}
			for _, load := range []int{0, 500} {
				for _, name := range []string{"overview", "health", "pulse", "logs", "logs-next", "logs-refused", "logs-domain", "logs-nothing", "signals"} {
					b.Run(fmt.Sprintf("%s/load=%d", name, load), func(b *testing.B) { w.underLoad(b, load, reads[name]) })
				}
			}
		})
	}
}

// underLoad measures a read while so many signals a second arrive and are delivered.
func (w *world) underLoad(b *testing.B, perSecond int, read func() error) {
	var load sync.WaitGroup
	stop := make(chan struct{})
	if perSecond > 0 {
		load.Go(func() {
			tick := time.NewTicker(time.Second * 10 / time.Duration(perSecond))
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
					w.settle(b, w.decide(b, 10), true)
				}
			}
		})
	}
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if err := read(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	close(stop)
	load.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
}
