package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"signalbox"
	"signalbox/api"
	"signalbox/auth"
	"signalbox/decide"
	"signalbox/deliver"
	"signalbox/egress"
	"signalbox/identity"
	"signalbox/intake"
	"signalbox/internal/boxtest/pgserver"
	"signalbox/journal"
	"signalbox/poll/connector"
	"signalbox/seal"
	"signalbox/store"
	"signalbox/watch"
	"signalbox/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(program{m}) }

// program is the test program: when its tests have ended, so has the PostgreSQL server that one of them started.
type program struct{ *testing.M }

// postgres starts the server when the first test needs it.
var postgres = sync.OnceValues(func() (*pgserver.Server, error) {
	postgresUsed = true
	return pgserver.Start()
})

// postgresUsed is read after all tests have ended.
var postgresUsed bool

// Run runs the tests.
func (p program) Run() int {
	code := p.M.Run()
	if !postgresUsed {
		return code
	}
	if s, err := postgres(); err == nil {
		if err := s.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop PostgreSQL:", err)
			return 1
		}
	}
	return code
}

// box is the real doors on a real server, database, intake and sender. Only the network behind egress is played.
type box struct {
	*testing.T
	api    *api.API
	db     *store.DB
	ids    *signalbox.IDs
	codec  *signalbox.Codec
	sealed *seal.Box
	server *httptest.Server
	client *http.Client
	world  *world
	log    *buffer
	ws     signalbox.WorkspaceID
	admin  string // a key of ws
	hub    *watch.Hub
	linked *linkedMemory

	mu      sync.Mutex
	arrived chan struct{}
	woken   []time.Time
}

// newBox starts everything on an embedded database; tune may change the configuration before.
func newBox(t *testing.T, tune ...func(*api.Config)) *box {
	t.Helper()
	return newBoxOn(t, store.Config{Path: filepath.Join(t.TempDir(), "signalbox.db")}, tune...)
}

// onBoth runs a test on each database.
func onBoth(t *testing.T, test func(*box)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		test(newBox(t))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		s, err := postgres()
		if err != nil {
			t.Fatal("a PostgreSQL server is needed: ", err)
		}
		test(newBoxOn(t, store.Config{DatabaseURL: s.Schema(t)}))
	})
}

