package poll_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"signalbox"
	"signalbox/poll"
	"signalbox/seal"
)

// epoch is when tests begin that have no clock of their own.
var epoch = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)

var box = func() *seal.Box {
	key, err := seal.NewKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	b, err := seal.NewBox(key)
	if err != nil {
		panic(err)
	}
	return b
}()

// node is a lease that holds as long as the test says so.
type node struct {
	lease signalbox.Lease
	lost  bool
}

func (n *node) Lease() (signalbox.Lease, bool) { return n.lease, !n.lost }

// test is a *testing.T, or one of rapid's.
type test interface {
	Helper()
	Context() context.Context
	Fatal(...any)
}

// rig is a runner on a table and a source, with a clock that the test moves.
type rig struct {
	table  *table
	stream *stream
	runner *poll.Runner
	node   *node
	source poll.Source
	opened error
	now    time.Time
	config poll.Config
}

const (
	workspace = signalbox.WorkspaceID(7)
	streamID  = signalbox.StreamID(70)
)

// employees is the stream that tests are about.
func employees() signalbox.Stream {
	return signalbox.Stream{
		ID: streamID, Workspace: workspace, Linked: 8, API: "hris", RecordType: "employees", Fingerprint: 1, Version: 1, Key: poll.NewKey(box, workspace, streamID), NextAt: epoch,
	}
}

func newRig(source poll.Source, one signalbox.Stream) *rig {
	r := &rig{table: newTable(), node: &node{lease: signalbox.Lease{Node: 1, Generation: 1}}, source: source, now: epoch}
	r.stream = r.table.add(one)
	r.config = poll.Config{
		Store: r.table, Desk: r.table, Node: r.node, Box: box, IDs: signalbox.NewIDs(1), Codec: signalbox.NewCodec([16]byte{1}), Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return r.now }, Wake: func(time.Time) {},
		Open: func(context.Context, *signalbox.Stream) (poll.Source, error) { return r.source, r.opened },
	}
	r.runner = poll.New(r.config)
	return r
}

// restart is what a crash leads to: a new process, a new generation, nothing remembered but the table.
func (r *rig) restart() {
	r.table.revive(r.node.lease.Generation)
	r.node = &node{lease: signalbox.Lease{Node: 1, Generation: r.node.lease.Generation + 1}}
	r.config.Node = r.node
	r.runner = poll.New(r.config)
}

// sync has the stream fetched now and returns the run as it ended.
func (r *rig) sync(t test) signalbox.SyncRun {
	t.Helper()
	r.now = r.now.Add(time.Hour)
	id, err := r.runner.SyncNow(t.Context(), workspace, streamID)
	if err != nil {
		t.Fatal(err)
	}
	r.work(t)
	return *r.table.runs[id]
}

// work gives the stream turns until it wants none.
func (r *rig) work(t test) {
	t.Helper()
	for range 100 {
		again, err := r.runner.Work(t.Context(), workspace, streamID)
		if err != nil {
			t.Fatal(err)
		}
		if !again {
			return
		}
	}
	t.Fatal("the stream wants a turn for ever")
}

// decide carries a decision out.
func (r *rig) decide(t test, run signalbox.SyncRunID, d signalbox.SyncDecision) {
	t.Helper()
	if err := r.runner.Decide(t.Context(), workspace, run, d); err != nil {
		t.Fatal(err)
	}
	r.work(t)
}

// events are what was told since the last call, as "created a" and "updated b title,salary".
func (r *rig) events() []string {
	var list []string
	for _, e := range r.table.told {
		text := string(e.Kind) + " " + e.Record.ID
		for i, name := range e.Record.Changed {
			text += map[bool]string{true: " ", false: ","}[i == 0] + name
		}
		list = append(list, text)
	}
	r.table.told = nil
	return list
}

// want checks what was told.
func (r *rig) want(t testing.TB, events ...string) {
	t.Helper()
	if got := r.events(); !slices.Equal(got, events) {
		t.Errorf("told %q, want %q", got, events)
	}
}

// person is a record of three fields.
func person(id, title string, salary int) poll.Record {
	return poll.Record{ID: id, Fields: []poll.Field{
		{Name: "id", Value: fmt.Appendf(nil, "%q", id)}, {Name: "salary", Value: fmt.Append(nil, salary)}, {Name: "title", Value: fmt.Appendf(nil, "%q", title)},
	}}
}

// people are n of them, from a number on.
func people(from, n int) []poll.Record {
	list := make([]poll.Record, n)
	for i := range list {
		list[i] = person(fmt.Sprintf("p%04d", from+i), "engineer", 1000)
	}
	return list
}

// list is a source that sends its records in pages of a size, by their place.
type list struct {
	records []poll.Record
	size    int  // 0: 10
	totals  bool // it tells how many there are
	shifts  bool
	byID    bool
	asked   []string // what it was asked for by id
	idFails error
	fetched int
	// page may change a page before it is sent, or refuse it.
	page func(n int, p *poll.Page) error
}

func (l *list) Next(_ context.Context, from poll.Checkpoint) (poll.Page, error) {
	l.fetched++
	at := 0
	if from != nil {
		if _, err := fmt.Sscanf(string(from), "at %d", &at); err != nil {
			return poll.Page{}, err
		}
	}
	size := l.size
	if size == 0 {
		size = 10
	}
	end := min(at+size, len(l.records))
	p := poll.Page{Records: slices.Clone(l.records[min(at, end):end]), Next: fmt.Appendf(nil, "at %d", end), Last: end == len(l.records), Total: poll.TotalUnknown}
	if l.totals {
		p.Total = len(l.records)
	}
	if l.page != nil {
		if err := l.page(at/size, &p); err != nil {
			return poll.Page{}, err
		}
	}
	return p, nil
}

func (l *list) Shifts() bool { return l.shifts }

func (l *list) ByID(_ context.Context, id string) (found, known bool, err error) {
	l.asked = append(l.asked, id)
	return slices.ContainsFunc(l.records, func(r poll.Record) bool { return r.ID == id }), l.byID, l.idFails
}

// keyOf opens the key of a stream.
func keyOf(s *signalbox.Stream) poll.Key {
	plain, err := box.Open(seal.Bind{Workspace: int64(s.Workspace), Row: int64(s.ID), Kind: "stream.key"}, s.Key)
	if err != nil {
		panic(err)
	}
	return poll.Key(plain)
}
