package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"signalbox"
	"signalbox/store"
)

// benchTime is when the benchmarks' world begins.
var benchTime = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)

const (
	benchAccounts = 10_000
	benchContacts = 50_000
)

// world is a preloaded database and what the benchmarks need to know of it.
type world struct {
	db    *store.DB
	ids   *signalbox.IDs
	lease signalbox.Lease
	ws    signalbox.WorkspaceID
	wh    signalbox.WebhookID
	typ   signalbox.TypeID
	acc   []signalbox.AccountID
	con   []signalbox.ContactID
	named [][2]signalbox.RecordKey // by contact: its account's key and its own
	now   time.Time
	turn  int
}

// engines are the databases that the benchmarks run on.
var engines = []struct {
	name   string
	config func(b *testing.B) store.Config
}{
	{"SQLite", func(b *testing.B) store.Config { return store.Config{Path: filepath.Join(b.TempDir(), "bench.db")} }},
	{"PostgreSQL", func(b *testing.B) store.Config { return store.Config{DatabaseURL: postgres(b).Schema(b)} }},
}

func newWorld(b *testing.B, cfg store.Config) *world {
	b.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	w := &world{db: db, ids: signalbox.NewIDs(0), now: benchTime}
	w.ws, w.wh, w.typ = signalbox.WorkspaceID(w.id()), signalbox.WebhookID(w.id()), signalbox.TypeID(w.id())
	if w.lease, err = db.JoinNode(ctx, "bench", w.now); err != nil {
		b.Fatal(err)
	}
	if err := db.CreateWorkspace(ctx, signalbox.Workspace{ID: w.ws, Name: "bench", Timezone: "UTC", CreatedAt: w.now, UpdatedAt: w.now}); err != nil {
		b.Fatal(err)
	}
	hook := signalbox.Webhook{
		ID: w.wh, Workspace: w.ws, Kind: signalbox.KindPush, URL: "http://127.0.0.1", Events: []string{"*"}, Format: signalbox.FormatStairoids,
		MaxInFlight: 8, Enabled: true, CreatedAt: w.now, UpdatedAt: w.now,
	}
	if err := db.CreateWebhook(ctx, hook); err != nil {
		b.Fatal(err)
	}
	w.preload(b)
	return w
}

func (w *world) id() int64 { return w.ids.Next(w.now) }

// preload makes the accounts and contacts, in turns of a thousand.
func (w *world) preload(b *testing.B) {
	b.Helper()
	types := []signalbox.SignalType{{ID: w.typ, Workspace: w.ws, Name: "page_visit", CreatedAt: w.now}}
	for len(w.con) < benchContacts {
		d := &signalbox.Decision{Types: types}
		types = nil
		for range 1000 {
			w.addRecord(d)
		}
		err := w.db.Decide(context.Background(),
			func() signalbox.Need { return signalbox.Need{} },
			func(*signalbox.Situation) (*signalbox.Decision, error) { return d, nil })
		if err != nil {
			b.Fatal(err)
		}
	}
}

func (w *world) addRecord(d *signalbox.Decision) {
	if len(w.acc) < benchAccounts {
		a := &signalbox.Account{ID: signalbox.AccountID(w.id()), Workspace: w.ws, Domain: domainOf(len(w.acc)), CreatedAt: w.now, UpdatedAt: w.now}
		w.acc = append(w.acc, a.ID)
		d.Accounts = append(d.Accounts, signalbox.Written[signalbox.Account]{Row: a, New: true})
		d.Keys = append(d.Keys, newKey(w.ws, signalbox.KeyDomain, a.Domain, int64(a.ID)))
		d.States = append(d.States, &signalbox.EntityState{Entity: signalbox.EntityID(a.ID), Workspace: w.ws, New: true})
	}
	n := len(w.con)
	c := &signalbox.Contact{
		ID: signalbox.ContactID(w.id()), Workspace: w.ws, Account: w.acc[n%len(w.acc)], Email: emailOf(n), FirstName: "Ada", LastName: "Lovelace",
		CreatedAt: w.now, UpdatedAt: w.now,
	}
	w.con = append(w.con, c.ID)
	w.named = append(w.named, [2]signalbox.RecordKey{
		{Workspace: w.ws, Kind: signalbox.KeyDomain, Value: domainOf(n)},
		{Workspace: w.ws, Kind: signalbox.KeyEmail, Value: c.Email},
	})
	d.Contacts = append(d.Contacts, signalbox.Written[signalbox.Contact]{Row: c, New: true})
	d.Keys = append(d.Keys, newKey(w.ws, signalbox.KeyEmail, c.Email, int64(c.ID)))
	d.States = append(d.States, &signalbox.EntityState{Entity: signalbox.EntityID(c.ID), Workspace: w.ws, New: true})
}

func newKey(ws signalbox.WorkspaceID, kind signalbox.KeyKind, value string, entity int64) signalbox.NewKey {
	return signalbox.NewKey{RecordKey: signalbox.RecordKey{Workspace: ws, Kind: kind, Value: value}, Entity: signalbox.EntityID(entity)}
}

func domainOf(n int) string { return fmt.Sprintf("company-%05d.example", n%benchAccounts) }
func emailOf(n int) string {
	return fmt.Sprintf("person-%05d@company-%05d.example", n, n%benchAccounts)
}