func newBoxOn(t *testing.T, database store.Config, tune ...func(*api.Config)) *box {
	t.Helper()
	b := &box{T: t, ids: signalbox.NewIDs(0), world: &world{}, log: &buffer{}, arrived: make(chan struct{})}
	var err error
	database.Scorer = func(d *signalbox.Definitions) (store.Scorer, error) { return decide.NewScorer(d) }
	database.Takes = func(w *signalbox.Webhook, body []byte) bool {
		return wire.FilterOf(w).Takes(wire.Record(w.Format, body))
	}
	if b.db, err = store.Open(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	key, err := b.db.CodecKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.codec = signalbox.NewCodec(key)
	sealKey, err := seal.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if b.sealed, err = seal.NewBox(sealKey); err != nil {
		t.Fatal(err)
	}
	stop := b.start(tune)
	t.Cleanup(func() {
		b.server.Close()
		stop()
		if err := b.db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	b.ws, b.admin = b.workspace("Acme")
	return b
}

// start wires the rooms as app does, and returns what stops them.
func (b *box) start(tune []func(*api.Config)) (stop func()) {
	b.Helper()
	lease, err := b.db.JoinNode(b.Context(), "test", time.Now().UTC())
	if err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	node := node{lease}
	b.hub = watch.New(watch.Config{Store: b.db, Log: log})
	notes := journal.New(journal.Config{Store: b.db, IDs: b.ids, Log: log, Stored: b.hub.Logged})
	sender := deliver.New(deliver.Config{
		Settled: b.hub.Settled, Store: b.db, Egress: b.world, Node: node, Box: b.sealed, Codec: b.codec, IDs: b.ids, Log: log, UserAgent: "Signalbox/test",
	})
	in := intake.New(intake.Config{Store: b.db, Sender: sender, Waker: b, IDs: b.ids, Codec: b.codec, Log: log})
	keys := auth.NewKeys(b.db, log)
	sessions := auth.NewSessions(b.db, log)
	policy, err := egress.NewPolicy(egress.Config{Resolver: anywhere{}})
	if err != nil {
		b.Fatal(err)
	}
	cfg := api.Config{
		Keys: keys, SignIn: auth.NewSignIn(b.db, sessions, b.ids), PublicURL: "http://box.test", Signals: in, Scores: in, Acts: in, Imports: in, Merges: in, Blend: decide.Blend,
		Sources: decide.SourcesOf, Store: b.db, Sender: doors{sender, node}, Targets: targets{policy}, Arrivals: b, Journal: notes, Live: live{b.hub},
		CheckHeaders: egress.ValidateHeaders, NormalizeDomain: identity.Domain,
		NormalizeEmail: func(raw string) (string, error) { _, match, _, err := identity.Email(raw); return match, err },
		Box:            b.sealed, Codec: b.codec, IDs: b.ids, Ready: b.db.Healthy, Wake: b.Due, UserAgent: "Signalbox/test", Version: "test", Log: log,
	}
	b.linked = newLinkedMemory(b.ids)
	if cfg.Connectors, err = connector.Definitions(""); err != nil {
		b.Fatal(err)
	}
	cfg.Linked = b.linked
	for _, f := range tune {
		f(&cfg)
	}
	b.api = api.New(cfg)
	b.server = httptest.NewUnstartedServer(b.api)
	b.server.Config = api.NewServer(b.api)
	b.server.Start()
	b.client = b.server.Client()
	ctx, cancel := context.WithCancel(context.Background())
	var services sync.WaitGroup
	for _, run := range []func(context.Context) error{sender.Run, in.Run, keys.Run, sessions.Run, notes.Run, b.hub.Run} {
		services.Go(func() {
			if err := run(ctx); err != nil {
				b.Errorf("run: %v", err)
			}
		})
	}
	return func() { cancel(); services.Wait() }
}

// workspace makes a workspace and an admin key of it.
func (b *box) workspace(name string) (signalbox.WorkspaceID, string) {
	b.Helper()
	now := time.Now().UTC()
	ws := signalbox.WorkspaceID(b.ids.Next(now))
	err := b.db.CreateWorkspace(b.Context(), signalbox.Workspace{
		ID: ws, Name: name, Timezone: "UTC", Retention: signalbox.Retention{EventDays: signalbox.DefaultEventDays}, CreatedAt: now, UpdatedAt: now,
	})
	if err != nil {
		b.Fatal(err)
	}
	return ws, b.key(ws, signalbox.ScopeAdmin)
}

// key makes a key of a workspace.
func (b *box) key(ws signalbox.WorkspaceID, scope signalbox.Scope) string {
	b.Helper()
	secret, err := auth.NewKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now().UTC()
	err = b.db.CreateKey(b.Context(), signalbox.APIKey{
		ID: signalbox.KeyID(b.ids.Next(now)), Workspace: ws, Name: string(scope), Scope: scope, Hint: auth.Hint(secret.Reveal()),
		Hash: auth.Hash(secret.Reveal()), CreatedAt: now,
	})
	if err != nil {
		b.Fatal(err)
	}
	return secret.Reveal()
}

// member makes a member of the box's workspace who has joined, and whose password nobody knows.
func (b *box) member(role signalbox.Role) signalbox.Member {
	b.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	id := signalbox.MemberID(b.ids.Next(now))
	m := signalbox.Member{
		ID: id, Workspace: b.ws, Email: fmt.Sprintf("%s%d@acme.com", role, id), Role: role, CreatedAt: now, UpdatedAt: now, JoinedAt: now,
	}
	if err := b.db.CreateMember(b.Context(), m, nil); err != nil {
		b.Fatal(err)
	}
	return m
}

// session signs a member in, and returns the cookie.
func (b *box) session(m signalbox.Member) string {
	b.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	token := auth.NewToken().Reveal()
	err := b.db.CreateSession(b.Context(), signalbox.Session{
		ID: signalbox.SessionID(b.ids.Next(now)), Workspace: m.Workspace, Member: m.ID, Hash: auth.Hash(token), CreatedAt: now, SeenAt: now,
		ExpiresAt: now.Add(signalbox.SessionLife),
	}, "")
	if err != nil {
		b.Fatal(err)
	}
	return "signalbox=" + token
}

// answer is what came back.
type answer struct {
	*testing.T
	status int
	header http.Header
	body   []byte
}

// send makes a request with the key; headers come in pairs.
func (b *box) send(key, method, path, body string, headers ...string) answer {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, b.server.URL+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header[headers[i]] = append(req.Header[headers[i]], headers[i+1])
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.Fatalf("%s %s: %v", method, path, err)
	}
	a := read(b.T, resp)
	if a.header.Get("X-Request-Id") == "" {
		b.Errorf("%s %s: no X-Request-Id", method, path)
	}
	return a
}

// read reads an answer whole.
func read(t *testing.T, resp *http.Response) answer {
	t.Helper()
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return answer{T: t, status: resp.StatusCode, header: resp.Header, body: got}
}

// do is send with the admin key, for requests that must succeed with the status.
func (b *box) do(status int, method, path, body string, headers ...string) answer {
	b.Helper()
	a := b.send(b.admin, method, path, body, headers...)
	if a.status != status {
		b.Fatalf("%s %s: %d %s, want %d", method, path, a.status, a.body, status)
	}
	return a
}

// at reads a member of the JSON answer by its dotted path; list items by number.
func (a answer) at(path string) any {
	a.Helper()
	var value any
	dec := json.NewDecoder(bytes.NewReader(a.body))
	dec.UseNumber()
	if err := dec.Decode(&value); err != nil {
		a.Fatalf("answer %q: %v", a.body, err)
	}
	for _, name := range strings.Split(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			there := false
			if value, there = v[name]; !there {
				return nil
			}
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// text is at for texts.
func (a answer) text(path string) string {
	a.Helper()
	s, _ := a.at(path).(string)
	return s
}

// refuses checks that the answer is this refusal.
func (a answer) refuses(status int, code, param, says string) {
	a.Helper()
	if a.status != status || a.text("error.code") != code || a.text("error.param") != param || !strings.Contains(a.text("error.message"), says) {
		a.Errorf("got %d %s, want %d %s, param %q, saying %q", a.status, a.body, status, code, param, says)
	}
	if id := a.header.Get("X-Request-Id"); a.text("error.request_id") != id || a.text("meta.request_id") != id {
		a.Errorf("%s does not carry the request id %s", a.body, id)
	}
}

// world plays the receivers: it notes what is sent and answers what it is told to.
type world struct {
	mu     sync.Mutex
	sent   []egress.Request
	answer func(egress.Request) egress.Result
}

func (w *world) Do(_ context.Context, req egress.Request) egress.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, req)
	if w.answer != nil {
		return w.answer(req)
	}
	return egress.Result{
		Status: 200, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte("OK"), RemoteAddr: "203.0.113.7:443",
		Timings: egress.Timings{DNS: time.Millisecond, Connect: 2 * time.Millisecond, Total: 5 * time.Millisecond},
	}
}

func (w *world) requests() []egress.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]egress.Request(nil), w.sent...)
}

