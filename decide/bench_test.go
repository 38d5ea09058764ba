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
		if _, _, err := decide.Turn(next.at, next.of, env); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTurn(b *testing.B) {
	b.Run("plain", func(b *testing.B) { benchmarkTurn(b, nil) })
	b.Run("intelligence", func(b *testing.B) { benchmarkTurn(b, intelligence.Define) })
}
