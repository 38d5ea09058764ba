package decide_test

import (
	"fmt"
	"testing"
	"time"

	"signalbox"
	"signalbox/automate"
	"signalbox/decide"
	"signalbox/internal/boxtest/intelligence"
)

// benchmarkTurn measures deciding one signal of a busy account, loading and saving aside.
func benchmarkTurn(b *testing.B, define func(*signalbox.Definitions)) {
	w := newWorld(b)
	hook := subscriber(signalbox.FormatStairoids)
	hook.Events = []string{"signal.created", "signal.scored", "account.*"}
	w.webhook(hook)
	if define != nil {
		w.change(define)
	}
	const people = 1
	for n := range 50 {
		w.signal(intelligence.Signal(n, people))
		w.now = w.now.Add(time.Minute)
	}
	c := w.compile()
	// What is loaded is made beforehand, for many signals at once: to stop the clock costs more than a turn, and empties its caches.
	const ready = 256
	type turn struct {
		at *signalbox.Situation
		of []decide.Prepared
	}
	var turns []turn
	n := 50
	load := func() {
		turns = turns[:0]
		for range ready {
			in := intelligence.Signal(n, people)
			n++
			p, err := c.Prepare(decide.Input{Workspace: ws, Signal: &in})
			if err != nil {
				b.Fatal(err)
			}
			list := []decide.Prepared{p}
			turns = append(turns, turn{w.situation(decide.Need(list)), list})
		}
	}
	env := decide.Env{Now: w.now, IDs: w.ids, Codec: w.codec}
	b.ReportAllocs()
	for b.Loop() {
		if len(turns) == 0 {
			b.StopTimer()
			load()
			b.StartTimer()
		}
		next := turns[len(turns)-1]
		turns = turns[:len(turns)-1]
		d, _, err := decide.Turn(next.at, next.of, env)
		if err != nil {
			b.Fatal(err)
		}
		if want := min(3, len(w.defs.Automations)); len(d.Runs) != want {
			b.Fatalf("%d runs, want %d", len(d.Runs), want)
		}
	}
}

func BenchmarkTurn(b *testing.B) {
	b.Run("plain", func(b *testing.B) { benchmarkTurn(b, nil) })
	b.Run("intelligence", func(b *testing.B) { benchmarkTurn(b, intelligence.Define) })
	b.Run("automations", func(b *testing.B) { benchmarkTurn(b, automations) })
}

// automations are 100, each with a webhook of its own, of which a page view starts three; it also starts seven whose conditions keep them out.
func automations(d *signalbox.Definitions) {
	for i := range 100 {
		typ := fmt.Sprint("type_", i)
		if i < 10 {
			typ = "page_view"
		}
		a := onSignal(typ, fmt.Sprintf("properties.team_size >= %d", i/3*1000), `account.attributes.plan == "pro"`)
		a.ID, a.Enabled, a.Name, a.PerHour = signalbox.AutomationID(1000+i), true, "Tell sales", automate.MaxPerHour
		d.Automations = append(d.Automations, a)
		d.Webhooks = append(d.Webhooks, signalbox.Webhook{ID: signalbox.WebhookID(a.ID), Workspace: ws, Kind: signalbox.KindAction, Format: signalbox.FormatStairoids, Enabled: true})
	}
}
