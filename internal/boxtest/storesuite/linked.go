package storesuite

import (
	"errors"
	"fmt"
	"time"

	"signalbox"
	"signalbox/decide"
)

var linkedTests = map[string]func(*Box){
	"IsMadeChangedAndDeletedWithItsEvents": linkedEvents,
	"DeletingEndsItsStreams":               linkedDeleted,
	"IsOfItsWorkspace":                     linkedForeign,
	"InactiveRestsUntilItIsActive":         linkedRests,
	"StreamIsKeptAsItWasGiven":             streamKept,
	"StreamHasABound":                      streamBound,
	"ChangedStreamIsTheNextVersion":        streamChanged,
	"DeletedStreamIsForgottenInSlices":     streamForgotten,
}

// NewLinked makes a linked account as deciding does.
func (b *Box) NewLinked() signalbox.LinkedAccount {
	b.Helper()
	return *b.Turn(decide.Input{Linked: &decide.LinkedAct{Link: &signalbox.LinkedAccount{
		Provider: "bamboohr", OriginOwnerID: "org-1", OriginOwnerName: "Acme", Setup: []byte(`{"domain":"companytest"}`), Status: signalbox.LinkedActive,
	}}})[0].Linked
}

// NewStream adds a stream, or what edit makes of it, to a linked account.
func (b *Box) NewStream(lac signalbox.LinkedAccountID, edit ...func(*signalbox.Stream)) signalbox.Stream {
	b.Helper()
	s := signalbox.Stream{
		ID: signalbox.StreamID(b.ID()), Workspace: b.WS, Linked: lac, API: "hris", RecordType: "employees", Connector: []byte(`{"type":"csv","file":"a.csv","id":"id"}`),
		Fingerprint: 1<<63 + 5, Key: []byte("sealed key"), Secrets: []byte("sealed secrets"), CreatedAt: b.Now,
	}
	for _, e := range edit {
		e(&s)
	}
	s, err := b.DB.CreateStream(b.Context(), s)
	b.Must(err)
	return s
}

// read is what a pull webhook's reader finds.
func (b *Box) read(w signalbox.Webhook) (names []string) {
	b.Helper()
	items, err := b.DB.Feed(b.Context(), b.WS, w.ID, 0, signalbox.MaxPage)
	b.Must(err)
	for _, item := range items {
		names = append(names, item.EventName)
	}
	return names
}

// linkedEvents proves S4-9: what is done to a linked account is told at once.
func linkedEvents(b *Box) {
	hook := b.NewWebhook(Pull, func(w *signalbox.Webhook) { w.Format, w.Events = signalbox.FormatStackOne, []string{"account.*"} })
	l := b.NewLinked()
	got, err := b.DB.LinkedAccount(b.Context(), b.WS, l.ID)
	b.Must(err)
	b.same(got, l)
	name := "Acme Corporation"
	patch := decide.Input{Linked: &decide.LinkedAct{ID: l.ID, Patch: &signalbox.LinkedPatch{OriginOwnerName: &name}}}
	out := b.Turn(patch, patch) // the second one changes nothing, and is not told
	if out[0].Linked.Revision != 2 || out[1].Linked.Revision != 2 {
		b.Errorf("revisions %d, %d, want 2", out[0].Linked.Revision, out[1].Linked.Revision)
	}
	got, err = b.DB.LinkedAccount(b.Context(), b.WS, l.ID)
	b.Must(err)
	b.same(got, *out[0].Linked)
	list, next, err := b.DB.LinkedAccounts(b.Context(), b.WS, signalbox.Page{})
	b.Must(err)
	if next != 0 || len(list) != 1 || list[0].OriginOwnerName != name {
		b.Errorf("listed %+v", list)
	}
	b.Turn(decide.Input{Linked: &decide.LinkedAct{ID: l.ID, Unlink: true}})
	_, err = b.DB.LinkedAccount(b.Context(), b.WS, l.ID)
	b.WantNoSuch(err, "linked_account")
	b.same(b.read(hook), []string{"linked_account.created", "linked_account.updated", "linked_account.deleted"})
}

func linkedDeleted(b *Box) {
	l := b.NewLinked()
	s := b.NewStream(l.ID)
	w, _ := b.begin(s.ID)
	late := b.slice(&w, func(s *signalbox.SyncSlice) { seen(s, 0, 1, b.Now) })
	b.Turn(decide.Input{Linked: &decide.LinkedAct{ID: l.ID, Unlink: true}})
	_, err := b.DB.Stream(b.Context(), b.WS, s.ID)
	b.WantNoSuch(err, "stream")
	b.WantNoSuch(b.trySync(late), "stream")
	b.Now = b.Now.Add(time.Hour)
	if due := b.dueOf(signalbox.DueStream); len(due) != 0 {
		b.Errorf("due %+v", due)
	}
	jobs, _, err := b.DB.Jobs(b.Context(), b.WS, signalbox.Page{})
	b.Must(err)
	if len(jobs) != 1 || jobs[0].Kind != signalbox.JobDropStream || jobs[0].Subject != int64(s.ID) {
		b.Fatalf("jobs %+v", jobs)
	}
	_, err = b.DB.CancelJob(b.Context(), b.WS, jobs[0].ID, b.Now)
	b.WantCode(err, signalbox.Conflict)
	b.RunJob(jobs[0].ID)
}

