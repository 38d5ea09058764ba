package intake_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"signalbox"
	"signalbox/intake"
	"signalbox/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// box is an intake on a real database with one workspace.
type box struct {
	*testing.T
	db     *store.DB
	ids    *signalbox.IDs
	ws     signalbox.WorkspaceID
	sender *sender
	news   *news
	intake *intake.Intake
	stop   func()
	ahead  atomic.Int64 // how far its clock is ahead of the real one, in nanoseconds
}

// newBox starts an intake; wrap may put faults between it and the database.
func newBox(t *testing.T, wrap func(intake.Store) intake.Store) *box {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "signalbox.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	b := &box{T: t, db: db, ids: signalbox.NewIDs(0), sender: &sender{}, news: &news{}}
	now := time.Now().UTC()
	b.ws = signalbox.WorkspaceID(b.ids.Next(now))
	if err := db.CreateWorkspace(t.Context(), signalbox.Workspace{ID: b.ws, Name: "Acme", Timezone: "UTC", CreatedAt: now, UpdatedAt: now}); err != nil {
		t.Fatal(err)
	}
	var st intake.Store = db
	if wrap != nil {
		st = wrap(db)
	}
	b.intake = intake.New(intake.Config{
		Store: st, Sender: b.sender, Waker: b.news, IDs: b.ids, Codec: signalbox.NewCodec([16]byte{1}), Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.intake.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(func() {
		b.stop()
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

func (b *box) webhook() signalbox.WebhookID {
	b.Helper()
	now := time.Now().UTC()
	w := signalbox.Webhook{
		ID: signalbox.WebhookID(b.ids.Next(now)), Workspace: b.ws, Kind: signalbox.KindPush, URL: "https://example.com",
		Events: []string{"signal.created"}, Format: signalbox.FormatStairoids, SealedSecret: []byte{1}, MaxInFlight: 8, Enabled: true, CreatedAt: now, UpdatedAt: now,
	}
	if err := b.db.CreateWebhook(b.Context(), w); err != nil {
		b.Fatal(err)
	}
	return w.ID
}

func (b *box) submit(in signalbox.SignalInput) (signalbox.Receipt, error) {
	return b.intake.Submit(b.Context(), b.ws, 0, in)
}

// signals returns how many signals are stored.
func (b *box) signals() int {
	b.Helper()
	n, place := 0, signalbox.Place{}
	for {
		list, next, err := b.db.Signals(b.Context(), b.ws, signalbox.SignalFilter{}, place.Page(200))
		if err != nil {
			b.Fatal(err)
		}
		if n += len(list); next.Before == 0 {
			return n
		}
		place = next
	}
}

func about(n int) signalbox.SignalInput {
	return signalbox.SignalInput{
		Type: "page_view", Source: "test", Properties: fmt.Appendf(nil, `{"n":%d}`, n),
		Contact: signalbox.ContactInput{Email: fmt.Sprintf("p%d@acme%d.com", n%50, n%10)},
	}
}

// sender takes every delivery while it has room.
type sender struct {
	mu       sync.Mutex
	full     bool
	reserved int
	sent     []signalbox.Ready
}

func (s *sender) Reserve(_ *signalbox.Webhook, n, _ int) (signalbox.Lease, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return signalbox.Lease{}, false
	}
	s.reserved += n
	return signalbox.Lease{Node: 0, Generation: 1}, true
}

func (s *sender) Unreserve(_ *signalbox.Webhook, n, _ int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved -= n
}

func (s *sender) Send(_ *signalbox.Webhook, ready []signalbox.Ready) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved -= len(ready)
	s.sent = append(s.sent, ready...)
}

func (s *sender) state() (reserved, sent int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reserved, len(s.sent)
}

// news counts what commits made known.
type news struct {
	mu      sync.Mutex
	due     []time.Time
	arrived []signalbox.WebhookID
	turns   []int
}

func (n *news) Due(at time.Time) { n.mu.Lock(); n.due = append(n.due, at); n.mu.Unlock() }
func (n *news) Arrived(id signalbox.WebhookID) {
	n.mu.Lock()
	n.arrived = append(n.arrived, id)
	n.mu.Unlock()
}
func (n *news) Committed(signals int, _ time.Duration) {
	n.mu.Lock()
	n.turns = append(n.turns, signals)
	n.mu.Unlock()
}

// faulty is a database that a test can hold up or make fail.
type faulty struct {
	intake.Store
	mu     sync.Mutex
	gate   chan struct{} // not nil: a turn waits for it to be closed
	waits  bool
	refuse func(d *signalbox.Decision) error // a save that fails
	away   func(error)                       // what the intake wants called while nobody can be answered
}

func (f *faulty) WhileAway(fn func(error)) { f.away = fn }

func (f *faulty) hold() (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	gate := make(chan struct{})
	f.gate = gate
	return sync.OnceFunc(func() {
		f.mu.Lock()
		f.gate = nil
		f.mu.Unlock()
		close(gate)
	})
}

func (f *faulty) stopped(at bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waits = at
}

// held says whether a turn waits for the gate.
func (f *faulty) held() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waits
}

var errBroken = errors.New("a row that cannot be saved")

func (f *faulty) Decide(ctx context.Context, prepare func() signalbox.Need, decide func(*signalbox.Situation) (*signalbox.Decision, error)) error {
	f.mu.Lock()
	gate, refuse := f.gate, f.refuse
	f.mu.Unlock()
	return f.Store.Decide(ctx, prepare, func(s *signalbox.Situation) (*signalbox.Decision, error) {
		if gate != nil {
			f.stopped(true)
			<-gate
			f.stopped(false)
		}
		d, err := decide(s)
		if err == nil && refuse != nil {
			err = refuse(d)
		}
		return d, err
	})
}
