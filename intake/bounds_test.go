package intake_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"signalbox"
	"signalbox/intake"
	"signalbox/internal/boxtest/intelligence"
)

// counting is a store that counts what turns look up and how large what they keep of a record is.
type counting struct {
	intake.Store

	mu      sync.Mutex
	shared  int // look-ups that a turn makes once for a workspace: each is answered with one row at most
	own     int // those that each of its signals adds; a record comes in one row with its state
	largest int // state that was saved, in bytes
}

func (c *counting) Decide(ctx context.Context, prepare func() signalbox.Need, decide func(*signalbox.Situation) (*signalbox.Decision, error)) error {
	counted := func() signalbox.Need {
		n := prepare()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.shared += len(n.Workspaces) + len(n.Meters)
		c.own += len(n.Keys) + len(n.Accounts) + len(n.Contacts) + len(n.Types) + len(n.Answered) + len(n.Imports) + len(n.Captures) + len(n.Merges)
		return n
	}
	return c.Store.Decide(ctx, counted, func(s *signalbox.Situation) (*signalbox.Decision, error) {
		d, err := decide(s)
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, state := range d.States {
			c.largest = max(c.largest, len(state.Standing)+len(state.Following))
		}
		return d, nil
	})
}

// define puts the whole of package intelligence in force, and whatever more.
func (b *box) define(more ...signalbox.Definition) {
	b.Helper()
	now := time.Now().UTC()
	list, err := intelligence.Definitions(b.ws, func() int64 { return b.ids.Next(now) })
	if err != nil {
		b.Fatal(err)
	}
	for _, d := range append(list, more...) {
		err := b.db.Define(b.Context(), b.ws, now, func(*signalbox.Definitions) (*signalbox.Redefinition, error) {
			return &signalbox.Redefinition{Put: &d, Act: "defined"}, nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// Deciding reads at most four rows for a signal: its account and its contact with their states, and by what a capture or an idempotency key is known. Beside
// them a turn reads the head of its workspace, and what it counts by.
func TestSubmit_ASignalReadsAtMostFourRows(t *testing.T) {
	t.Parallel()
	c := &counting{}
	b := newBox(t, func(s intake.Store) intake.Store { c.Store = s; return c })
	b.define()
	if _, err := b.submit(intelligence.Signal(0, 1)); err != nil {
		t.Fatal(err)
	}
	for name, capture := range map[string]bool{"a signal": false, "a capture": true} {
		in := intelligence.Signal(1, 1)
		in.IdempotencyKey = name
		in.Capture, in.OccurredAt = capture, time.Now().UTC()
		c.own, c.shared = 0, 0
		if r, err := b.submit(in); err != nil || r.Account == 0 || r.Contact == 0 || r.Qualified == nil || r.Qualified.ICP == "" {
			t.Fatalf("%s: %+v, %v", name, r, err)
		}
		if c.own > 4 || c.own < 2 || c.shared > 2 {
			t.Errorf("%s of a known contact looks up %d rows, and its turn %d", name, c.own, c.shared)
		}
	}
}

// What deciding keeps of a record takes at most 64 KiB, whatever comes in.
func TestSubmit_WhatIsKeptOfARecordHasABound(t *testing.T) {
	t.Parallel()
	c := &counting{}
	b := newBox(t, func(s intake.Store) intake.Store { c.Store = s; return c })
	now := time.Now().UTC()
	var more []signalbox.Definition
	for i := range 50 { // each needs the 100 latest times
		more = append(more, signalbox.Definition{ID: b.ids.Next(now), Workspace: b.ws, Kind: signalbox.DefinedAudience, Code: fmt.Sprint("much ", i),
			Body: fmt.Appendf(nil, `{"of":1,"ready":true,"condition":"count(signals, \"page_view\", \"%dd\") >= 100 || signals.context.team_size > %d"}`, 1+i, 1000+i)})
	}
	b.define(more...)
	for i := range 400 {
		in := intelligence.Signal(i, 1)
		in.Source = fmt.Sprint("source ", i, "-0123456789012345678901234567890123456789")
		in.Type = []string{"page_view", fmt.Sprint("type_", i)}[i%2]
		in.Properties = []byte(`{"team_size":5000,"plan":"pro"}`)
		in.OccurredAt = now.Add(-time.Duration(i) * 7 * time.Hour)
		if _, err := b.submit(in); err != nil {
			t.Fatal(err)
		}
	}
	if c.largest > 64<<10 || c.largest < 1<<10 {
		t.Errorf("the largest state takes %d bytes", c.largest)
	}
}
