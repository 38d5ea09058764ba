package deliver_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"signalbox"
	"signalbox/deliver"
	"signalbox/due"
	"signalbox/egress"
	"signalbox/seal"
	"signalbox/sign"
	"signalbox/store"
)

// server is the real sending side: the embedded database, due rows, the egress client and loopback receivers.
type server struct {
	t      *testing.T
	db     *store.DB
	client *egress.Client
	box    *seal.Box
	ids    *signalbox.IDs
	codec  *signalbox.Codec
	sender *deliver.Sender
	runner *due.Runner
	stop   func() error
}

func newServer(t *testing.T) *server {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "signalbox.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	policy, err := egress.NewPolicy(egress.Config{Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	key, err := seal.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.NewBox(key)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, db: db, client: egress.NewClient(policy), box: box, ids: signalbox.NewIDs(0), codec: signalbox.NewCodec([16]byte{2})}
	t.Cleanup(s.client.Close)
	now := time.Now().UTC()
	if err := db.CreateWorkspace(t.Context(), signalbox.Workspace{ID: workspace, Name: "w", Timezone: "UTC", CreatedAt: now, UpdatedAt: now}); err != nil {
		t.Fatal(err)
	}
	return s
}

// settleless is a store that the process dies before it could settle in.
type settleless struct{ *store.DB }

func (settleless) Settle(context.Context, []signalbox.Settlement) ([]bool, error) {
	return nil, errors.New("the process is gone")
}

// start runs a Sender and the due rows, as a process with a generation of its own.
func (s *server) start(db deliver.Store, grace time.Duration) {
	s.t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	ctx, cancel := context.WithCancel(context.Background())
	node, err := due.Join(ctx, due.NodeConfig{Store: s.db, Token: "test", Log: log, Lost: func(signalbox.Lease) { s.sender.LeaseLost() }})
	if err != nil {
		s.t.Fatal(err)
	}
	s.sender = deliver.New(deliver.Config{
		Store: db, Egress: s.client, Node: node, Box: s.box, Codec: s.codec, IDs: s.ids, Log: log, UserAgent: "Signalbox/test", Grace: grace,
		Wake: func(at time.Time) { s.runner.Wake(at) },
	})
	s.runner = due.New(s.db, node, map[signalbox.DueKind]due.Owner{signalbox.DueLane: s.sender.LaneDue}, log)
	var services sync.WaitGroup
	failed := make(chan error, 1)
	services.Go(func() { node.Run(ctx) })
	services.Go(func() { s.runner.Run(ctx) })
	services.Go(func() { failed <- s.sender.Run(ctx) })
	s.stop = sync.OnceValue(func() error {
		cancel()
		services.Wait()
		return <-failed
	})
	s.t.Cleanup(func() { s.stop() })
}

