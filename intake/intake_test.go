package intake_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/intake"
)

func TestSubmit_AnswersAfterTheCommit(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	hook := b.webhook()
	r, err := b.submit(about(1))
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.db.Signal(t.Context(), b.ws, r.ID)
	if err != nil || s.Account != r.Account || s.Contact != r.Contact || string(s.Properties) != `{"n":1}` {
		t.Errorf("stored %+v, %v, answered %+v", s, err, r)
	}
	list, _, err := b.db.Deliveries(t.Context(), b.ws, hook, signalbox.DeliveryFilter{}, signalbox.Page{Limit: 10})
	if err != nil || len(list) != 1 {
		t.Fatalf("%d deliveries, %v, want one", len(list), err)
	}
	if reserved, sent := b.sender.state(); reserved != 0 || sent != 1 {
		t.Errorf("%d reserved and %d sent, want the one delivery handed over", reserved, sent)
	}
}

func TestSubmit_ManyAtOnceShareTurnsAndAreAllStored(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	b.webhook()
	const n = 500
	var wg sync.WaitGroup
	ids := make([]signalbox.SignalID, n)
	for i := range n {
		wg.Go(func() {
			r, err := b.submit(about(i))
			if err != nil {
				t.Error(err)
			}
			ids[i] = r.ID
		})
	}
	wg.Wait()
	unique := map[signalbox.SignalID]bool{}
	for _, id := range ids {
		unique[id] = true
	}
	if len(unique) != n || b.signals() != n {
		t.Errorf("%d ids answered and %d signals stored, want %d", len(unique), b.signals(), n)
	}
	b.stop()
	if len(b.news.turns) >= n {
		t.Errorf("%d turns for %d signals: none was shared", len(b.news.turns), n)
	}
	if _, sent := b.sender.state(); sent != n {
		t.Errorf("%d deliveries handed over, want %d", sent, n)
	}
}

func TestSubmit_DefinitionIsInForceForTheNextSignal(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	for i := range 5 {
		if _, err := b.submit(about(i)); err != nil {
			t.Fatal(err)
		}
		hook := b.webhook()
		if _, err := b.submit(about(i)); err != nil {
			t.Fatal(err)
		}
		list, _, err := b.db.Deliveries(t.Context(), b.ws, hook, signalbox.DeliveryFilter{}, signalbox.Page{Limit: 10})
		if err != nil || len(list) != 1 {
			t.Fatalf("webhook %d got %d deliveries (%v) of the one signal sent after it was made", i, len(list), err)
		}
	}
}

