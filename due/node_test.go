package due_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/due"
)

func TestNode_AfterAGapItTakesANewGeneration(t *testing.T) {
	run(t, func(b *bench) {
		b.after(time.Second)
		b.table.breakWith(errDown)
		b.after(30 * time.Second)
		if _, ok := b.node.Lease(); ok || b.lost != 0 {
			b.Fatalf("lease trusted: %t, lost told %d times, want neither before the database is back", ok, b.lost)
		}
		b.table.breakWith(nil)
		b.after(40 * time.Second)
		if l, ok := b.node.Lease(); !ok || l.Generation != 2 || b.lost != 1 || b.node.LeasesLost() == 0 {
			b.Errorf("lease %+v, %t, lost told %d times, want the second generation, told once", l, ok, b.lost)
		}
		if want := []string{"token", "token"}; !slices.Equal(b.table.tokens, want) {
			b.Errorf("joined as %v, want the same node again", b.table.tokens)
		}
	})
}

// A node can do nothing until it has a lease again: it does not let a heartbeat's time pass when the database is back.
func TestNode_AfterAnOutageItHasALeaseWithinASecond(t *testing.T) {
	run(t, func(b *bench) {
		b.after(time.Second)
		b.table.breakWith(errDown)
		b.after(30 * time.Second)
		before := b.table.beats
		b.after(40 * time.Second)
		if tries := b.table.beats - before; tries > 20 {
			b.Errorf("%d tries in 10 s of an outage, want two a second at most", tries)
		}
		b.table.breakWith(nil)
		b.after(41 * time.Second)
		if l, ok := b.node.Lease(); !ok {
			b.Errorf("lease %+v is not trusted a second after the database is back", l)
		}
	})
}

// Two processes with one token would take the node from each other for ever.
func TestNode_TakenOverWhileItWasAliveItGoesOnAsAnotherNode(t *testing.T) {
	run(t, func(b *bench) {
		b.table.mu.Lock()
		b.table.stolen = true
		b.table.mu.Unlock()
		b.after(10 * time.Second)
		if l, ok := b.node.Lease(); !ok || l.Generation != 2 || b.lost != 1 {
			b.Errorf("lease %+v, %t, lost told %d times, want a new generation", l, ok, b.lost)
		}
		if tokens := b.table.tokens; len(tokens) != 2 || tokens[0] != "token" || tokens[1] == "token" {
			b.Errorf("joined as %v, want another token the second time", tokens)
		}
	})
}

func TestNode_LeavesWhenItStops(t *testing.T) {
	var table *table
	run(t, func(b *bench) {
		table = b.table
		b.after(10 * time.Second)
		if table.left != 0 {
			b.Error("left while it runs")
		}
	})
	t.Cleanup(func() {
		if table.left != 1 {
			t.Errorf("left %d times after its end, want once", table.left)
		}
	})
}

// A node that is silent is found out when its lease ends, not at the next heartbeat after that (design: taken over within lease and 2 s).
func TestNode_LooksAgainWhenASilentOnesLeaseEnds(t *testing.T) {
	run(t, func(b *bench) {
		b.after(10 * time.Second)
		b.table.mu.Lock()
		b.table.beat = signalbox.Beat{Live: 2, Watch: 500 * time.Millisecond}
		b.table.mu.Unlock()
		b.after(12500 * time.Millisecond)
		b.table.mu.Lock()
		beats := b.table.beats
		b.table.beat = signalbox.Beat{Live: 1, Ended: 1}
		b.table.mu.Unlock()
		d := b.lane(1, 0)
		b.table.put(d) // armed by the heartbeat that ended the lease
		b.after(13*time.Second, 13*time.Second)
		if b.table.beats != beats+1 {
			b.Errorf("%d heartbeats in half a second, want the one that was due", b.table.beats-beats)
		}
		if b.shares < 2 {
			b.Errorf("told %d times that the shares changed, want when the other came and when it went", b.shares)
		}
	})
}

// proves R12 as far as a node's own clock: what is stored is told by the database's.
func TestNode_ItsClockIsTheDatabases(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"behind": -time.Hour, "ahead": time.Hour, "a little": 20 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newTable()
				s.ahead = ahead
				n, err := due.Join(t.Context(), due.NodeConfig{Store: s, Token: "token"})
				if err != nil {
					t.Fatal(err)
				}
				for range 10 {
					time.Sleep(time.Second)
					if off := time.Until(n.Now()) - ahead; off.Abs() > time.Millisecond {
						t.Fatalf("%v off the database's clock", off)
					}
				}
			})
		})
	}
}

// What nodes divide adds up to the whole, whatever came or went.
func TestNode_SharesAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		live := rapid.IntRange(1, 12).Draw(r, "live")
		whole := rapid.IntRange(0, 100).Draw(r, "whole")
		subject := rapid.Int64().Draw(r, "subject")
		sum, most, least := 0, 0, whole
		for rank := range live {
			s := newTable()
			s.beat = signalbox.Beat{Live: live, Rank: rank}
			n, err := due.Join(t.Context(), due.NodeConfig{Store: s, Token: "token"})
			if err != nil {
				r.Fatal(err)
			}
			share := n.Share(whole, subject)
			sum, most, least = sum+share, max(most, share), min(least, share)
		}
		if sum != whole || most-least > 1 {
			r.Fatalf("%d nodes share %d of %d, the most %d, the least %d", live, sum, whole, most, least)
		}
	})
	s := newTable()
	s.beat = signalbox.Beat{Live: 2, Rank: -1}
	n, err := due.Join(t.Context(), due.NodeConfig{Store: s, Token: "token", Holds: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := n.Share(8, 1); got != 0 {
		t.Errorf("a node that sends nothing has a share of %d", got)
	}
}