// webhook saves a webhook that points at a receiver.
func (s *server) webhook(receiver http.HandlerFunc) *signalbox.Webhook {
	s.t.Helper()
	target := httptest.NewServer(receiver)
	s.t.Cleanup(target.Close)
	now := time.Now().UTC()
	id := signalbox.WebhookID(s.ids.Next(now))
	wh := signalbox.Webhook{
		ID: id, Workspace: workspace, Kind: signalbox.KindPush, URL: target.URL + "/hook", Events: []string{"*"}, Format: signalbox.FormatStairoids,
		SealedSecret: s.box.Seal(seal.Bind{Workspace: int64(workspace), Row: int64(id), Kind: deliver.SecretKind}, []byte(secret)),
		MaxInFlight:  8, Enabled: true, Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	if err := s.db.CreateWebhook(s.t.Context(), wh); err != nil {
		s.t.Fatal(err)
	}
	return &wh
}

// submit saves an event and its delivery as a turn does; memory says whether to ask the lane for room.
func (s *server) submit(wh *signalbox.Webhook, memory bool) signalbox.DeliveryID {
	s.t.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	event := signalbox.EventID(s.ids.Next(now))
	ready := signalbox.Ready{Body: fmt.Appendf(nil, `{"id":%q}`, s.codec.Format(signalbox.KindEvent, int64(event)))}
	ready.Delivery = signalbox.Delivery{
		ID: signalbox.DeliveryID(s.ids.Next(now)), Workspace: workspace, Webhook: wh.ID, Event: event, EventName: "signal.created",
		State: signalbox.Pending, DueAt: now, CreatedAt: now,
	}
	if memory {
		ready.Lease, memory = s.sender.Reserve(wh, 1, len(ready.Body))
	}
	decision := &signalbox.Decision{
		Events: []signalbox.Event{{
			ID: event, Workspace: workspace, Name: "signal.created", Bodies: signalbox.Bodies{Stairoids: ready.Body}, CausedTo: int64(ready.Delivery.ID), CreatedAt: now,
		}},
		Deliveries: []signalbox.NewDelivery{{Delivery: ready.Delivery, Lease: ready.Lease}},
	}
	err := s.db.Decide(s.t.Context(), func() signalbox.Need { return signalbox.Need{Workspaces: []signalbox.WorkspaceID{workspace}} },
		func(*signalbox.Situation) (*signalbox.Decision, error) { return decision, nil })
	if err != nil {
		s.t.Fatal(err)
	}
	if memory {
		s.sender.Send(wh, []signalbox.Ready{ready})
	} else {
		s.runner.Wake(now)
	}
	return ready.Delivery.ID
}

func (s *server) delivery(id signalbox.DeliveryID) signalbox.DeliveryView {
	s.t.Helper()
	v, err := s.db.Delivery(s.t.Context(), workspace, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

// proves S1-33: signed bytes reach a real receiver from memory and from the table, and are settled with their attempt.
func TestSpec_DeliversFromMemoryAndFromTheTable(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.start(s.db, 0)
	const n = 100
	arrived := make(chan error, n)
	wh := s.webhook(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived <- sign.Verify(sign.Stairoids, r.Header, body, []sign.Secret{secret}, time.Now())
	})
	sent := []signalbox.DeliveryID{s.submit(wh, false)}
	if err := <-arrived; err != nil { // from here on the lanes are open
		t.Error(err)
	}
	for i := range n - 1 {
		sent = append(sent, s.submit(wh, i%2 == 0))
	}
	for range n - 1 {
		if err := <-arrived; err != nil {
			t.Error(err)
		}
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	for _, id := range sent {
		v := s.delivery(id)
		if v.State != signalbox.Delivered || v.Attempts != 1 || len(v.Log) != 1 || v.Log[0].StatusCode != 200 || v.Log[0].RemoteAddr == "" {
			t.Fatalf("%+v, want it delivered by one attempt", v)
		}
	}
}

// R8 in small: a receiver that takes connections and never answers delays nobody else.
func TestSpec_ABlackHoleNeverDelaysAnother(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.start(s.db, time.Second)
	closing := make(chan struct{})
	swallowed, arrived := make(chan struct{}, 64), make(chan struct{}, 200)
	hole := s.webhook(func(_ http.ResponseWriter, r *http.Request) {
		swallowed <- struct{}{}
		select {
		case <-closing:
		case <-r.Context().Done():
		}
	})
	defer close(closing)
	live := s.webhook(func(http.ResponseWriter, *http.Request) { arrived <- struct{}{} })
	for range 40 {
		s.submit(hole, true)
	}
	for range 8 {
		<-swallowed // its lane is full
	}
	for i := range 200 {
		s.submit(live, i%2 == 0)
	}
	for range 200 {
		<-arrived
	}
	if n := s.sender.Load().InFlight; n > 8+8 {
		t.Errorf("%d in flight, want at most max_in_flight of each", n)
	}
}

// Design, Claims: a crash between send and settle means one extra send with the same webhook-id, on the real database.
func TestSpec_CrashBetweenSendAndSettleSendsOnceMore(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.start(settleless{s.db}, 50*time.Millisecond)
	arrived := make(chan string, 8)
	wh := s.webhook(func(_ http.ResponseWriter, r *http.Request) { arrived <- r.Header.Get("Webhook-Id") })
	id := s.submit(wh, true)
	first := <-arrived
	if err := s.stop(); err == nil {
		t.Error("a stop that could not settle says nothing")
	}
	s.start(s.db, 0)
	if second := <-arrived; second != first || first == "" {
		t.Errorf("webhook-id %q, then %q; want the same", first, second)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if v := s.delivery(id); v.State != signalbox.Delivered || v.Attempts != 1 || len(v.Log) != 1 || len(arrived) != 0 {
		t.Errorf("%+v, want it delivered, the lost attempt uncounted", v)
	}
}

// R15 in small, on the real database: what a stop cuts or leaves is not counted, and the next start sends it.
func TestSpec_WhatAStopLeavesIsSentByTheNextStart(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.start(s.db, 20*time.Millisecond)
	gate, holding, answered := make(chan struct{}), make(chan struct{}, 64), make(chan string, 64)
	wh := s.webhook(func(_ http.ResponseWriter, r *http.Request) {
		holding <- struct{}{}
		select {
		case <-gate:
			answered <- r.Header.Get("Webhook-Id")
		case <-r.Context().Done():
		}
	})
	var sent []signalbox.DeliveryID
	for range 30 {
		sent = append(sent, s.submit(wh, true))
	}
	<-holding
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	for _, id := range sent {
		if v := s.delivery(id); v.State != signalbox.Pending || v.Attempts != 0 || len(v.Log) != 0 {
			t.Fatalf("%+v, want it untouched", v)
		}
	}
	close(gate)
	s.start(s.db, 0)
	for got := map[string]bool{}; len(got) < 30; {
		got[<-answered] = true
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	for _, id := range sent {
		if v := s.delivery(id); v.State != signalbox.Delivered || v.Attempts != 1 || len(v.Log) != 1 {
			t.Errorf("%+v, want it delivered by the one attempt that counted", v)
		}
	}
}