// What would be refused never reaches a turn, which tells when definitions have changed: nothing is refused under those of before.
func TestSubmit_NothingIsRefusedUnderDefinitionsOfBefore(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	require := func(identity bool) {
		t.Helper()
		if _, err := b.db.UpdateWorkspace(t.Context(), b.ws, time.Now().UTC(), func(w *signalbox.Workspace) error {
			w.RequireIdentity = identity
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	nobody := signalbox.SignalInput{Type: "page_visit", Source: "test", OccurredAt: time.Now()}
	ways := map[string]func() error{
		"one": func() error { _, err := b.submit(nobody); return err },
		"of a batch": func() error {
			v, err := b.intake.SubmitBatch(t.Context(), b.ws, 0, []signalbox.SignalInput{nobody, nobody})
			return cmp.Or(err, v[0].Err, v[1].Err)
		},
		"tried": func() error {
			v, err := b.intake.TryBatch(t.Context(), b.ws, 0, []signalbox.SignalInput{nobody, nobody})
			return cmp.Or(err, v[0].Err, v[1].Err)
		},
	}
	for name, way := range ways {
		require(true)
		var refused *signalbox.Error
		if err := way(); !errors.As(err, &refused) || refused.Param != "contact.email" {
			t.Errorf("%s without an identity where one is required: %v", name, err)
		}
		require(false)
		if err := way(); err != nil {
			t.Errorf("%s without an identity where none is required any more: %v", name, err)
		}
	}
}

func TestSubmit_NoRoomInTheLaneLeavesTheDeliveryInTheTable(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	hook := b.webhook()
	b.sender.full = true
	if _, err := b.submit(about(1)); err != nil {
		t.Fatal(err)
	}
	b.stop()
	if len(b.news.due) != 1 {
		t.Errorf("%d wakes, want the due work to be told once", len(b.news.due))
	}
	lease, err := b.db.JoinNode(t.Context(), "node", time.Now().UTC())
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.db.Claim(t.Context(), lease, b.ws, hook, 10, time.Now().UTC())
	if err != nil || len(got.Ready) != 1 || len(got.Ready[0].Body) == 0 {
		t.Errorf("claimed %+v, %v, want the delivery with its body", got, err)
	}
}

func TestSubmit_PanicCostsItsOwnWaiterOnly(t *testing.T) {
	t.Parallel()
	var f *faulty
	b := newBox(t, func(s intake.Store) intake.Store { f = &faulty{Store: s}; return f })
	if _, err := b.submit(about(1)); err != nil {
		t.Fatal(err)
	}
	release := f.hold()
	defer release()
	first := make(chan error, 1)
	go func() { _, err := b.submit(about(2)); first <- err }()
	waitFor(t, f.held)
	// While that turn is held, the next one fills with two good signals and one whose properties are no JSON: freezing it panics.
	bad := about(3)
	bad.Account.Attributes = []byte(`{"broken`)
	errs := make([]error, 3)
	var wg sync.WaitGroup
	for i, in := range []signalbox.SignalInput{about(4), bad, about(5)} {
		wg.Go(func() { _, errs[i] = b.submit(in) })
	}
	waitFor(t, func() bool { n, _ := b.intake.Waiting(); return n == 3 })
	release()
	wg.Wait()
	if err := <-first; err != nil {
		t.Error(err)
	}
	if errs[0] != nil || errs[2] != nil || signalbox.CodeOf(errs[1]) != signalbox.Internal {
		t.Errorf("answered %v, want %s for the second only", errs, signalbox.Internal)
	}
	if n := b.signals(); n != 4 {
		t.Errorf("%d signals stored, want the four good ones", n)
	}
}

// A turn whose outcome must be found out first is waited for by those in it; whoever waits behind it is told at once that the database is away,
// and that nothing of his was stored.
func TestSubmit_NobodyWaitsBehindATurnWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	var f *faulty
	b := newBox(t, func(s intake.Store) intake.Store { f = &faulty{Store: s}; return f })
	release := f.hold()
	defer release()
	first := make(chan error, 1)
	go func() { _, err := b.submit(about(1)); first <- err }()
	waitFor(t, f.held)
	behind := make(chan error, 3)
	keyed := about(2)
	keyed.IdempotencyKey = "k"
	for _, in := range []signalbox.SignalInput{keyed, keyed, about(3)} {
		go func() { _, err := b.submit(in); behind <- err }()
	}
	waitFor(t, func() bool { n, _ := b.intake.Waiting(); return n == 3 })
	f.away(&signalbox.Error{Code: signalbox.Unavailable})
	for range 3 {
		if err := <-behind; signalbox.CodeOf(err) != signalbox.Unavailable {
			t.Errorf("answered %v, want %s", err, signalbox.Unavailable)
		}
	}
	if n, bytes := b.intake.Waiting(); n != 0 || bytes != 0 {
		t.Errorf("%d inputs of %d bytes still wait", n, bytes)
	}
	release()
	if err := <-first; err != nil {
		t.Error(err)
	}
	if _, err := b.submit(keyed); err != nil { // its key is free again
		t.Error(err)
	}
	if n := b.signals(); n != 2 {
		t.Errorf("%d signals stored, want the first and the one that came again", n)
	}
}

func TestSubmit_TurnThatCannotBeSavedIsHalvedUntilTheCulpritIsAlone(t *testing.T) {
	t.Parallel()
	var f *faulty
	b := newBox(t, func(s intake.Store) intake.Store { f = &faulty{Store: s}; return f })
	b.webhook()
	f.refuse = func(d *signalbox.Decision) error {
		for i := range d.Signals {
			if d.Signals[i].Source == "culprit" {
				return errBroken
			}
		}
		return nil
	}
	list := make([]signalbox.SignalInput, 40)
	for i := range list {
		list[i] = about(i)
	}
	list[17].Source = "culprit"
	verdicts, err := b.intake.SubmitBatch(t.Context(), b.ws, 0, list)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range verdicts {
		if (v.Err != nil) != (i == 17) {
			t.Errorf("item %d: %v", i, v.Err)
		}
	}
	if !errors.Is(verdicts[17].Err, errBroken) {
		t.Errorf("the culprit got %v, want what the save said", verdicts[17].Err)
	}
	if n := b.signals(); n != 39 {
		t.Errorf("%d signals stored, want 39", n)
	}
	if reserved, sent := b.sender.state(); reserved != 0 || sent != 39 {
		t.Errorf("%d rooms still reserved and %d deliveries sent, want 0 and 39", reserved, sent)
	}
}

func TestSubmit_TooMuchWaitingIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	var f *faulty
	b := newBox(t, func(s intake.Store) intake.Store { f = &faulty{Store: s}; return f })
	release := f.hold()
	defer release()
	batch := make([]signalbox.SignalInput, 2500)
	for i := range batch {
		batch[i] = about(i)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer release()
	wg.Go(func() { _, _ = b.submit(about(1)) })
	waitFor(t, f.held) // the first turn is under way
	wg.Go(func() {
		if _, err := b.intake.SubmitBatch(context.Background(), b.ws, 0, batch); err != nil {
			t.Errorf("a whole batch of 2,500 must fit: %v", err)
		}
	})
	waitFor(t, func() bool { n, _ := b.intake.Waiting(); return n == 2500 })
	_, err := b.intake.SubmitBatch(t.Context(), b.ws, 0, batch)
	var e *signalbox.Error
	if !errors.As(err, &e) || e.Code != signalbox.Overloaded || e.RetryAfter <= 0 {
		t.Errorf("answered %v, want overloaded with a time to come again", err)
	}
	if err := b.intake.Room(b.ws, 1); err != nil {
		t.Errorf("no room for one more: %v, although 2,500 of 4,096 wait", err)
	}
	wg.Go(func() { _, _ = b.intake.SubmitBatch(context.Background(), b.ws, 0, batch[:4096-2500]) })
	waitFor(t, func() bool { n, _ := b.intake.Waiting(); return n == 4096 })
	if err := b.intake.Room(b.ws, 1); signalbox.CodeOf(err) != signalbox.Overloaded {
		t.Errorf("room for one more: %v, want %s once a quarter of what may wait is one workspace's", err, signalbox.Overloaded)
	}
}

func TestSubmit_OneWorkspaceCannotKeepOthersOut(t *testing.T) {
	t.Parallel()
	var f *faulty
	b := newBox(t, func(s intake.Store) intake.Store { f = &faulty{Store: s}; return f })
	other := signalbox.WorkspaceID(b.ids.Next(time.Now()))
	if err := b.db.CreateWorkspace(t.Context(), signalbox.Workspace{ID: other, Name: "Other", Timezone: "UTC", CreatedAt: time.Now(), UpdatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	release := f.hold()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer release()
	wg.Go(func() { _, _ = b.submit(about(1)) })
	waitFor(t, f.held)
	big := about(1)
	big.Properties = []byte(`{"x":"` + strings.Repeat("y", 1<<20) + `"}`)
	refused := 0
	for range 20 { // a quarter of 64 MiB is 16 of these
		list := []signalbox.SignalInput{big}
		done := make(chan error, 1)
		before, _ := b.intake.Waiting()
		wg.Go(func() { _, err := b.intake.SubmitBatch(context.Background(), b.ws, 0, list); done <- err })
		waitFor(t, func() bool { n, _ := b.intake.Waiting(); return n > before || len(done) > 0 })
		if len(done) > 0 && signalbox.CodeOf(<-done) == signalbox.Overloaded {
			refused++
		}
	}
	if refused != 5 {
		t.Errorf("%d of 20 signals of 1 MiB refused, want those beyond 16 MiB", refused)
	}
	wg.Go(func() {
		if _, err := b.intake.Submit(context.Background(), other, 0, about(1)); err != nil {
			t.Errorf("another workspace was kept out: %v", err)
		}
	})
	waitFor(t, func() bool { n, _ := b.intake.Waiting(); return n == 16 })
}

func TestRun_StopCommitsWhatWaitsAndRefusesWhatComes(t *testing.T) {
	t.Parallel()
	var f *faulty
	b := newBox(t, func(s intake.Store) intake.Store { f = &faulty{Store: s}; return f })
	release := f.hold()
	defer release()
	errs := make(chan error, 30)
	send := func(i int) { _, err := b.submit(about(i)); errs <- err }
	go send(0)
	waitFor(t, f.held)
	for i := range 29 {
		go send(1 + i)
	}
	waitFor(t, func() bool { n, _ := b.intake.Waiting(); return n == 29 })
	stopped := make(chan struct{})
	go func() { b.stop(); close(stopped) }()
	waitFor(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		_, err := b.intake.Submit(ctx, b.ws, 0, about(100))
		return signalbox.CodeOf(err) == signalbox.Unavailable
	})
	release()
	<-stopped
	for range 30 {
		if err := <-errs; err != nil {
			t.Errorf("a signal that waited at the stop was refused: %v", err)
		}
	}
}

// fakeStore answers a turn when it is let; it is used where time is virtual.
type fakeStore struct{ gate chan struct{} }

func (f *fakeStore) Definitions(_ context.Context, ws signalbox.WorkspaceID) (*signalbox.Definitions, error) {
	return &signalbox.Definitions{Version: 1, Workspace: signalbox.Workspace{ID: ws}}, nil
}

func (*fakeStore) DefinitionsVersion(context.Context, signalbox.WorkspaceID) (int64, error) {
	return 1, nil
}

func (*fakeStore) WhileAway(func(error)) {}

func (*fakeStore) LastSignal(context.Context, signalbox.WorkspaceID, signalbox.EntityID) (*signalbox.Signal, error) {
	return nil, nil
}

func (f *fakeStore) Decide(_ context.Context, prepare func() signalbox.Need, decide func(*signalbox.Situation) (*signalbox.Decision, error)) error {
	prepare()
	<-f.gate
	_, err := decide(&signalbox.Situation{
		Heads: map[signalbox.WorkspaceID]signalbox.Head{1: {Definitions: 1}}, Keys: map[signalbox.RecordKey]signalbox.EntityID{},
		Accounts: map[signalbox.AccountID]*signalbox.Account{}, Contacts: map[signalbox.ContactID]*signalbox.Contact{},
		States: map[signalbox.EntityID]*signalbox.EntityState{}, Types: map[signalbox.TypeKey]signalbox.TypeID{},
		Answered: map[signalbox.AnswerKey]signalbox.Answered{}, Meters: map[signalbox.MeterKey]signalbox.Meter{},
	})
	return err
}

func TestSubmit_TwinWaitsFiveSecondsThenIsToldThatTheFirstIsInProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeStore{gate: make(chan struct{})}
		i := intake.New(intake.Config{Store: f, Sender: &sender{}, Waker: &news{}, IDs: signalbox.NewIDs(0), Codec: signalbox.NewCodec([16]byte{1})})
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- i.Run(ctx) }()
		keyed := about(1)
		keyed.IdempotencyKey = "k"
		first := make(chan error, 1)
		go func() { _, err := i.Submit(ctx, 1, 0, keyed); first <- err }()
		synctest.Wait()
		begin := time.Now()
		_, err := i.Submit(ctx, 1, 0, keyed)
		if signalbox.CodeOf(err) != signalbox.InProgress || time.Since(begin) != 5*time.Second {
			t.Errorf("after %s: %v, want %s after 5 s", time.Since(begin), err, signalbox.InProgress)
		}
		twin := make(chan signalbox.Receipt, 1)
		go func() {
			r, err := i.Submit(ctx, 1, 0, keyed)
			if err != nil {
				t.Error(err)
			}
			twin <- r
		}()
		synctest.Wait()
		close(f.gate)
		if err := <-first; err != nil {
			t.Error(err)
		}
		<-twin
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
}

func TestSubmitBatch_OneBadItemNeverSinksTheOthers(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	list := []signalbox.SignalInput{about(1), about(2), about(3)}
	list[1].Contact.Email = "no e-mail"
	verdicts, err := b.intake.SubmitBatch(t.Context(), b.ws, 0, list)
	if err != nil {
		t.Fatal(err)
	}
	var e *signalbox.Error
	if verdicts[0].Err != nil || verdicts[2].Err != nil || !errors.As(verdicts[1].Err, &e) || e.Param != "contact.email" {
		t.Errorf("verdicts %+v, want only the second refused, for contact.email", verdicts)
	}
	if n := b.signals(); n != 2 {
		t.Errorf("%d signals stored, want 2", n)
	}
}

func TestSubmit_UnknownWorkspaceIsRefused(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	if _, err := b.intake.Submit(t.Context(), 12345, 0, about(1)); signalbox.CodeOf(err) != signalbox.NotFound {
		t.Errorf("answered %v, want %s", err, signalbox.NotFound)
	}
}

// waitFor returns when a condition holds; it fails the test when that takes implausibly long.
func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatal("a condition did not come true within 20 s")
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(time.Millisecond):
		}
	}
}

func BenchmarkSubmit(b *testing.B) {
	for _, waiters := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("waiters=%d/plain", waiters), func(b *testing.B) { benchmarkSubmit(b, waiters, false) })
		b.Run(fmt.Sprintf("waiters=%d/intelligence", waiters), func(b *testing.B) { benchmarkSubmit(b, waiters, true) })
	}
}
