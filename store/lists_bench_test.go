package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"signalbox"
	"signalbox/store"
)

// BenchmarkLists reads first pages of 100,000 accounts, on each database, and says how long the slowest twentieth took.
func BenchmarkLists(b *testing.B) {
	for _, engine := range engines {
		b.Run(engine.name, func(b *testing.B) {
			db, err := store.Open(b.Context(), engine.config(b))
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			ws := manyAccounts(b, db, 100_000)
			for _, f := range []signalbox.RecordFilter{
				{}, {Sort: signalbox.ByName}, {Sort: signalbox.ByLastSignal}, {Sort: signalbox.ByOldSignal}, {Query: "acme4711"}, {Query: "acme471"},
				{Query: "acme47"}, {Query: "a"}, {Query: "com"}, {Query: "rare"}, {Query: "com rare"}, {Query: "acme47", Sort: signalbox.ByName}, {Query: "nobody"},
				{Query: "a", Sort: signalbox.ByLastSignal}, {Status: "customer"},
				{Sort: signalbox.ByScore}, {Sort: signalbox.ByScore, Stage: "Hot"}, {Sort: signalbox.ByScore, Stage: "Warm"}, {Stage: "Hot"}, {Stage: "Hot", Sort: signalbox.ByLastSignal},
				{Stage: "Cool", First: true, Sort: signalbox.ByScore}, {Audience: 7, Sort: signalbox.ByScore}, {Audience: 7, Stage: "Hot", Sort: signalbox.ByLastSignal},
				{Query: "a", Sort: signalbox.ByScore},
			} {
				b.Run(fmt.Sprintf("q=%s,sort=%s,status=%s,stage=%s,audience=%d", f.Query, f.Sort, f.Status, f.Stage, f.Audience), func(b *testing.B) {
					var took []time.Duration
					for b.Loop() {
						begin := time.Now()
						if _, _, err := db.Accounts(b.Context(), ws, f, signalbox.Page{Limit: 50}); err != nil {
							b.Fatal(err)
						}
						took = append(took, time.Since(begin))
					}
					slices.Sort(took)
					b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
				})
			}
		})
	}
}

// manyAccounts fills a workspace with accounts that each have had a signal.
func manyAccounts(b *testing.B, db *store.DB, n int) signalbox.WorkspaceID {
	b.Helper()
	ids, now := signalbox.NewIDs(0), time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	ws := signalbox.WorkspaceID(ids.Next(now))
	if err := db.CreateWorkspace(b.Context(), signalbox.Workspace{ID: ws, Name: "w", Timezone: "UTC", CreatedAt: now, UpdatedAt: now}); err != nil {
		b.Fatal(err)
	}
	for at := 0; at < n; at += 1000 {
		d := &signalbox.Decision{Heads: map[signalbox.WorkspaceID]signalbox.Head{}}
		for i := at; i < at+1000; i++ {
			now = now.Add(time.Second)
			a := signalbox.Account{ID: signalbox.AccountID(ids.Next(now)), Workspace: ws, Domain: fmt.Sprintf("acme%d.com", (i*7919)%n), Name: fmt.Sprintf("Company %d", i), Revision: 1, CreatedAt: now, UpdatedAt: now}
			if i%10_000 == 0 {
				a.Name, a.Status = "Rare Ltd", "customer"
			}
			d.Accounts = append(d.Accounts, signalbox.Written[signalbox.Account]{Row: &a, New: true})
			state := &signalbox.EntityState{Entity: signalbox.EntityID(a.ID), Kind: signalbox.AccountRecord, Workspace: ws, LastSignal: 1, LastSignalAt: now, Ranked: now, Signals: 1, New: true}
			state.Score = signalbox.ScoreRank{On: true, Key: int64(i*7919%n) << 30}
			switch { // a thousandth is hot, a fifth is warm, and a hundredth is in an audience
			case i*7919%n > n-n/1000:
				state.Stage = "Hot"
			case i%5 == 0:
				state.Stage = "Warm"
			}
			if i%100 == 0 {
				d.Moves = append(d.Moves, signalbox.AudienceMove{Workspace: ws, Audience: 7, Entity: state.Entity, Entered: true, At: now})
			}
			d.States = append(d.States, state)
		}
		err := db.Decide(context.Background(), func() signalbox.Need { return signalbox.Need{} }, func(*signalbox.Situation) (*signalbox.Decision, error) { return d, nil })
		if err != nil {
			b.Fatal(err)
		}
	}
	return ws
}
