package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"

	"signalbox"
	"signalbox/internal/boxtest/pgserver"
	"signalbox/store"
)

// refused opens a database that cannot be, and checks that the error says why in one line, without the password, and soon.
func refused(t *testing.T, cfg store.Config, want ...string) {
	t.Helper()
	begin := time.Now()
	db, err := store.Open(t.Context(), cfg)
	if err == nil {
		t.Fatal(errors.Join(errors.New("it was opened"), db.Close()))
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error %q does not say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error %q shows the password", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// with sets a parameter of a database's URL.
func with(t *testing.T, base, name, value string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

func as(t *testing.T, base, user string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(user, "hunter2")
	return u.String()
}

func TestOpenPostgres_RefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	s := postgres(t)
	base := s.Schema(t)
	refused(t, store.Config{DatabaseURL: "postgres://someone:hunter2@127.0.0.1:bad/x"}, "open database")
	refused(t, store.Config{DatabaseURL: "postgres://someone:hunter2@127.0.0.1:1/x?sslmode=disable"}, "refused")
	refused(t, store.Config{DatabaseURL: as(t, base, "nobody-here")}, "nobody-here")
	refused(t, store.Config{DatabaseURL: with(t, base, "search_path", "no_such_schema")}, "has no schema")
	refused(t, store.Config{DatabaseURL: with(t, base, "default_transaction_read_only", "on")}, "read-only")

	schema := base[strings.LastIndex(base, "=")+1:]
	reader := "reader_" + schema
	s.Exec(t, "CREATE ROLE "+reader+" LOGIN")
	s.Exec(t, "GRANT USAGE ON SCHEMA "+schema+" TO "+reader)
	refused(t, store.Config{DatabaseURL: as(t, base, reader)}, "user "+reader+" may not create tables", schema)
	var tables int
	query(t, base, "SELECT count(*) FROM pg_tables WHERE schemaname = '"+schema+"'", &tables)
	if tables != 0 {
		t.Errorf("%d tables were made before it was refused", tables)
	}
	box(t, base)
	refused(t, store.Config{DatabaseURL: as(t, base, reader)}, "user "+reader+" may not read and write table accounts", "grant it", schema)

	s.Exec(t, fmt.Sprintf("INSERT INTO %s.schema_migrations VALUES (%d, 'later', '', 0, %[2]d)", schema, own(t)+1))
	refused(t, store.Config{DatabaseURL: base}, fmt.Sprint("the schema has version ", own(t)+1), "run the newer program")
}

func TestOpenPostgres_AFailedMigrationLeavesNothing(t *testing.T) {
	t.Parallel()
	base := postgres(t).Schema(t)
	broken := fstest.MapFS{"0001_broken.sql": {Data: []byte("CREATE TABLE half (id BIGINT); CREATE TABLE half (id BIGINT)")}}
	refused(t, store.Config{DatabaseURL: base, Migrations: broken}, "migration 1 (broken)", "half")
	box(t, base) // and the real ones find an empty schema
}

// Several nodes start on an empty database at once: one of them migrates, the others wait.
func TestOpenPostgres_NodesThatStartTogetherMigrateOnce(t *testing.T) {
	t.Parallel()
	base := postgres(t).Schema(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			db, err := store.Open(t.Context(), store.Config{DatabaseURL: base})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := db.CodecKey(t.Context()); err != nil {
				t.Error(err)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// box opens a database and closes it with the test.
func box(t *testing.T, url string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{DatabaseURL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// query reads one row past the store.
func query(t *testing.T, url, sql string, into ...any) {
	t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if err := c.QueryRow(ctx, sql).Scan(into...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// newSmallPostgres is newSmall on PostgreSQL.
func newSmallPostgres(t *testing.T, s *pgserver.Server) (*small, string) {
	t.Helper()
	base := s.Schema(t)
	out := &small{ids: signalbox.NewIDs(0), now: benchTime, DB: box(t, base)}
	out.fill(t)
	return out, base
}

func TestNodes_EachHasANumberOfItsOwn(t *testing.T) {
	t.Parallel()
	base := postgres(t).Schema(t)
	db := box(t, base)
	join := func(token string) signalbox.Lease {
		t.Helper()
		l, err := db.JoinNode(t.Context(), token, benchTime)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	a, b := join("a"), join("b")
	if a.Node == b.Node || a.Generation != 1 || b.Generation != 1 {
		t.Fatalf("leases %+v and %+v", a, b)
	}
	again := join("a")
	if again.Node != a.Node || again.Generation != 2 {
		t.Fatalf("%+v after %+v: a node that comes back has its number again", again, a)
	}
	for rank, l := range []signalbox.Lease{again, b} {
		beat, err := db.Heartbeat(t.Context(), signalbox.Heartbeat{Lease: l, Now: benchTime})
		if err != nil || !beat.Holds || beat.Live != 2 || beat.Rank != rank || time.Since(beat.Now).Abs() > time.Minute {
			t.Fatalf("beat %+v, %v, want place %d of 2 and the server's time", beat, err, rank)
		}
	}
	if err := store.Exec(t.Context(), db, "INSERT INTO nodes (id, token, generation, heartbeat_at) SELECT n, 'n' || n, 5, (extract(epoch FROM now()) * 1000000)::bigint FROM generate_series(2, 1023) AS n"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.JoinNode(t.Context(), "late", benchTime); err == nil || !strings.Contains(err.Error(), "all 1024 node numbers are taken") {
		t.Fatalf("with no number left: %v", err)
	}
	if err := store.Exec(t.Context(), db, "UPDATE nodes SET heartbeat_at = heartbeat_at - 601000000 WHERE id = 700"); err != nil {
		t.Fatal(err)
	}
	if late := join("late"); late.Node != 700 || late.Generation != 6 {
		t.Fatalf("lease %+v, want the number that was given up 10 minutes ago, in its next generation", late)
	}
}

// A node that falls silent loses what it had leased, and finds that out (design, Claims).
func TestNodes_ASilentOneLosesItsLeases(t *testing.T) {
	t.Parallel()
	s, base := newSmallPostgres(t, postgres(t))
	_, dlv, err := s.signal([]byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	other := box(t, base)
	mine, err := other.JoinNode(t.Context(), "other", s.now)
	if err != nil {
		t.Fatal(err)
	}
	claim := func() signalbox.Claimed {
		t.Helper()
		c, err := other.Claim(t.Context(), mine, s.ws, s.wh, 10, s.now)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := claim(); len(c.Ready) != 0 {
		t.Fatalf("claimed %d that another node works on", len(c.Ready))
	}
	if err := store.Exec(t.Context(), s.DB, fmt.Sprintf("UPDATE nodes SET heartbeat_at = heartbeat_at - 15100000 WHERE id = %d", s.lease.Node)); err != nil {
		t.Fatal(err)
	}
	beat, err := other.Heartbeat(t.Context(), signalbox.Heartbeat{Lease: mine})
	if err != nil || !beat.Holds || beat.Ended != 1 || beat.Live != 1 {
		t.Fatalf("beat %+v, %v, want the leases of the silent one ended", beat, err)
	}
	if due, err := other.TakeDue(t.Context(), mine, beat.Now, 10); err != nil || !slices.ContainsFunc(due, func(d signalbox.Due) bool { return d.Subject == int64(s.wh) }) {
		t.Fatalf("due %+v, %v: the lane of what it held is due", due, err)
	}
	if c := claim(); len(c.Ready) != 1 || c.Ready[0].ID != dlv {
		t.Fatalf("claimed %+v, want what the silent node held", c.Ready)
	}
	if beat, err := s.Heartbeat(t.Context(), signalbox.Heartbeat{Lease: s.lease}); err != nil || beat.Holds {
		t.Fatalf("the silent node's heartbeat: %+v, %v", beat, err)
	}
	if _, _, err := s.signal([]byte(`{}`)); signalbox.CodeOf(err) != signalbox.Unavailable {
		t.Fatalf("the silent node decides: %v", err)
	}
	settled, err := s.Settle(t.Context(), []signalbox.Settlement{{Delivery: dlv, Workspace: s.ws, Webhook: s.wh, Lease: s.lease, State: signalbox.Delivered}})
	if err != nil || settled[0] {
		t.Fatalf("the silent node settled: %v, %v", settled, err)
	}
}

// Two nodes that claim at once never get the same delivery.
func TestClaim_NodesShareALaneWithoutMeeting(t *testing.T) {
	t.Parallel()
	s, base := newSmallPostgres(t, postgres(t))
	const n = 60
	s.lease = signalbox.Lease{} // free, for whoever claims
	for range n {
		if _, _, err := s.signal([]byte(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	got := map[signalbox.DeliveryID]int{}
	var wg sync.WaitGroup
	for node := range 3 {
		db := box(t, base)
		l, err := db.JoinNode(t.Context(), fmt.Sprint("node", node), s.now)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for more := true; more; {
				c, err := db.Claim(t.Context(), l, s.ws, s.wh, 7, s.now)
				if err != nil {
					t.Error(err)
					return
				}
				more = c.More
				mu.Lock()
				for _, r := range c.Ready {
					got[r.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for dlv, times := range got {
		if times != 1 {
			t.Errorf("delivery %d was claimed %d times", dlv, times)
		}
	}
	if len(got) != n {
		t.Errorf("%d deliveries were claimed, want %d", len(got), n)
	}
}

// A change of a definition that two nodes make at once is made twice, one after the other.
func TestUpdate_TwoNodesLoseNothing(t *testing.T) {
	t.Parallel()
	s, base := newSmallPostgres(t, postgres(t))
	before, err := s.Definitions(t.Context(), s.ws)
	if err != nil {
		t.Fatal(err)
	}
	const each = 20
	var wg sync.WaitGroup
	for range 2 {
		db := box(t, base)
		wg.Go(func() {
			for range each {
				_, err := db.UpdateWebhook(t.Context(), s.ws, s.wh, s.now, func(w *signalbox.Webhook) error { w.MaxInFlight++; return nil })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	w, err := s.Webhook(t.Context(), s.ws, s.wh)
	if err != nil || w.MaxInFlight != 8+2*each {
		t.Fatalf("webhook %+v, %v: changes were lost", w, err)
	}
	if after, err := s.Definitions(t.Context(), s.ws); err != nil || after.Version != before.Version+2*each {
		t.Fatalf("version %d after %d, %v", after.Version, before.Version, err)
	}
}

// A database that goes away answers Unavailable soon and heals by itself; what was acknowledged is there (issue: Faults).
func TestPostgres_ACrashOfTheServerCostsNothingAcknowledged(t *testing.T) {
	t.Parallel()
	server, err := pgserver.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	s, _ := newSmallPostgres(t, server)
	var mu sync.Mutex
	var acked []signalbox.SignalID
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			sig, _, err := s.signal([]byte(`{}`))
			if err == nil {
				mu.Lock()
				acked = append(acked, sig)
				mu.Unlock()
				continue
			}
			if signalbox.CodeOf(err) != signalbox.Unavailable || errors.Is(err, store.ErrOutcomeUnknown) {
				t.Errorf("error %v, want unavailable with a known outcome", err)
			}
		}
	})
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acked)
	}
	for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGKILL, syscall.SIGINT} {
		before := count()
		soon(t, func() bool { return count() > before+20 })
		if err := server.Down(sig); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		_, err := s.Workspace(t.Context(), s.ws)
		wantCode(t, err, signalbox.Unavailable)
		var e *signalbox.Error
		if errors.As(err, &e); e.RetryAfter <= 0 {
			t.Errorf("no time to come again in %v", err)
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("the refusal took %v", took)
		}
		if err := server.Up(); err != nil {
			t.Fatal(err)
		}
		soon(t, func() bool { _, err := s.Workspace(t.Context(), s.ws); return err == nil })
	}
	before := count()
	soon(t, func() bool { return count() > before+20 })
	close(stop)
	wg.Wait()
	for _, sig := range acked {
		if !s.has(t, sig) {
			t.Fatalf("signal %d was acknowledged and is gone", sig)
		}
	}
	var stored int64
	soon(t, func() bool { st, err := s.Stats(t.Context()); stored = st.Signals; return err == nil })
	if stored != int64(len(acked)) {
		t.Errorf("%d signals are stored, %d were acknowledged: an error said that nothing was saved", stored, len(acked))
	}
}

// Backends that are ended in the middle of anything cost an error at most: what was not committed is run again.
func TestPostgres_TerminatedBackends(t *testing.T) {
	t.Parallel()
	s, base := newSmallPostgres(t, postgres(t))
	ok, failed, ended := 0, 0, 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
			if _, _, err := s.signal([]byte(`{}`)); err == nil {
				ok++
			} else if failed++; signalbox.CodeOf(err) != signalbox.Unavailable {
				t.Errorf("error %v", err)
			}
		}
	}()
	schema := base[strings.LastIndex(base, "=")+1:]
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(20 * time.Millisecond):
			var n int
			query(t, base, "SELECT count(pg_terminate_backend(l.pid)) FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = '"+schema+"' AND c.relname = 'heads' AND l.pid <> pg_backend_pid()", &n)
			ended += n
		}
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Signals != int64(ok) {
		t.Errorf("%d signals are stored, %d were acknowledged, %d refused: %v", st.Signals, ok, failed, err)
	}
	if ended == 0 {
		t.Error("no backend was ended in a transaction: the test saw nothing")
	}
}

// A node that stands still in the middle of a turn, as one does that is stopped or whose machine has died, holds up the others for two seconds,
// not until somebody notices. If it goes on, its turn is decided anew.
func TestPostgres_ANodeThatStandsStillInATurnIsLetGo(t *testing.T) {
	t.Parallel()
	s, base := newSmallPostgres(t, postgres(t))
	other := *s
	other.DB = box(t, base)
	deciding, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	stand := sync.OnceFunc(func() {
		close(deciding)
		<-goOn
	})
	decided := 0
	go func() {
		ended <- s.Decide(context.Background(),
			func() signalbox.Need { return signalbox.Need{Workspaces: []signalbox.WorkspaceID{s.ws}} },
			func(*signalbox.Situation) (*signalbox.Decision, error) {
				decided++
				stand()
				return &signalbox.Decision{Types: []signalbox.SignalType{{
					ID: signalbox.TypeID(s.id()), Workspace: s.ws, Name: "late", CreatedAt: s.now,
				}}}, nil
			})
	}()
	<-deciding
	begin := time.Now()
	var meanwhile signalbox.SignalID
	soon(t, func() bool {
		sig, _, err := other.signal([]byte(`{}`))
		meanwhile = sig
		return err == nil
	})
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("another node could decide after %s, want about 2 s", took)
	}
	close(goOn)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if decided != 2 || !other.has(t, meanwhile) {
		t.Errorf("the turn was decided %d times, want it before and after the other's", decided)
	}
}

// A head that somebody holds for too long is a refusal to come again, not a wait for ever.
func TestPostgres_ALockThatIsNotGivenBackIsRefused(t *testing.T) {
	t.Parallel()
	s, base := newSmallPostgres(t, postgres(t))
	ctx := context.Background()
	c, err := pgx.Connect(ctx, base)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "BEGIN; SELECT * FROM heads FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	_, _, err = s.signal([]byte(`{}`))
	wantCode(t, err, signalbox.Unavailable)
	if _, err := c.Exec(ctx, "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := s.Healthy(t.Context()); err != nil {
		t.Errorf("with the lock given back: %v", err)
	}
	if _, _, err := s.signal([]byte(`{}`)); err != nil {
		t.Errorf("with the lock given back: %v", err)
	}
}

// What a server must be is judged from what it says of itself: an old one cannot be had for every test.
func TestOpenPostgres_JudgesTheServer(t *testing.T) {
	t.Parallel()
	for says, spoil := range store.Spoil {
		err := store.CheckServer(spoil)
		if (err != nil) != (says != "") || err != nil && (!strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("error %v, want %q", err, says)
		}
	}
}

// A standby can be read, so that its schema can be looked at, and is refused as a database.
func TestOpenPostgres_RefusesAStandby(t *testing.T) {
	t.Parallel()
	primary := postgres(t)
	base := primary.Schema(t)
	box(t, base)
	standby, err := primary.Standby()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Stop(); err != nil {
			t.Error(err)
		}
	})
	there := store.Config{DatabaseURL: standby.Of(t, base)}
	refused(t, there, "read-only standby", "connect to the primary")
	if got := status(t, there); !strings.HasPrefix(got, "applied") {
		t.Errorf("the standby's schema: %s", got)
	}
}
