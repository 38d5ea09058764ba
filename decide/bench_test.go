package decide_test

import (
	"testing"
	"time"

	"signalbox"
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
	b.ReportAllocs()
	n := 50
	for b.Loop() {
		b.StopTimer()
		in := intelligence.Signal(n, people)
		n++
		p, err := c.Prepare(decide.Input{Workspace: ws, Signal: &in})
		if err != nil {
			b.Fatal(err)
		}
		list := []decide.Prepared{p}
		s := w.situation(decide.Need(list))
		env := decide.Env{Now: w.now, IDs: w.ids, Codec: w.codec}
		b.StartTimer()
		if _, _, err := decide.Turn(s, list, env); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTurn(b *testing.B) {
	b.Run("plain", func(b *testing.B) { benchmarkTurn(b, nil) })
	b.Run("intelligence", func(b *testing.B) { benchmarkTurn(b, intelligence.Define) })
}
