package due_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"signalbox"
	"signalbox/due"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// table is the due table and the node's row, in memory; every call may be made to fail.
type table struct {
	mu         sync.Mutex
	rows       map[[2]int64]signalbox.Due
	generation int64
	beats      int
	broken     error // answers every call
	stolen     bool  // another process took the node over
	tokens     []string
	beat       signalbox.Beat // what a heartbeat is answered
	ahead      time.Duration  // of the database's clock before this machine's; 0: it has none
	left       int
}

func newTable() *table {
	return &table{rows: map[[2]int64]signalbox.Due{}, beat: signalbox.Beat{Live: 1}}
}

func key(d signalbox.Due) [2]int64 { return [2]int64{int64(d.Kind), d.Subject} }

func (s *table) put(d signalbox.Due) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows[key(d)] = d
}

func (s *table) get(d signalbox.Due) (signalbox.Due, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.rows[key(d)]
	return row, ok
}

func (s *table) breakWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = err
}

func (s *table) JoinNode(_ context.Context, token string, _ time.Time) (signalbox.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return signalbox.Lease{}, s.broken
	}
	s.tokens = append(s.tokens, token)
	s.generation++
	s.stolen = false
	return signalbox.Lease{Node: 3, Generation: s.generation}, nil
}

func (s *table) Heartbeat(_ context.Context, h signalbox.Heartbeat) (signalbox.Beat, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beats++
	if s.stolen || s.broken != nil || h.Lease.Generation != s.generation {
		return signalbox.Beat{}, s.broken
	}
	beat := s.beat
	beat.Holds = true
	if s.ahead != 0 {
		beat.Now = time.Now().Add(s.ahead)
	}
	s.beat.Ended = 0
	return beat, nil
}

func (s *table) LeaveNode(context.Context, signalbox.Lease, time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left++
	return s.broken
}

func (s *table) NextDue(context.Context) (at time.Time, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.rows {
		if !ok || d.At.Before(at) {
			at, ok = d.At, true
		}
	}
	return at, ok, s.broken
}

func (s *table) TakeDue(_ context.Context, _ signalbox.Lease, now time.Time, limit int) ([]signalbox.Due, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return nil, s.broken
	}
	var taken []signalbox.Due
	for k, d := range s.rows {
		if len(taken) < limit && !d.At.After(now) {
			taken = append(taken, d)
			d.At = now.Add(signalbox.LeaseFor)
			s.rows[k] = d
		}
	}
	return taken, nil
}

func (s *table) RearmDue(_ context.Context, d signalbox.Due) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	if s.rows[key(d)] = d; d.At.IsZero() {
		delete(s.rows, key(d))
	}
	return nil
}

var errDown = errors.New("the database is away")

// bench is a runner on a table in virtual time, with one owner that notes when it was called.
type bench struct {
	*testing.T
	table  *table
	node   *due.Node
	runner *due.Runner
	lost   int
	shares int

	mu    sync.Mutex
	calls []time.Duration // since the beginning
	begin time.Time
	owner due.Owner
}

// run starts a node and a runner in a bubble and calls test; everything is stopped after it.
func run(t *testing.T, test func(b *bench)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, table: newTable(), begin: time.Now()}
		log := slog.New(slog.DiscardHandler)
		var err error
		if b.node, err = due.Join(t.Context(), b.config(log)); err != nil {
			t.Fatal(err)
		}
		b.runner = due.New(b.table, b.node, map[signalbox.DueKind]due.Owner{signalbox.DueLane: b.call}, log)
		ctx, cancel := context.WithCancel(t.Context())
		var services sync.WaitGroup
		services.Go(func() { _ = b.node.Run(ctx) })
		services.Go(func() { _ = b.runner.Run(ctx) })
		test(b)
		cancel()
		services.Wait()
	})
}

func (b *bench) config(log *slog.Logger) due.NodeConfig {
	return due.NodeConfig{
		Store: b.table, Token: "token", Log: log,
		Lost:   func(signalbox.Lease) { b.lost++ },
		Shares: func() { b.shares++ },
		Due:    func() { b.runner.Wake(b.node.Now()) },
	}
}

func (b *bench) call(ctx context.Context, d signalbox.Due) (signalbox.Again, error) {
	b.mu.Lock()
	b.calls = append(b.calls, time.Since(b.begin))
	b.mu.Unlock()
	if b.owner == nil {
		return signalbox.Again{Done: true}, nil
	}
	return b.owner(ctx, d)
}

func (b *bench) lane(subject int64, in time.Duration) signalbox.Due {
	return signalbox.Due{Kind: signalbox.DueLane, Workspace: 1, Subject: subject, At: b.begin.Add(in).UTC()}
}

// after lets virtual time pass and wants the owner's calls so far.
func (b *bench) after(d time.Duration, want ...time.Duration) {
	b.Helper()
	time.Sleep(time.Until(b.begin.Add(d)))
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.calls) != len(want) {
		b.Fatalf("after %s: called at %v, want %v", d, b.calls, want)
	}
	for i := range want {
		if b.calls[i] != want[i] {
			b.Fatalf("after %s: called at %v, want %v", d, b.calls, want)
		}
	}
}

