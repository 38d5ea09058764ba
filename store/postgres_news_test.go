package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"signalbox"
	"signalbox/store"
)

// listen lets a node listen and returns what it hears; it has heard that it may have missed something.
func listen(t *testing.T, db *store.DB) <-chan signalbox.News {
	t.Helper()
	heard := make(chan signalbox.News, 100)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Listen(ctx, func(n signalbox.News) { heard <- n }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if n := hear(t, heard); n.Kind != signalbox.NewsMissed {
		t.Fatalf("first heard %+v, want that something may have been missed", n)
	}
	return heard
}

func hear(t *testing.T, heard <-chan signalbox.News) signalbox.News {
	t.Helper()
	select {
	case n := <-heard:
		return n
	case <-time.After(20 * time.Second):
		t.Fatal("nothing is heard")
		return signalbox.News{}
	}
}

func TestNews_AreHeardByTheOthersOfTheSameDatabase(t *testing.T) {
	t.Parallel()
	s, base := newSmallPostgres(t, postgres(t))
	other, stranger := box(t, base), box(t, postgres(t).Schema(t))
	mine, theirs, foreign := listen(t, s.DB), listen(t, other), listen(t, stranger)

	list := []signalbox.News{{Kind: signalbox.NewsDue}, {Kind: signalbox.NewsLane, Workspace: s.ws, Webhook: s.wh}, {Kind: signalbox.NewsArrived, Webhook: 7},
		{Kind: signalbox.NewsWatched, Workspace: s.ws}, {Kind: signalbox.NewsStored}, {Kind: signalbox.NewsSettled, Workspace: s.ws, Delivery: 9}}
	if err := s.Tell(t.Context(), list...); err != nil {
		t.Fatal(err)
	}
	for _, want := range list {
		if got := hear(t, theirs); got != want {
			t.Errorf("heard %+v, want %+v", got, want)
		}
	}
	// A changed webhook is told by the transaction that changes it.
	if _, err := other.UpdateWebhook(t.Context(), s.ws, s.wh, s.now, func(w *signalbox.Webhook) error { w.Label = "x"; return nil }); err != nil {
		t.Fatal(err)
	}
	want := signalbox.News{Kind: signalbox.NewsWebhook, Workspace: s.ws, Webhook: s.wh}
	if got := hear(t, mine); got != want {
		t.Errorf("heard %+v, want %+v", got, want)
	}
	if err := s.Tell(t.Context(), signalbox.News{Kind: signalbox.NewsDue}); err != nil {
		t.Fatal(err)
	}
	if got := hear(t, theirs); got.Kind != signalbox.NewsDue {
		t.Errorf("heard %+v: a node hears itself", got)
	}
	if len(foreign) > 0 {
		t.Errorf("another database of the server heard %+v", <-foreign)
	}
}

// A listener whose connection broke listens again, and says that it may have missed something.
func TestNews_ABrokenListenerComesBack(t *testing.T) {
	t.Parallel()
	s, base := newSmallPostgres(t, postgres(t))
	heard := listen(t, s.DB)
	ctx := context.Background()
	c, err := pgx.Connect(ctx, base)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	schema := base[strings.LastIndex(base, "=")+1:]
	if _, err := c.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'signalbox listener' AND query = $1", `LISTEN "signalbox:`+schema+`"`); err != nil {
		t.Fatal(err)
	}
	if n := hear(t, heard); n.Kind != signalbox.NewsMissed {
		t.Fatalf("heard %+v", n)
	}
	for _, odd := range []string{"", "x y", "abc q1,2", "abc d1", "abc dx,2", "abc d1,2,3"} { // of a newer version, or a person
		if _, err := c.Exec(ctx, "SELECT pg_notify($1, $2)", "signalbox:"+schema, odd); err != nil {
			t.Fatal(err)
		}
	}
	if err := box(t, base).Tell(t.Context(), signalbox.News{Kind: signalbox.NewsDue}); err != nil {
		t.Fatal(err)
	}
	if n := hear(t, heard); n.Kind != signalbox.NewsDue {
		t.Fatalf("heard %+v, want only what was told", n)
	}
}

// A workspace that another node is deciding for holds up none of the others of a turn; a turn that asks for it alone waits.
func TestDecide_PassesOverAHeadThatAnotherNodeHas(t *testing.T) {
	t.Parallel()
	s, base := newSmallPostgres(t, postgres(t))
	second := signalbox.Workspace{ID: signalbox.WorkspaceID(s.ids.Next(s.now)), Name: "second", Timezone: "UTC", CreatedAt: s.now, UpdatedAt: s.now}
	if err := s.CreateWorkspace(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	c, err := pgx.Connect(ctx, base)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "BEGIN"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(ctx, "SELECT * FROM heads WHERE workspace_id = $1 FOR NO KEY UPDATE", int64(second.ID)); err != nil {
		t.Fatal(err)
	}
	heads := func(workspaces ...signalbox.WorkspaceID) (got *signalbox.Situation, err error) {
		err = s.Decide(t.Context(), func() signalbox.Need { return signalbox.Need{Workspaces: workspaces} },
			func(sit *signalbox.Situation) (*signalbox.Decision, error) { got = sit; return nil, nil })
		return got, err
	}
	got, err := heads(s.ws, second.ID)
	if err != nil || len(got.Heads) != 1 || !got.Busy[second.ID] || got.Busy[s.ws] {
		t.Fatalf("situation %+v, %v: want the first's head, and the second to be busy", got, err)
	}
	waited := make(chan error, 1)
	go func() {
		got, err := heads(second.ID)
		if err == nil && (len(got.Heads) != 1 || got.Busy[second.ID]) {
			t.Errorf("situation %+v", got)
		}
		waited <- err
	}()
	soon(t, func() bool {
		var n int
		query(t, base, "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'", &n)
		return n > 0
	})
	if _, err := c.Exec(ctx, "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err != nil {
		t.Errorf("a turn of its own: %v", err)
	}
}

// However many lanes a node had, one statement makes them due: a trip for each would outlast the transaction.
func TestNodes_ManyLanesAreMadeDueAtOnce(t *testing.T) {
	t.Parallel()
	s, base := newSmallPostgres(t, postgres(t))
	const lanes = 20_000
	if err := store.Exec(t.Context(), s.DB, fmt.Sprintf(`
INSERT INTO deliveries (id, workspace_id, webhook_id, event_id, event_name, state, reason, attempts, due_at, test, created_at)
SELECT 100 + n, %d, 100 + n / 2, 1, 'signal.created', 1, '', 0, 1, 0, 1
  FROM generate_series(0, %d) AS n`, s.ws, 2*lanes-1)); err != nil {
		t.Fatal(err)
	}
	var before int
	query(t, base, "SELECT count(*) FROM due WHERE kind = 1", &before)
	if _, err := s.JoinNode(t.Context(), "test", s.now); err != nil {
		t.Fatal(err)
	}
	var after int
	query(t, base, "SELECT count(*) FROM due WHERE kind = 1", &after)
	if after-before != lanes {
		t.Errorf("%d lanes are due now, want %d", after-before, lanes)
	}
}