func linkedForeign(b *Box) {
	l := b.NewLinked()
	s := b.NewStream(l.ID)
	w, _ := b.begin(s.ID)
	other := b.NewWorkspace("other")
	ctx := b.Context()
	for name, err := range map[string]error{
		"linked_account": errOf(b.DB.LinkedAccount(ctx, other, l.ID)), "stream": errOf(b.DB.Stream(ctx, other, s.ID)), "run": errOf(b.DB.SyncRun(ctx, other, w.Run.ID)),
	} {
		b.WantNoSuch(err, name)
	}
	b.WantNoSuch(errOf(b.DB.Streams(ctx, other, l.ID)), "linked_account")
	b.WantNoSuch(errOf(b.DB.StartSync(ctx, other, s.ID, signalbox.SyncRunID(b.ID()), b.Now)), "stream")
	b.WantNoSuch(errOf(b.DB.UpdateStream(ctx, other, s.ID, b.Now, func(*signalbox.Stream) error { return nil })), "stream")
	b.WantNoSuch(b.DB.DeleteStream(ctx, other, s.ID, b.Now, signalbox.Job{ID: signalbox.JobID(b.ID()), CreatedAt: b.Now}), "stream")
	b.WantNoSuch(b.DB.DecideSync(ctx, other, w.Run.ID, signalbox.SyncApproved, b.Now), "run")
	if list, _, err := b.DB.SyncRuns(ctx, other, l.ID, 0, signalbox.Page{}); err != nil || len(list) != 0 {
		b.Errorf("another workspace sees %d runs, %v", len(list), err)
	}
	mine := b.WS
	b.WS = other
	patch := b.slice(&w, func(s *signalbox.SyncSlice) { s.Run.Workspace = other })
	b.WantNoSuch(b.trySync(patch), "stream")
	b.WS = mine
}

func errOf[T any](_ T, err error) error { return err }

func linkedRests(b *Box) {
	l := b.NewLinked()
	s := b.NewStream(l.ID)
	set := func(status string) {
		b.Turn(decide.Input{Linked: &decide.LinkedAct{ID: l.ID, Patch: &signalbox.LinkedPatch{Status: &status}}})
	}
	set(signalbox.LinkedInactive)
	if _, ok := b.begin(s.ID); ok {
		b.Error("a stream of an inactive account is fetched")
	}
	_, err := b.DB.StartSync(b.Context(), b.WS, s.ID, signalbox.SyncRunID(b.ID()), b.Now)
	b.WantCode(err, signalbox.Conflict)
	b.Now = b.Now.Add(time.Hour)
	if due := b.dueOf(signalbox.DueStream); len(due) != 0 {
		b.Errorf("due %+v while it is inactive", due)
	}
	set(signalbox.LinkedActive)
	if due := b.dueOf(signalbox.DueStream); len(due) != 1 || due[0].Subject != int64(s.ID) {
		b.Errorf("due %+v, want the stream", due)
	}
	if _, ok := b.begin(s.ID); !ok {
		b.Error("it is not fetched again")
	}
}

func streamKept(b *Box) {
	l := b.NewLinked()
	s := b.NewStream(l.ID, func(s *signalbox.Stream) {
		s.Interval, s.Confirmations, s.EmitCreatedOnBaseline, s.EmitSignals = 7*time.Minute, 3, true, true
	})
	if s.Version != 1 || !s.NextAt.Equal(b.Now) || !s.UpdatedAt.Equal(b.Now) {
		b.Errorf("made %+v", s)
	}
	got, err := b.DB.Stream(b.Context(), b.WS, s.ID)
	b.Must(err)
	b.same(got, s)
	list, err := b.DB.Streams(b.Context(), b.WS, l.ID)
	b.Must(err)
	b.same(list, []signalbox.Stream{s})
	if due := b.dueOf(signalbox.DueStream); len(due) != 1 || due[0].Subject != int64(s.ID) {
		b.Errorf("due %+v, want the stream now", due)
	}
	_, err = b.DB.CreateStream(b.Context(), signalbox.Stream{ID: signalbox.StreamID(b.ID()), Workspace: b.WS, Linked: l.ID + 1, API: "hris", RecordType: "x", Fingerprint: 1, Key: []byte{1}, CreatedAt: b.Now})
	b.WantNoSuch(err, "linked_account")
	_, err = b.DB.CreateStream(b.Context(), signalbox.Stream{ID: signalbox.StreamID(b.ID()), Workspace: b.WS, Linked: l.ID, API: "hris", RecordType: "X", Fingerprint: 1, Key: []byte{1}, CreatedAt: b.Now})
	b.WantCode(err, signalbox.Invalid)
}

