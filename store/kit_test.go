package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"signalbox"
	"signalbox/store"
)

// small is a database with one workspace, and what a test needs to write to it.
type small struct {
	*store.DB
	path  string
	ids   *signalbox.IDs
	ws    signalbox.WorkspaceID
	wh    signalbox.WebhookID
	typ   signalbox.TypeID
	lease signalbox.Lease
	now   time.Time
}

func newSmall(t *testing.T) *small {
	t.Helper()
	s := &small{path: filepath.Join(t.TempDir(), "box.db"), ids: signalbox.NewIDs(0), now: benchTime}
	s.open(t, store.Config{})
	s.fill(t)
	return s
}

// open opens the database and closes it with the test.
func (s *small) open(t *testing.T, cfg store.Config) {
	t.Helper()
	cfg.Path = s.path
	cfg.Readers = 1
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.DB = db
	t.Cleanup(func() { _ = db.Close() })
}

// fill makes the workspace, its webhook and a type.
func (s *small) fill(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	s.ws, s.wh, s.typ = signalbox.WorkspaceID(s.id()), signalbox.WebhookID(s.id()), signalbox.TypeID(s.id())
	var err error
	if s.lease, err = s.JoinNode(ctx, "test", s.now); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateWorkspace(ctx, signalbox.Workspace{ID: s.ws, Name: "test", Timezone: "UTC", CreatedAt: s.now, UpdatedAt: s.now}); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateWebhook(ctx, signalbox.Webhook{
		ID: s.wh, Workspace: s.ws, Kind: signalbox.KindPush, URL: "http://127.0.0.1", Events: []string{"*"}, Format: signalbox.FormatStairoids,
		MaxInFlight: 8, Enabled: true, CreatedAt: s.now, UpdatedAt: s.now,
	}); err != nil {
		t.Fatal(err)
	}
	err = s.decide(&signalbox.Decision{Types: []signalbox.SignalType{{ID: s.typ, Workspace: s.ws, Name: "visit", CreatedAt: s.now}}})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *small) id() int64 { return s.ids.Next(s.now) }

func (s *small) decide(d *signalbox.Decision) error {
	return s.Decide(context.Background(),
		func() signalbox.Need { return signalbox.Need{Workspaces: []signalbox.WorkspaceID{s.ws}} },
		func(*signalbox.Situation) (*signalbox.Decision, error) { return d, nil })
}

// signal saves one signal with an event and a delivery that is leased, and returns it when it was acknowledged.
func (s *small) signal(body []byte) (signalbox.SignalID, signalbox.DeliveryID, error) {
	sig, evt, dlv := signalbox.SignalID(s.id()), signalbox.EventID(s.id()), signalbox.DeliveryID(s.id())
	err := s.decide(&signalbox.Decision{
		Signals: []signalbox.Signal{{
			ID: sig, Workspace: s.ws, TypeID: s.typ, Source: "test", Properties: body, OccurredAt: s.now, CreatedAt: s.now, CausedTo: int64(dlv),
		}},
		Events: []signalbox.Event{{
			ID: evt, Workspace: s.ws, Name: "signal.created", Signal: sig, Bodies: signalbox.Bodies{Stairoids: body}, CausedTo: int64(dlv), CreatedAt: s.now,
		}},
		Deliveries: []signalbox.NewDelivery{{
			Delivery: signalbox.Delivery{
				ID: dlv, Workspace: s.ws, Webhook: s.wh, Event: evt, EventName: "signal.created", State: signalbox.Pending, DueAt: s.now, CreatedAt: s.now,
			},
			Lease: s.lease,
		}},
	})
	return sig, dlv, err
}

// has says whether a signal is stored.
func (s *small) has(t *testing.T, sig signalbox.SignalID) bool {
	t.Helper()
	_, err := s.Signal(context.Background(), s.ws, sig)
	if err != nil && signalbox.CodeOf(err) != signalbox.NotFound {
		t.Fatal(err)
	}
	return err == nil
}

// wantCode fails the test unless err has the code.
func wantCode(t *testing.T, err error, want signalbox.Code) {
	t.Helper()
	if got := signalbox.CodeOf(err); got != want {
		t.Fatalf("code %q of error %v, want %q", got, err, want)
	}
}

var errTest = errors.New("the test says no")