// decide saves one turn of n signals: each with an event of about 700 bytes and a leased delivery, over accounts and contacts in a
// scattered order; it returns the deliveries.
func (w *world) decide(b *testing.B, n int) []signalbox.DeliveryID {
	b.Helper()
	w.turn++
	w.now = w.now.Add(50 * time.Millisecond)
	who := make([]int, n)
	need := signalbox.Need{Workspaces: []signalbox.WorkspaceID{w.ws}, Types: []signalbox.TypeKey{{Workspace: w.ws, Name: "page_visit"}}}
	for i := range who {
		who[i] = (w.turn*n + i) * 7919 % benchContacts
		need.Keys = append(need.Keys, w.named[who[i]][:]...)
	}
	var made []signalbox.DeliveryID
	err := w.db.Decide(context.Background(),
		func() signalbox.Need { return need },
		func(s *signalbox.Situation) (*signalbox.Decision, error) {
			d := &signalbox.Decision{}
			for _, p := range who {
				made = append(made, w.signal(d, s, p))
			}
			for _, e := range s.States {
				d.States = append(d.States, e)
			}
			head := s.Heads[w.ws]
			head.LastID = int64(made[len(made)-1])
			d.Heads = map[signalbox.WorkspaceID]signalbox.Head{w.ws: head}
			return d, nil
		})
	if err != nil {
		b.Fatal(err)
	}
	return made
}

var benchProperties = []byte(`{"page":"/pricing","referrer":"https://search.example/","seconds_on_page":42,"campaign":"autumn"}`)

var benchBody = func() []byte {
	body := make([]byte, 700)
	for i := range body {
		body[i] = 'a' + byte(i%26)
	}
	return body
}()

func (w *world) signal(d *signalbox.Decision, s *signalbox.Situation, person int) signalbox.DeliveryID {
	acc := s.States[signalbox.EntityID(s.Keys[w.named[person][0]])]
	con := s.States[signalbox.EntityID(s.Keys[w.named[person][1]])]
	sig, evt, dlv := signalbox.SignalID(w.id()), signalbox.EventID(w.id()), signalbox.DeliveryID(w.id())
	d.Signals = append(d.Signals, signalbox.Signal{
		ID: sig, Workspace: w.ws, TypeID: w.typ, Source: "website", Account: signalbox.AccountID(acc.Entity), Contact: signalbox.ContactID(con.Entity),
		Properties: benchProperties, OccurredAt: w.now, CreatedAt: w.now, PrevAccount: acc.LastSignal, PrevContact: con.LastSignal, CausedTo: int64(dlv),
	})
	for _, e := range []*signalbox.EntityState{acc, con} {
		e.LastSignal, e.LastSignalAt, e.Signals = sig, w.now, e.Signals+1
	}
	d.Events = append(d.Events, signalbox.Event{
		ID: evt, Workspace: w.ws, Name: "signal.created", Signal: sig, Account: signalbox.AccountID(acc.Entity), Contact: signalbox.ContactID(con.Entity),
		Bodies: signalbox.Bodies{Stairoids: benchBody}, CausedTo: int64(dlv), CreatedAt: w.now,
	})
	d.Deliveries = append(d.Deliveries, signalbox.NewDelivery{
		Delivery: signalbox.Delivery{
			ID: dlv, Workspace: w.ws, Webhook: w.wh, Event: evt, EventName: "signal.created", State: signalbox.Pending, DueAt: w.now, CreatedAt: w.now,
		},
		Lease: w.lease,
	})
	return dlv
}

// cpu is the processor time that this program has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkDecide measures the hot path: one operation is one signal, durably saved with all that it causes.
func BenchmarkDecide(b *testing.B) {
	for _, e := range engines {
		for _, size := range []int{1, 16, 128, 1024} {
			b.Run(fmt.Sprintf("%s/turn=%d", e.name, size), func(b *testing.B) { benchmarkLife(b, e.config(b), size, false) })
		}
	}
}

// BenchmarkDecideAndSettle measures the whole life of a signal that is delivered at once.
func BenchmarkDecideAndSettle(b *testing.B) {
	for _, e := range engines {
		for _, size := range []int{8, 32, 128} {
			b.Run(fmt.Sprintf("%s/turn=%d", e.name, size), func(b *testing.B) { benchmarkLife(b, e.config(b), size, true) })
		}
	}
}

func benchmarkLife(b *testing.B, cfg store.Config, size int, settle bool) {
	w := newWorld(b, cfg)
	served := func() time.Duration { return 0 }
	if cfg.DatabaseURL != "" {
		served = postgres(b).CPU
	}
	b.ResetTimer()
	start, servedBefore := cpu(), served()
	for done := 0; done < b.N; done += size {
		w.settle(b, w.decide(b, min(size, b.N-done)), settle)
	}
	b.ReportMetric(float64((cpu()-start).Microseconds())/float64(b.N), "cpu-µs/op")
	if cfg.DatabaseURL != "" {
		b.ReportMetric(float64((served()-servedBefore).Microseconds())/float64(b.N), "server-µs/op")
	}
}

func (w *world) settle(b *testing.B, made []signalbox.DeliveryID, really bool) {
	b.Helper()
	if !really {
		return
	}
	list := make([]signalbox.Settlement, len(made))
	for i, dlv := range made {
		list[i] = signalbox.Settlement{
			Delivery: dlv, Workspace: w.ws, Webhook: w.wh, Lease: w.lease, State: signalbox.Delivered, Attempts: 1,
			Attempt: &signalbox.Attempt{
				ID: signalbox.AttemptID(w.id()), Workspace: w.ws, Delivery: dlv, At: w.now, Duration: 12 * time.Millisecond, RemoteAddr: "127.0.0.1:80",
				StatusCode: 200, Headers: []byte(`{"content-type":"text/plain"}`), Body: []byte("ok"),
			},
		}
	}
	settled, err := w.db.Settle(context.Background(), list)
	if err != nil {
		b.Fatal(err)
	}
	for _, ok := range settled {
		if !ok {
			b.Fatal("a leased delivery was not settled")
		}
	}
}
