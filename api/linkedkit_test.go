package api_test

import (
	"cmp"
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"sync"
	"time"

	"signalbox"
	"signalbox/api"
)

// linkedMemory keeps linked accounts as the store's door is described, without events and without anybody who fetches. It notes what each request did.
type linkedMemory struct {
	ids *signalbox.IDs

	mu       sync.Mutex
	accounts map[signalbox.LinkedAccountID]signalbox.LinkedAccount
	streams  map[signalbox.StreamID]signalbox.Stream
	runs     map[signalbox.SyncRunID]signalbox.SyncRun
	acts     map[signalbox.RequestID]string
}

var _ api.LinkedStore = (*linkedMemory)(nil)

func newLinkedMemory(ids *signalbox.IDs) *linkedMemory {
	return &linkedMemory{
		ids: ids, accounts: map[signalbox.LinkedAccountID]signalbox.LinkedAccount{}, streams: map[signalbox.StreamID]signalbox.Stream{},
		runs: map[signalbox.SyncRunID]signalbox.SyncRun{}, acts: map[signalbox.RequestID]string{},
	}
}

// act notes what the request of a call did; a change without an act would be told of as nobody's.
func (m *linkedMemory) act(ctx context.Context, action string) {
	if act, ok := signalbox.ActOf(ctx); ok && act.Entry != 0 && act.Actor.ID != 0 {
		m.acts[act.Request] = action
	}
}

// pageOf gives the part of a list that a page asks for.
func pageOf[T any](all []T, id func(T) int64, p signalbox.Page) (list []T, next int64, err error) {
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(id(b), id(a)) })
	for _, one := range all {
		if p.Before != 0 && id(one) >= p.Before {
			continue
		}
		if len(list) == p.Limit {
			return list, id(list[len(list)-1]), nil
		}
		list = append(list, one)
	}
	return list, 0, nil
}

func (m *linkedMemory) LinkedAccounts(_ context.Context, ws signalbox.WorkspaceID, p signalbox.Page) ([]signalbox.LinkedAccount, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []signalbox.LinkedAccount
	for _, l := range m.accounts {
		if l.Workspace == ws {
			all = append(all, l)
		}
	}
	return pageOf(all, func(l signalbox.LinkedAccount) int64 { return int64(l.ID) }, p)
}

func (m *linkedMemory) LinkedAccount(_ context.Context, ws signalbox.WorkspaceID, id signalbox.LinkedAccountID) (signalbox.LinkedAccount, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.account(ws, id)
}

func (m *linkedMemory) account(ws signalbox.WorkspaceID, id signalbox.LinkedAccountID) (signalbox.LinkedAccount, error) {
	l, ok := m.accounts[id]
	if !ok || l.Workspace != ws {
		return signalbox.LinkedAccount{}, signalbox.NoSuch("linked_account")
	}
	return l, nil
}

func (m *linkedMemory) CreateLinkedAccount(ctx context.Context, l signalbox.LinkedAccount) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.act(ctx, "linked_account.created")
	m.accounts[l.ID] = l
	return nil
}

func (m *linkedMemory) UpdateLinkedAccount(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.LinkedAccountID, now time.Time, change func(*signalbox.LinkedAccount) error) (signalbox.LinkedAccount, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, err := m.account(ws, id)
	if err != nil {
		return old, err
	}
	l := old
	if err := change(&l); err != nil || reflect.DeepEqual(l, old) {
		return l, err
	}
	l.Revision, l.UpdatedAt = l.Revision+1, now
	m.act(ctx, "linked_account.updated")
	m.accounts[id] = l
	return l, nil
}

func (m *linkedMemory) DeleteLinkedAccount(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.LinkedAccountID, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.account(ws, id); err != nil {
		return err
	}
	m.act(ctx, "linked_account.deleted")
	delete(m.accounts, id)
	for _, s := range m.streams {
		if s.Linked == id {
			delete(m.streams, s.ID)
		}
	}
	return nil
}

func (m *linkedMemory) Streams(_ context.Context, ws signalbox.WorkspaceID, of signalbox.LinkedAccountID, p signalbox.Page) ([]signalbox.Stream, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []signalbox.Stream
	for _, s := range m.streams {
		if s.Workspace == ws && s.Linked == of {
			all = append(all, s)
		}
	}
	return pageOf(all, func(s signalbox.Stream) int64 { return int64(s.ID) }, p)
}

func (m *linkedMemory) Stream(_ context.Context, ws signalbox.WorkspaceID, of signalbox.LinkedAccountID, id signalbox.StreamID) (signalbox.Stream, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stream(ws, of, id)
}