// node is a lease that always holds.
type node struct{ lease signalbox.Lease }

func (n node) Lease() (signalbox.Lease, bool) { return n.lease, true }

// doors is the sending side as api sees it.
type doors struct {
	*deliver.Sender
	node
}

// targets is the real policy.
type targets struct{ policy *egress.Policy }

func (t targets) CheckTarget(ctx context.Context, url string) error {
	_, err := t.policy.CheckTarget(ctx, url)
	return err
}

// anywhere resolves every name to one public address.
type anywhere struct{}

func (anywhere) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
}

// Due notes a wake-up of the due runner, which is not part of this box.
func (b *box) Due(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.woken = append(b.woken, at)
}

func (b *box) Committed(int, time.Duration) { b.hub.Committed() }

// live is the hub as the doors see it.
type live struct{ *watch.Hub }

func (l live) Watch(ctx context.Context, ws signalbox.WorkspaceID, topics signalbox.LiveTopics, after int64) (api.View, error) {
	v, err := l.Hub.Watch(ctx, ws, topics, after)
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Arrived and Wait are the wake-ups of feeds.
func (b *box) Arrived(signalbox.WebhookID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.arrived)
	b.arrived = make(chan struct{})
}

func (b *box) Wait(ctx context.Context, _ signalbox.WebhookID) {
	b.mu.Lock()
	arrived := b.arrived
	b.mu.Unlock()
	select {
	case <-arrived:
	case <-ctx.Done():
	}
}

// buffer is a log that many write to.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *buffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// line returns the log's line about a request, once it is there: it is written after the answer.
func (b *box) line(requestID string) string {
	b.Helper()
	end := time.NewTimer(5 * time.Second)
	defer end.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		for line := range strings.Lines(b.log.String()) {
			if strings.Contains(line, requestID) {
				return line
			}
		}
		select {
		case <-tick.C:
		case <-end.C:
			b.Fatal(errors.New("no line of the log is about " + requestID))
		}
	}
}

// password makes an admin of the box's workspace with a password.
func (b *box) password(email, password string) signalbox.Member {
	b.Helper()
	hash, err := auth.HashPassword(b.Context(), password)
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	m := signalbox.Member{
		ID: signalbox.MemberID(b.ids.Next(now)), Workspace: b.ws, Email: email, Role: signalbox.RoleAdmin, Password: hash, CreatedAt: now, UpdatedAt: now,
		JoinedAt: now,
	}
	if err := b.db.CreateMember(b.Context(), m, nil); err != nil {
		b.Fatal(err)
	}
	return m
}

// otherSession begins another session of a member, and returns its id.
func (b *box) otherSession(m signalbox.Member) string {
	b.Helper()
	b.session(m)
	list, _, err := b.db.Sessions(b.Context(), m.Workspace, m.ID, signalbox.Page{})
	if err != nil {
		b.Fatal(err)
	}
	return b.codec.Format(signalbox.KindSession, int64(list[0].ID))
}