func streamBound(b *Box) {
	l := b.NewLinked()
	for range signalbox.MaxStreams {
		b.NewStream(l.ID)
	}
	_, err := b.DB.CreateStream(b.Context(), signalbox.Stream{ID: signalbox.StreamID(b.ID()), Workspace: b.WS, Linked: l.ID, API: "hris", RecordType: "x", Fingerprint: 1, Key: []byte{1}, CreatedAt: b.Now})
	b.WantCode(err, signalbox.Conflict)
}

func streamChanged(b *Box) {
	s := b.NewStream(b.NewLinked().ID)
	w, _ := b.begin(s.ID)
	b.sync(&w, func(s *signalbox.SyncSlice) { b.ends(s, signalbox.SyncComplete) })
	change := func(edit func(*signalbox.Stream)) signalbox.Stream {
		got, err := b.DB.UpdateStream(b.Context(), b.WS, s.ID, b.Now, func(s *signalbox.Stream) error {
			edit(s)
			return nil
		})
		b.Must(err)
		return got
	}
	got := change(func(s *signalbox.Stream) { s.Interval, s.Known, s.API, s.Key = 10*time.Minute, 99, "ats", nil })
	if got.Version != 2 || got.Known != 0 || got.API != "hris" || got.Key == nil || !got.NextAt.Equal(b.Now.Add(got.Period())) {
		b.Errorf("a shorter interval makes %+v", got)
	}
	got = change(func(s *signalbox.Stream) { s.Interval = 20 * time.Minute })
	if !got.NextAt.Before(b.Now.Add(got.Period())) {
		b.Errorf("a longer interval puts off the next run to %v", got.NextAt)
	}
	got = change(func(s *signalbox.Stream) {
		s.Fingerprint, s.Connector = 77, []byte(`{"type":"csv","file":"b.csv","id":"id"}`)
	})
	if !got.NextAt.Equal(b.Now) {
		b.Errorf("what is asked for anew is fetched at %v, want now", got.NextAt)
	}
	stored, err := b.DB.Stream(b.Context(), b.WS, s.ID)
	b.Must(err)
	b.same(stored, got)
	no := errors.New("no")
	if _, err := b.DB.UpdateStream(b.Context(), b.WS, s.ID, b.Now, func(*signalbox.Stream) error { return no }); !errors.Is(err, no) {
		b.Errorf("error %v, want the change's own", err)
	}
}

func streamForgotten(b *Box) {
	l := b.NewLinked()
	s, other := b.NewStream(l.ID), b.NewStream(l.ID)
	for _, str := range []signalbox.StreamID{s.ID, other.ID} {
		w, _ := b.begin(str)
		for i := range 2 {
			b.sync(&w, func(s *signalbox.SyncSlice) {
				s.Names = []string{fmt.Sprint("name", i)}
				seen(s, 800*i, 800, b.Now)
				s.Changes = nil
			})
		}
	}
	job := signalbox.Job{ID: signalbox.JobID(b.ID()), CreatedAt: b.Now, UpdatedAt: b.Now}
	b.Must(b.DB.DeleteStream(b.By("ann"), b.WS, s.ID, b.Now, job))
	b.WantNoSuch(b.DB.DeleteStream(b.Context(), b.WS, s.ID, b.Now, job), "stream")
	_, err := b.DB.Snapshots(b.Context(), b.WS, s.ID, []string{"rec-000001"})
	b.WantNoSuch(err, "stream")
	if done, slices := b.RunJob(job.ID); done.Status != signalbox.JobDone || done.Done != 1603 || slices != 2 {
		b.Errorf("%+v in %d slices, want 1,600 rows, two names and a run in two", done, slices)
	}
	rows, next, err := b.DB.UnseenSnapshots(b.Context(), signalbox.Unseen{Workspace: b.WS, Stream: other.ID, Before: 1 << 62})
	b.Must(err)
	if len(rows) != signalbox.SliceRows || next != "rec-000999" {
		b.Errorf("the other stream has %d rows up to %q", len(rows), next)
	}
	if runs, _, err := b.DB.SyncRuns(b.Context(), b.WS, l.ID, 0, signalbox.Page{}); err != nil || len(runs) != 1 || runs[0].Stream != other.ID {
		b.Errorf("runs %+v, %v", runs, err)
	}
	b.wantAction("stream.deleted")
}

// wantAction checks what the audit log was told last.
func (b *Box) wantAction(want string) {
	b.Helper()
	if told := b.told(); len(told) == 0 || told[len(told)-1].Action != want {
		b.Errorf("the audit log was told %+v, want %s", told, want)
	}
}