func (m *linkedMemory) stream(ws signalbox.WorkspaceID, of signalbox.LinkedAccountID, id signalbox.StreamID) (signalbox.Stream, error) {
	s, ok := m.streams[id]
	if !ok || s.Workspace != ws || s.Linked != of {
		return signalbox.Stream{}, signalbox.NoSuch("stream")
	}
	return s, nil
}

func (m *linkedMemory) CreateStream(ctx context.Context, s signalbox.Stream) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.account(s.Workspace, s.Linked); err != nil {
		return err
	}
	m.act(ctx, "stream.created")
	m.streams[s.ID] = s
	return nil
}

func (m *linkedMemory) UpdateStream(ctx context.Context, ws signalbox.WorkspaceID, of signalbox.LinkedAccountID, id signalbox.StreamID, now time.Time, change func(*signalbox.Stream) error) (signalbox.Stream, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.stream(ws, of, id)
	if err != nil {
		return s, err
	}
	if err := change(&s); err != nil {
		return s, err
	}
	s.Version, s.UpdatedAt = s.Version+1, now
	m.act(ctx, "stream.updated")
	m.streams[id] = s
	return s, nil
}

func (m *linkedMemory) DeleteStream(ctx context.Context, ws signalbox.WorkspaceID, of signalbox.LinkedAccountID, id signalbox.StreamID, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.stream(ws, of, id); err != nil {
		return err
	}
	m.act(ctx, "stream.deleted")
	delete(m.streams, id)
	return nil
}

func (m *linkedMemory) SyncRuns(_ context.Context, ws signalbox.WorkspaceID, of signalbox.LinkedAccountID, stream signalbox.StreamID, p signalbox.Page) ([]signalbox.SyncRun, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []signalbox.SyncRun
	for _, r := range m.runs {
		if r.Workspace == ws && r.Linked == of && (stream == 0 || r.Stream == stream) {
			all = append(all, r)
		}
	}
	return pageOf(all, func(r signalbox.SyncRun) int64 { return int64(r.ID) }, p)
}

func (m *linkedMemory) SyncRun(_ context.Context, ws signalbox.WorkspaceID, of signalbox.LinkedAccountID, id signalbox.SyncRunID) (signalbox.SyncRun, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.runs[id]
	if !ok || r.Workspace != ws || r.Linked != of {
		return signalbox.SyncRun{}, signalbox.NoSuch("run")
	}
	return r, nil
}

func (m *linkedMemory) StartSync(ctx context.Context, ws signalbox.WorkspaceID, stream signalbox.StreamID, id signalbox.SyncRunID, now time.Time) (signalbox.SyncRunID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.streams[stream]
	switch {
	case !ok || s.Workspace != ws:
		return 0, signalbox.NoSuch("stream")
	case s.Paused:
		return 0, signalbox.Errorf(signalbox.Conflict, "the stream is paused")
	case s.Run != 0:
		return s.Run, nil
	}
	m.act(ctx, "stream.synced")
	s.Run, s.NextAt = id, now
	m.streams[stream], m.runs[id] = s, s.NewRun(id, now)
	return id, nil
}

func (m *linkedMemory) DecideSync(ctx context.Context, ws signalbox.WorkspaceID, run signalbox.SyncRunID, d signalbox.SyncDecision, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.runs[run]
	switch {
	case !ok || r.Workspace != ws:
		return signalbox.NoSuch("run")
	case r.Status != signalbox.SyncQuarantined || r.Closed != "" || r.Decision != "" && r.Decision != d:
		return signalbox.Errorf(signalbox.Conflict, "the run waits for no decision")
	}
	m.act(ctx, "run."+string(d))
	r.Decision = d
	m.runs[run] = r
	return nil
}

// quarantine has a run of a stream end so, and returns it.
func (m *linkedMemory) quarantine(stream signalbox.StreamID, now time.Time) signalbox.SyncRun {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.streams[stream]
	r := s.NewRun(signalbox.SyncRunID(m.ids.Next(now)), now)
	r.Status, r.EndedAt, r.Error = signalbox.SyncQuarantined, now, "all 60 records are missing"
	r.Missing, r.Suppressed = 60, 60
	s.Run, s.Quarantine = 0, r.ID
	m.streams[stream], m.runs[r.ID] = s, r
	return r
}

// kept is everything about streams that would be stored, as text.
func (m *linkedMemory) kept() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	text, err := json.Marshal([]any{m.accounts, m.streams, m.runs})
	if err != nil {
		panic(err)
	}
	for _, s := range m.streams {
		text = append(append(append(text, s.Connector...), s.Secrets...), s.Key...)
	}
	return string(text)
}

// one is a stream as it is stored.
func (m *linkedMemory) one(id signalbox.StreamID) signalbox.Stream {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.streams[id]
}
