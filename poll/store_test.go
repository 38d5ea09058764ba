package poll_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"signalbox"
	"signalbox/intake"
	"signalbox/poll"
	"signalbox/store"
)

// twin is the store in memory and the real one side by side: each call is made to both, and both must say the same. So whatever holds of one holds of the
// other, and crashes, which the one in memory has, are had by both.
type twin struct {
	*table
	t      *rapid.T
	db     *store.DB
	intake *intake.Intake
	ids    *signalbox.IDs
	leases map[signalbox.Lease]signalbox.Lease // the real one of each of the table's
	reader signalbox.Webhook                   // a pull webhook: every event is in its feed, in the order of commits
	now    *time.Time
}

// nobody is sent anything: the only webhook is read.
type nobody struct{}

func (nobody) Reserve(*signalbox.Webhook, int, int) (signalbox.Lease, bool) {
	return signalbox.Lease{}, false
}
func (nobody) Unreserve(*signalbox.Webhook, int, int)     {}
func (nobody) Send(*signalbox.Webhook, []signalbox.Ready) {}
func (nobody) Due(time.Time)                              {}
func (nobody) Arrived(signalbox.WebhookID)                {}
func (nobody) Committed(int, time.Duration)               {}

// empty is a database file that is up to date: making one for each history would be most of the work.
var empty = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "poll")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "signalbox.db")
	db, err := store.Open(context.Background(), store.Config{Path: path})
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// twins puts a real store beside the rig's table.
func (r *rig) twins(t *rapid.T) (w *twin, done func()) {
	dir, err := os.MkdirTemp("", "poll")
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(err)
	path := filepath.Join(dir, "signalbox.db")
	file, err := empty()
	must(err)
	must(os.WriteFile(path, file, 0o600))
	ctx := context.Background()
	w = &twin{table: r.table, t: t, ids: signalbox.NewIDs(0), leases: map[signalbox.Lease]signalbox.Lease{}, now: &r.now}
	w.db, err = store.Open(ctx, store.Config{Path: path, Readers: 1})
	must(err)
	must(w.db.CreateWorkspace(ctx, signalbox.Workspace{ID: workspace, Name: "Acme", Timezone: "UTC", CreatedAt: epoch, UpdatedAt: epoch}))
	w.reader = signalbox.Webhook{
		ID: 9, Workspace: workspace, Kind: signalbox.KindPull, Events: []string{"hris_employees.*"}, Format: signalbox.FormatStackOne, Enabled: true, MaxInFlight: 1,
		CreatedAt: epoch, UpdatedAt: epoch,
	}
	must(w.db.CreateWebhook(ctx, w.reader))
	w.intake = intake.New(intake.Config{
		Store: w.db, Sender: nobody{}, Waker: nobody{}, IDs: w.ids, Codec: signalbox.NewCodec([16]byte{1}), Now: func() time.Time { return *w.now },
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.intake.Run(running) }()
	done = func() {
		stop()
		must(errors.Join(<-ended, w.db.Close(), os.RemoveAll(dir)))
	}
	linked, err := w.intake.Link(ctx, workspace, signalbox.LinkedAccount{Provider: "bamboohr", Status: signalbox.LinkedActive})
	must(err)
	one := r.stream.Stream
	one.Linked, one.CreatedAt, one.Connector = linked.ID, epoch, []byte(`{}`)
	one, err = w.db.CreateStream(ctx, one)
	must(err)
	r.stream.Stream = one
	r.config.Store, r.config.Desk = w, w
	r.runner = poll.New(r.config)
	return w, done
}

// lease is the real one of a lease of the table: a new process joins the database anew.
func (w *twin) lease(of signalbox.Lease) signalbox.Lease {
	if _, have := w.leases[of]; !have {
		l, err := w.db.JoinNode(context.Background(), "poll", *w.now)
		if err != nil {
			w.t.Fatal(err)
		}
		w.leases[of] = l
	}
	return w.leases[of]
}

// sameTime is as fine as what is stored.
var sameTime = cmp.Comparer(func(a, b time.Time) bool { return a.Truncate(time.Microsecond).Equal(b.Truncate(time.Microsecond)) })

// same checks that both say the same of anything.
func (w *twin) same(what string, memory, real any) {
	w.t.Helper()
	if diff := cmp.Diff(memory, real, cmpopts.EquateEmpty(), sameTime); diff != "" {
		w.t.Fatalf("%s (- in memory, + in the store): %s", what, diff)
	}
}

func (w *twin) sameError(what string, memory, real error) {
	w.t.Helper()
	if (memory == nil) != (real == nil) || memory != nil && signalbox.CodeOf(memory) != signalbox.CodeOf(real) {
		w.t.Fatalf("%s: in memory %v, in the store %v", what, memory, real)
	}
}

// follow has the real stream changed as the test has changed the one in memory.
func (w *twin) follow() {
	st := w.streams[streamID]
	real, err := w.db.Stream(context.Background(), workspace, streamID)
	if err == nil && real.Version != st.Version {
		real, err = w.db.UpdateStream(context.Background(), workspace, streamID, *w.now, func(s *signalbox.Stream) error {
			s.Fingerprint = st.Fingerprint
			return nil
		})
		st.NextAt, st.UpdatedAt = real.NextAt, real.UpdatedAt
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *twin) BeginSync(ctx context.Context, c signalbox.SyncClaim) (signalbox.SyncWork, bool, error) {
	w.follow()
	work, ok, err := w.table.BeginSync(ctx, c)
	if err != nil {
		return work, ok, err // the program is dead
	}
	c.Lease = w.lease(c.Lease)
	real, really, err := w.db.BeginSync(ctx, c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.same("whether there is work", ok, really)
	w.same("the work", work, real)
	return work, ok, nil
}

func (w *twin) Snapshots(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.StreamID, records []string) ([]signalbox.Snapshot, error) {
	rows, err := w.table.Snapshots(ctx, ws, id, records)
	if err != nil {
		return nil, err
	}
	real, err := w.db.Snapshots(ctx, ws, id, records)
	if err != nil {
		w.t.Fatal(err)
	}
	byRecord := cmpopts.SortSlices(func(a, b signalbox.Snapshot) bool { return a.Record < b.Record })
	if diff := cmp.Diff(rows, real, byRecord, cmpopts.EquateEmpty()); diff != "" {
		w.t.Fatalf("rows (- in memory, + in the store): %s", diff)
	}
	return rows, nil
}

// UnseenSnapshots answers what the table says, which looks at fewer rows: they must be the first ones of the store's.
func (w *twin) UnseenSnapshots(ctx context.Context, u signalbox.Unseen) ([]signalbox.Snapshot, string, error) {
	rows, next, err := w.table.UnseenSnapshots(ctx, u)
	if err != nil {
		return nil, "", err
	}
	real, behind, err := w.db.UnseenSnapshots(ctx, u)
	if err != nil {
		w.t.Fatal(err)
	}
	if next == "" {
		w.same("the record up to which it has looked", next, behind)
		w.same("unseen rows", rows, real)
	} else if len(real) < len(rows) {
		w.t.Fatalf("%d unseen rows, and at least %d in memory", len(real), len(rows))
	} else {
		w.same("the first unseen rows", rows, real[:len(rows)])
	}
	return rows, next, nil
}

func (w *twin) SaveSync(ctx context.Context, c *signalbox.SyncSlice) error {
	w.follow()
	err := w.table.SaveSync(ctx, c)
	if saved := w.runs[c.Run.ID]; errors.Is(err, errCrash) && (saved == nil || saved.Step != c.Run.Step) {
		return err // the program died before
	}
	copied := *c
	copied.Lease = w.lease(c.Lease)
	real := w.intake.SaveSync(context.Background(), &copied)
	if errors.Is(err, errCrash) { // only the answer was lost
		if real != nil {
			w.t.Fatal(real)
		}
		return err
	}
	w.sameError("saving a slice", err, real)
	return err
}

func (w *twin) StartSync(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.StreamID, run signalbox.SyncRunID, now time.Time) (signalbox.SyncRunID, error) {
	w.follow()
	at, err := w.table.StartSync(ctx, ws, id, run, now)
	real, realErr := w.db.StartSync(ctx, ws, id, run, now)
	w.sameError("starting a run", err, realErr)
	w.same("the run", at, real)
	return at, err
}

func (w *twin) DecideSync(ctx context.Context, ws signalbox.WorkspaceID, run signalbox.SyncRunID, d signalbox.SyncDecision, now time.Time) error {
	err := w.table.DecideSync(ctx, ws, run, d, now)
	w.sameError("deciding", err, w.db.DecideSync(ctx, ws, run, d, now))
	return err
}

// wantSame compares all that is kept, and what was told with the feed of whoever reads the events.
func (w *twin) wantSame() {
	ctx, st := context.Background(), w.streams[streamID]
	real, err := w.db.Stream(ctx, workspace, streamID)
	if err != nil {
		w.t.Fatal(err)
	}
	w.same("the stream", st.Stream, real)
	var runs []signalbox.SyncRun
	for _, run := range w.runs {
		runs = append(runs, *run)
	}
	slices.SortFunc(runs, func(a, b signalbox.SyncRun) int { return int(b.ID - a.ID) })
	kept, _, err := w.db.SyncRuns(ctx, workspace, real.Linked, 0, signalbox.Page{Limit: signalbox.MaxPage})
	if err != nil {
		w.t.Fatal(err)
	}
	w.same("runs", runs, kept)
	var told []string
	for _, e := range w.told {
		told = append(told, fmt.Sprintf("hris_employees.%s %s", e.Kind, e.Record.ID))
	}
	w.same("events", told, w.feed())
}

// feed is what the reader finds.
func (w *twin) feed() (list []string) {
	ctx := context.Background()
	for after := signalbox.DeliveryID(0); ; {
		page, err := w.db.Feed(ctx, workspace, w.reader.ID, after, 200)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range page {
			after = e.Delivery
			var body struct {
				Record string `json:"record_id"`
			}
			if err := json.Unmarshal(e.Body, &body); err != nil {
				w.t.Fatal(err)
			}
			list = append(list, e.EventName+" "+body.Record)
		}
		if len(page) == 0 {
			return list
		}
	}
}

// TestStream_TheRealStoreSaysWhatTheOneInMemorySays runs the promise of the room, crashes and all, on the embedded database behind the real deciding.
func TestStream_TheRealStoreSaysWhatTheOneInMemorySays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t)
		w, done := h.twins(t)
		defer done()
		h.keys = poll.Key{}
		for range rapid.IntRange(1, 4).Draw(t, "runs") {
			h.between()
			h.run(h.drawMood())
			w.wantSame()
		}
		h.settle()
		w.wantSame()
	})
}
