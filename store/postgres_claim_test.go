package store_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"signalbox"
)

// A claim that finds its lane's due row missing must not take away the one that an insert makes meanwhile: nobody would ever look for what was
// inserted. A free delivery has a due row, or somebody has claimed it.
func TestClaim_NeverTakesAwayADueRowThatItHasNotSeen(t *testing.T) {
	t.Parallel()
	s, base := newSmallPostgres(t, postgres(t))
	lease, err := s.JoinNode(t.Context(), "claimer", s.now)
	if err != nil {
		t.Fatal(err)
	}
	s.lease = signalbox.Lease{} // what is inserted is free
	claim := func() {
		if _, err := s.Claim(t.Context(), lease, s.ws, s.wh, 10, s.now); err != nil {
			t.Error(err)
		}
	}
	eyes, err := pgx.Connect(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	defer eyes.Close(context.Background())
	for round := range 100 {
		var claimers sync.WaitGroup
		var inserted atomic.Bool
		for range 3 {
			claimers.Go(func() {
				for !inserted.Load() {
					claim()
				}
			})
		}
		if _, _, err := s.signal([]byte(`{}`)); err != nil {
			t.Error(err)
		}
		inserted.Store(true)
		claimers.Wait()
		var free, due int
		err := eyes.QueryRow(t.Context(), `
SELECT (SELECT count(*) FROM deliveries WHERE done_at IS NULL AND lease_node IS NULL), (SELECT count(*) FROM due WHERE subject = $1)`,
			int64(s.wh)).Scan(&free, &due)
		if err != nil {
			t.Fatal(err)
		}
		if free > 0 && due == 0 {
			t.Fatalf("round %d: %d deliveries are free and no due row tells of them", round, free)
		}
		claim() // the next round begins without either
	}
}