func TestRunner_HandsARowOverWhenItIsDue(t *testing.T) {
	run(t, func(b *bench) {
		d := b.lane(1, 90*time.Second)
		b.table.put(d)
		b.after(89 * time.Second)
		b.after(2*time.Minute, 90*time.Second)
		if _, ok := b.table.get(d); ok {
			b.Error("the row is still there although its owner was done with it")
		}
	})
}

func TestRunner_WakeBringsItForwardAndALostWakeCostsOnePoll(t *testing.T) {
	run(t, func(b *bench) {
		b.after(time.Second)
		d := b.lane(1, time.Second)
		b.table.put(d)
		b.runner.Wake(d.At)
		b.after(time.Second, time.Second)
		b.after(11*time.Second, time.Second)
		b.table.put(b.lane(2, 11*time.Second)) // and nobody is told
		time.Sleep(due.PollEvery)
		synctest.Wait()
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.calls) != 2 || b.calls[1] > 11*time.Second+due.PollEvery {
			b.Errorf("called at %v, want a second call within one poll", b.calls)
		}
	})
}

func TestRunner_OwnerSaysWhenToComeAgain(t *testing.T) {
	run(t, func(b *bench) {
		b.owner = func(_ context.Context, d signalbox.Due) (signalbox.Again, error) {
			if len(b.calls) < 3 {
				return signalbox.Again{At: time.Now().Add(time.Minute)}, nil
			}
			return signalbox.Again{Done: true}, nil
		}
		b.table.put(b.lane(1, 0))
		b.after(10*time.Minute, 0, time.Minute, 2*time.Minute)
	})
}

func TestRunner_OwnerThatFailsOrPanicsIsAskedAgain(t *testing.T) {
	run(t, func(b *bench) {
		b.owner = func(context.Context, signalbox.Due) (signalbox.Again, error) {
			switch len(b.calls) {
			case 1:
				return signalbox.Again{}, errDown
			case 2:
				panic("a bug in an owner")
			}
			return signalbox.Again{Done: true}, nil
		}
		b.table.put(b.lane(1, 0))
		b.after(time.Minute, 0, 5*time.Second, 10*time.Second)
	})
}

func TestRunner_SubjectAtWorkIsNotHandedOutTwice(t *testing.T) {
	run(t, func(b *bench) {
		release := make(chan struct{})
		b.owner = func(context.Context, signalbox.Due) (signalbox.Again, error) {
			<-release
			return signalbox.Again{Done: true}, nil
		}
		b.table.put(b.lane(1, 0))
		b.after(time.Minute, 0) // the lease of the row has run out several times
		close(release)
		b.after(2*time.Minute, 0)
	})
}

func TestRunner_WhatAnOwnerKeptIsLeftAlone(t *testing.T) {
	run(t, func(b *bench) {
		d := b.lane(1, 0)
		b.owner = func(context.Context, signalbox.Due) (signalbox.Again, error) {
			if len(b.calls) == 1 {
				b.table.put(b.lane(1, 30*time.Second))
				return signalbox.Again{Kept: true, At: b.begin.Add(30 * time.Second)}, nil
			}
			return signalbox.Again{Done: true}, nil
		}
		b.table.put(d)
		b.after(time.Minute, 0, 30*time.Second)
	})
}

func TestRunner_BrokenDatabaseIsAskedAgainWithoutSpinning(t *testing.T) {
	run(t, func(b *bench) {
		b.table.put(b.lane(1, 2*time.Second))
		b.after(time.Second)
		b.table.breakWith(errDown)
		b.after(5 * time.Second)
		b.table.breakWith(nil)
		time.Sleep(2 * due.PollEvery)
		synctest.Wait()
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.calls) != 1 {
			b.Errorf("called %d times, want once after the database came back", len(b.calls))
		}
	})
}

func TestRunner_ALeaseTooOldTakesNothing(t *testing.T) {
	run(t, func(b *bench) {
		b.after(time.Second)
		b.table.mu.Lock()
		b.table.broken = errDown // no heartbeat is confirmed any more
		b.table.mu.Unlock()
		time.Sleep(signalbox.SendWithin)
		if _, ok := b.node.Lease(); ok {
			b.Error("the node still trusts a lease that nobody confirmed for 8 s")
		}
	})
}

func TestNode_LeaseHoldsWhileHeartbeatsAreConfirmed(t *testing.T) {
	run(t, func(b *bench) {
		for range 100 {
			time.Sleep(time.Second)
			if l, ok := b.node.Lease(); !ok || l.Generation != 1 {
				b.Fatalf("lease %+v, %t, want the first generation to hold", l, ok)
			}
		}
		if b.table.beats < 30 {
			b.Errorf("%d heartbeats in 100 s", b.table.beats)
		}
	})
}
