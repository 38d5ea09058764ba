package storesuite

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"signalbox"
	"signalbox/decide"
)

var syncTests = map[string]func(*Box){
	"IsBegunOnceAndByOneNode":           syncBegun,
	"OfADeadNodeIsBegunByAnother":       syncTaken,
	"SliceIsSavedOnceWithItsEvents":     syncSaved,
	"SliceOfAnotherIsRefused":           syncFenced,
	"ChangesBecomeSignals":              syncSignals,
	"RowsAreFoundByTheBytesOfTheirIds":  syncRows,
	"QuarantineIsToldAndDecided":        syncQuarantine,
	"OldRunsGoWithRetention":            syncRetention,
	"WholeSliceFitsIntoATurn":           syncWhole,
	"PausedStreamHasNoDueRow":           syncPaused,
	"RunsWhoseIdsDoNotGrowAreRefused":   syncGrows,
	"ClosedQuarantineIsClosedByTheFind": syncFound,
}

// begin begins work on a stream.
func (b *Box) begin(str signalbox.StreamID) (signalbox.SyncWork, bool) {
	b.Helper()
	w, ok, err := b.DB.BeginSync(b.Context(), signalbox.SyncClaim{Workspace: b.WS, Stream: str, Lease: b.Lease, Run: signalbox.SyncRunID(b.ID()), Now: b.Now})
	b.Must(err)
	return w, ok
}

// slice is the next slice of a run.
func (b *Box) slice(w *signalbox.SyncWork, edit func(*signalbox.SyncSlice)) *signalbox.SyncSlice {
	run := *w.Run
	run.Step++
	s := &signalbox.SyncSlice{Lease: b.Lease, Version: w.Stream.Version, Run: run}
	edit(s)
	return s
}

// seen adds n new records to a slice, and tells of them.
func seen(s *signalbox.SyncSlice, from, n int, now time.Time) {
	for i := range n {
		id := fmt.Sprintf("rec-%06d", from+i)
		s.Rows = append(s.Rows, signalbox.Snapshot{Record: id, Print: []byte("print " + id), Seen: s.Run.ID, Walk: 1, Outcome: signalbox.SyncCreated})
		s.Changes = append(s.Changes, signalbox.LinkedChange{
			Kind: signalbox.ChangeCreated, At: now, Record: signalbox.LinkedRecord{API: "hris", Type: "employees", ID: id},
		})
	}
	s.Known += int64(n)
	s.Run.Fetched, s.Run.Created, s.Run.Added = s.Run.Fetched+int64(n), s.Run.Created+int64(n), s.Run.Added+int64(n)
}

// ends ends the run of a slice.
func (b *Box) ends(s *signalbox.SyncSlice, status signalbox.SyncStatus) {
	s.Run.Status, s.Run.EndedAt, s.Next = status, b.Now, b.Now.Add(time.Hour)
}

// trySync has a slice decided, and returns what became of it.
func (b *Box) trySync(s *signalbox.SyncSlice) error {
	b.Helper()
	defs, err := b.DB.Definitions(b.Context(), b.WS)
	b.Must(err)
	c, err := decide.Compile(defs)
	b.Must(err)
	p, err := c.Prepare(decide.Input{Workspace: b.WS, Sync: s})
	b.Must(err)
	list := []decide.Prepared{p}
	var out []decide.Outcome
	b.Must(b.DB.Decide(b.Context(), func() signalbox.Need { return decide.Need(list) }, func(s *signalbox.Situation) (d *signalbox.Decision, err error) {
		d, out, err = decide.Turn(s, list, decide.Env{Now: b.Now, IDs: b.IDs, Codec: signalbox.NewCodec([16]byte{1})})
		return d, err
	}))
	return out[0].Err
}

// sync saves a slice and takes it as the work goes on.
func (b *Box) sync(w *signalbox.SyncWork, edit func(*signalbox.SyncSlice)) *signalbox.SyncSlice {
	b.Helper()
	s := b.slice(w, edit)
	b.Must(b.trySync(s))
	run := s.Run
	w.Run = &run
	return s
}

func syncBegun(b *Box) {
	s := b.NewStream(b.NewLinked().ID)
	w, ok := b.begin(s.ID)
	if !ok || w.Run == nil || !w.Run.Baseline || w.Run.Status != signalbox.SyncRunning || w.Stream.Run != w.Run.ID || w.Quarantine != nil {
		b.Fatalf("work %+v, %t", w, ok)
	}
	run, err := b.DB.SyncRun(b.Context(), b.WS, w.Run.ID)
	b.Must(err)
	b.same(run, *w.Run)
	again, ok := b.begin(s.ID)
	if !ok {
		b.Fatal("its own node does not get it again")
	}
	b.same(again, w)
	claim := signalbox.SyncClaim{Workspace: b.WS, Stream: s.ID, Lease: signalbox.Lease{Node: b.Lease.Node, Generation: b.Lease.Generation + 1}, Run: 1, Now: b.Now}
	_, _, err = b.DB.BeginSync(b.Context(), claim)
	b.WantCode(err, signalbox.Conflict)
	if at, err := b.DB.StartSync(b.Context(), b.WS, s.ID, signalbox.SyncRunID(b.ID()), b.Now); err != nil || at != w.Run.ID {
		b.Errorf("starting one that goes on answers %d, %v, want %d", at, err, w.Run.ID)
	}
	b.Now = b.Now.Add(signalbox.LeaseFor)
	if due := b.dueOf(signalbox.DueStream); len(due) != 1 || !due[0].At.Equal(b.Now) {
		b.Errorf("due %+v, want a lease later", due)
	}
	b.sync(&w, func(s *signalbox.SyncSlice) { b.ends(s, signalbox.SyncComplete); s.Baselined = true })
	if _, ok := b.begin(s.ID); ok {
		b.Error("there is work before the next run is due")
	}
	b.Now = b.Now.Add(time.Hour)
	if due := b.dueOf(signalbox.DueStream); len(due) != 1 || !due[0].At.Equal(b.Now) {
		b.Errorf("due %+v, want at the next run", due)
	}
	if w, ok := b.begin(s.ID); !ok || w.Run.Baseline || w.Stream.Baselined != s.Fingerprint {
		b.Errorf("the second run is %+v", w.Run)
	}
	b.Must(b.DB.DeleteStream(b.Context(), b.WS, s.ID, b.Now, signalbox.Job{ID: signalbox.JobID(b.ID()), CreatedAt: b.Now}))
	if _, ok := b.begin(s.ID); ok {
		b.Error("a stream that is gone has work")
	}
}

func syncTaken(b *Box) {
	s := b.NewStream(b.NewLinked().ID)
	w, _ := b.begin(s.ID)
	b.sync(&w, func(s *signalbox.SyncSlice) {
		seen(s, 0, 3, b.Now)
		s.Names = []string{"a", "ü"}
		s.Run.Checkpoint, s.Run.Progress, s.Run.Page = []byte{0, 1, 255}, []byte(`{"walk":1}`), 1
	})
	late := b.slice(&w, func(s *signalbox.SyncSlice) { b.ends(s, signalbox.SyncComplete) })
	var err error
	b.Lease, err = b.DB.JoinNode(b.Context(), "suite", b.Now) // it was restarted
	b.Must(err)
	b.WantCode(b.trySync(late), signalbox.Conflict)
	again, ok := b.begin(s.ID)
	if !ok {
		b.Fatal("the stream of a dead node is not begun")
	}
	b.same(again.Run, w.Run)
	b.same(again.Names, []string{"a", "ü"})
	if again.Stream.Known != 3 {
		b.Errorf("%d rows are known, want 3", again.Stream.Known)
	}
	b.sync(&again, func(s *signalbox.SyncSlice) {
		s.Names = []string{"c"}
		b.ends(s, signalbox.SyncFailed)
		s.Run.Error = "page 2: no"
	})
	b.Now = b.Now.Add(time.Hour)
	if w, _ := b.begin(s.ID); !slices.Equal(w.Names, []string{"a", "ü", "c"}) {
		b.Errorf("names %q", w.Names)
	}
}

func syncSaved(b *Box) {
	hook := b.NewWebhook(Pull, func(w *signalbox.Webhook) { w.Events = []string{"hris_employees.*"} })
	other := b.NewWebhook(Pull, func(w *signalbox.Webhook) { w.Events = []string{"ats_candidates.*"} })
	all := b.NewWebhook(Pull, func(w *signalbox.Webhook) { w.Format, w.Events = signalbox.FormatStackOne, []string{"*"} })
	l := b.NewLinked()
	s := b.NewStream(l.ID)
	w, _ := b.begin(s.ID)
	slice := b.sync(&w, func(s *signalbox.SyncSlice) { seen(s, 0, 3, b.Now) })
	b.WantCode(b.trySync(slice), signalbox.Conflict) // again
	slice = b.sync(&w, func(s *signalbox.SyncSlice) {
		s.Rows = []signalbox.Snapshot{{Record: "rec-000001", Seen: s.Run.ID, Walk: 2, Outcome: signalbox.SyncUpdated, Missed: signalbox.MissedKept}}
		s.Drop = []string{"rec-000000"}
		s.Changes = []signalbox.LinkedChange{
			{Kind: signalbox.ChangeDeleted, At: b.Now, Record: signalbox.LinkedRecord{API: "hris", Type: "employees", ID: "rec-000000"}},
			{Kind: signalbox.ChangeUpdated, At: b.Now, Record: signalbox.LinkedRecord{API: "hris", Type: "employees", ID: "rec-000001", Changed: []string{"title"}}},
		}
		s.Known, s.Kept = -1, 1
	})
	want := []string{"hris_employees.created", "hris_employees.created", "hris_employees.created", "hris_employees.deleted", "hris_employees.updated"}
	b.same(b.read(hook), want)
	b.same(b.read(all), append([]string{"linked_account.created"}, want...))
	if got := b.read(other); len(got) != 0 {
		b.Errorf("who did not subscribe reads %q", got)
	}
	items, err := b.DB.Feed(b.Context(), b.WS, hook.ID, 0, 10)
	b.Must(err)
	if body := string(items[4].Body); !strings.Contains(body, `"changed_fields":["title"]`) || !strings.Contains(body, `"origin_owner_name":"Acme"`) {
		b.Errorf("the body is %s", body)
	}
	rows, err := b.DB.Snapshots(b.Context(), b.WS, s.ID, []string{"rec-000000", "rec-000001"})
	b.Must(err)
	updated := slice.Rows[0]
	updated.Print = []byte("print rec-000001") // as it was
	b.same(rows, []signalbox.Snapshot{updated})
	got, err := b.DB.Stream(b.Context(), b.WS, s.ID)
	b.Must(err)
	if got.Known != 2 || got.Kept != 1 {
		b.Errorf("%d known, %d kept, want 2 and 1", got.Known, got.Kept)
	}
}

func syncFenced(b *Box) {
	s := b.NewStream(b.NewLinked().ID)
	w, _ := b.begin(s.ID)
	for name, edit := range map[string]func(*signalbox.SyncSlice){
		"another lease":    func(s *signalbox.SyncSlice) { s.Lease.Generation++ },
		"no lease":         func(s *signalbox.SyncSlice) { s.Lease = signalbox.Lease{} },
		"another version":  func(s *signalbox.SyncSlice) { s.Version++ },
		"the same step":    func(s *signalbox.SyncSlice) { s.Run.Step-- },
		"a later step":     func(s *signalbox.SyncSlice) { s.Run.Step++ },
		"another run":      func(s *signalbox.SyncSlice) { s.Run.ID++ },
		"another decision": func(s *signalbox.SyncSlice) { s.Run.Decision = signalbox.SyncApproved },
	} {
		slice := b.slice(&w, func(s *signalbox.SyncSlice) { seen(s, 0, 1, b.Now); edit(s) })
		if code := signalbox.CodeOf(b.trySync(slice)); code != signalbox.Conflict {
			b.Errorf("%s: %q, want a conflict", name, code)
		}
	}
	for name, edit := range map[string]func(*signalbox.SyncSlice){
		"counts that do not add up": func(s *signalbox.SyncSlice) { s.Run.Fetched = 9 },
		"too many rows":             func(s *signalbox.SyncSlice) { seen(s, 0, signalbox.SliceRows+1, b.Now) },
	} {
		if err := b.trySync(b.slice(&w, edit)); err == nil {
			b.Errorf("%s: taken", name)
		}
	}
	if rows, _, err := b.DB.UnseenSnapshots(b.Context(), signalbox.Unseen{Workspace: b.WS, Stream: s.ID, Before: 1 << 62}); err != nil || len(rows) != 0 {
		b.Errorf("%d rows were saved, %v", len(rows), err)
	}
	b.sync(&w, func(s *signalbox.SyncSlice) { seen(s, 0, 1, b.Now) })
}

// syncSignals: a change is a signal like any other, about whom its source says it is; what cannot be read of that is not known. It counts against no limit.
func syncSignals(b *Box) {
	_, err := b.DB.UpdateWorkspace(b.Context(), b.WS, b.Now, func(w *signalbox.Workspace) error {
		w.Limits.Workspace.PerMinute = 1
		return nil
	})
	b.Must(err)
	hook := b.NewWebhook(Pull, func(w *signalbox.Webhook) { w.Events = []string{"hris_employees.*", "signal.created"} })
	s := b.NewStream(b.NewLinked().ID, func(s *signalbox.Stream) { s.EmitSignals = true })
	w, _ := b.begin(s.ID)
	b.sync(&w, func(s *signalbox.SyncSlice) {
		s.Signals = true
		seen(s, 0, 3, b.Now)
		s.Changes[0].Contact = signalbox.ContactInput{Email: "ann@acme.com", FirstName: "Ann"}
		s.Changes[1].Contact, s.Changes[1].Account = signalbox.ContactInput{Email: "no mail"}, signalbox.AccountInput{Domain: "acme.com"}
	})
	b.same(b.read(hook), []string{"hris_employees.created", "signal.created", "hris_employees.created", "signal.created", "hris_employees.created", "signal.created"})
	signals, _, err := b.DB.Signals(b.Context(), b.WS, signalbox.SignalFilter{}, signalbox.Page{})
	b.Must(err)
	if len(signals) != 3 {
		b.Fatalf("%d signals, want 3", len(signals))
	}
	first, second, third := signals[2], signals[1], signals[0]
	if first.Type != "hris_employees.created" || first.Source != "bamboohr" || first.Contact == 0 || first.Account == 0 || !first.OccurredAt.Equal(b.Now) {
		b.Errorf("the first signal is %+v", first)
	}
	if second.Contact != 0 || second.Account != first.Account || third.Account != 0 {
		b.Errorf("the others are about %d, %d and %d, want the first's account and nobody", second.Contact, second.Account, third.Account)
	}
	if text := string(third.Properties); !strings.Contains(text, `"record_type":"employees","record_id":"rec-000002"}`) {
		b.Errorf("properties %s", text)
	}
}

func syncRows(b *Box) {
	s := b.NewStream(b.NewLinked().ID)
	w, _ := b.begin(s.ID)
	ids := []string{" ", "A", "Z", "a", "z", "ä", "日本"} // by bytes, not by the rules of a language
	b.sync(&w, func(s *signalbox.SyncSlice) {
		for _, id := range ids {
			s.Rows = append(s.Rows, signalbox.Snapshot{Record: id, Print: []byte{1, 0, 2}, Seen: s.Run.ID, Walk: 255, Outcome: signalbox.SyncSuppressed, Missed: 10})
		}
		s.Known = int64(len(ids))
	})
	of := func(before signalbox.SyncRunID, after string) (list []string) {
		rows, next, err := b.DB.UnseenSnapshots(b.Context(), signalbox.Unseen{Workspace: b.WS, Stream: s.ID, Before: before, After: after})
		b.Must(err)
		if next != "" {
			b.Errorf("there is more behind %q", next)
		}
		for _, row := range rows {
			list = append(list, row.Record)
			b.same(row, signalbox.Snapshot{Record: row.Record, Print: []byte{1, 0, 2}, Seen: w.Run.ID, Walk: 255, Outcome: signalbox.SyncSuppressed, Missed: 10})
		}
		return list
	}
	b.same(of(w.Run.ID+1, ""), ids)
	b.same(of(w.Run.ID+1, "Z"), ids[3:])
	b.same(of(w.Run.ID, ""), []string(nil))
	rows, err := b.DB.Snapshots(b.Context(), b.WS, s.ID, append(ids, "none"))
	b.Must(err)
	if len(rows) != len(ids) {
		b.Errorf("%d rows, want %d", len(rows), len(ids))
	}
	if rows, err = b.DB.Snapshots(b.Context(), b.WS, s.ID, nil); err != nil || len(rows) != 0 {
		b.Errorf("of no records %d rows, %v", len(rows), err)
	}
}

// quarantined makes a run that waits for a decision.
func (b *Box) quarantined() (signalbox.Stream, signalbox.SyncRun) {
	b.Helper()
	s := b.NewStream(b.NewLinked().ID)
	w, _ := b.begin(s.ID)
	b.sync(&w, func(s *signalbox.SyncSlice) {
		seen(s, 0, 3, b.Now)
		b.ends(s, signalbox.SyncQuarantined)
		s.Run.Error, s.Changes = "60 of 80 are missing", nil
	})
	return s, *w.Run
}

func syncQuarantine(b *Box) {
	s, run := b.quarantined()
	alarms := b.dueOf(signalbox.DueAlarm)
	if len(alarms) != 1 || alarms[0].Subject != int64(run.ID) {
		b.Fatalf("due %+v, want that administrators are told", alarms)
	}
	tell := func() (told []signalbox.SyncAlarm) {
		_, err := b.DB.TellAlarm(b.Context(), b.WS, run.ID, b.IDs, b.Now, func(a signalbox.SyncAlarm, next func() int64) []signalbox.Mail {
			told = append(told, a)
			return []signalbox.Mail{{ID: signalbox.MailID(next()), Workspace: b.WS, To: "ann@acme.com", Subject: "s", Body: "b", CreatedAt: b.Now}}
		})
		b.Must(err)
		return told
	}
	told := tell()
	if len(told) != 1 || told[0].Run.Error != run.Error || told[0].Stream.ID != s.ID || told[0].Linked.Provider != "bamboohr" {
		b.Errorf("told %+v", told)
	}
	if mails := b.dueOf(signalbox.DueMail); len(mails) != 1 {
		b.Errorf("mails due: %+v", mails)
	}
	b.Now = b.Now.Add(time.Minute)
	if due := b.dueOf(signalbox.DueAlarm); len(due) != 0 {
		b.Errorf("they are told again: %+v", due)
	}
	if _, ok := b.begin(s.ID); ok {
		b.Error("there is work before anybody has decided")
	}
	b.Must(b.DB.DecideSync(b.By("ann"), b.WS, run.ID, signalbox.SyncApproved, b.Now))
	b.wantAction("sync_run.approved")
	b.Must(b.DB.DecideSync(b.Context(), b.WS, run.ID, signalbox.SyncApproved, b.Now))
	b.WantCode(b.DB.DecideSync(b.Context(), b.WS, run.ID, signalbox.SyncDiscarded, b.Now), signalbox.Conflict)
	if due := b.dueOf(signalbox.DueStream); len(due) != 1 {
		b.Errorf("due %+v, want the decision to be carried out", due)
	}
	w, ok := b.begin(s.ID)
	if !ok || w.Run != nil || w.Quarantine == nil || w.Quarantine.Decision != signalbox.SyncApproved {
		b.Fatalf("work %+v, %t", w, ok)
	}
	w.Run = w.Quarantine
	b.sync(&w, func(s *signalbox.SyncSlice) {
		s.Run.Closed, s.Run.ClosedAt, s.Next = string(signalbox.SyncApproved), b.Now, b.Now.Add(time.Hour)
	})
	if got, err := b.DB.Stream(b.Context(), b.WS, s.ID); err != nil || got.Quarantine != 0 {
		b.Errorf("the stream's quarantine is %d, %v", got.Quarantine, err)
	}
	b.WantCode(b.DB.DecideSync(b.Context(), b.WS, run.ID, signalbox.SyncApproved, b.Now), signalbox.Conflict)
	if told := tell(); len(told) != 0 {
		b.Errorf("told of one that is over: %+v", told)
	}
}

func syncFound(b *Box) {
	s, run := b.quarantined()
	b.Now = b.Now.Add(2 * time.Hour)
	w, ok := b.begin(s.ID)
	if !ok || w.Quarantine == nil || w.Quarantine.ID != run.ID {
		b.Fatalf("work %+v, %t", w, ok)
	}
	b.sync(&w, func(s *signalbox.SyncSlice) { b.ends(s, signalbox.SyncComplete); s.Closes = run.ID })
	got, err := b.DB.SyncRun(b.Context(), b.WS, run.ID)
	b.Must(err)
	if got.Closed != signalbox.SyncFound || !got.ClosedAt.Equal(b.Now) {
		b.Errorf("the quarantined run is %+v", got)
	}
	if s, err := b.DB.Stream(b.Context(), b.WS, s.ID); err != nil || s.Quarantine != 0 || s.Run != 0 {
		b.Errorf("the stream is %+v, %v", s, err)
	}
}

func syncRetention(b *Box) {
	s, waits := b.quarantined()
	b.Now = b.Now.Add(2 * time.Hour)
	w, _ := b.begin(s.ID)
	b.sync(&w, func(s *signalbox.SyncSlice) { b.ends(s, signalbox.SyncComplete) })
	b.Now = b.Now.Add(2 * time.Hour)
	goesOn, _ := b.begin(s.ID)
	b.Now = b.Now.AddDate(0, 0, signalbox.DefaultEventDays+1)
	b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
	runs, _, err := b.DB.SyncRuns(b.Context(), b.WS, s.Linked, s.ID, signalbox.Page{})
	b.Must(err)
	if len(runs) != 2 || runs[0].ID != goesOn.Run.ID || runs[1].ID != waits.ID {
		b.Errorf("%+v are kept, want the one that goes on and the one that waits", runs)
	}
	if runs, _, err := b.DB.SyncRuns(b.Context(), b.WS, s.Linked+1, s.ID, signalbox.Page{}); err != nil || len(runs) != 0 {
		b.Errorf("another account has %d runs of the stream, %v", len(runs), err)
	}
}

func syncWhole(b *Box) {
	hook := b.NewWebhook(Pull)
	s := b.NewStream(b.NewLinked().ID, func(s *signalbox.Stream) { s.EmitSignals = true })
	w, _ := b.begin(s.ID)
	b.sync(&w, func(s *signalbox.SyncSlice) {
		s.Signals = true
		seen(s, 0, signalbox.SliceRows, b.Now)
		for i := range s.Changes {
			s.Changes[i].Contact.Email = fmt.Sprintf("p%d@acme%d.com", i, i%50)
		}
		for i := range 4096 {
			s.Names = append(s.Names, fmt.Sprint("name", i))
		}
	})
	again, _ := b.begin(s.ID)
	if len(again.Names) != 4096 || again.Names[4095] != "name4095" {
		b.Errorf("%d names", len(again.Names))
	}
	if n := len(b.read(hook)); n != signalbox.MaxPage {
		b.Errorf("%d events on the first page", n)
	}
	if page, _, err := b.DB.Signals(b.Context(), b.WS, signalbox.SignalFilter{}, signalbox.Page{Limit: 200}); err != nil || len(page) != 200 {
		b.Errorf("%d signals, %v", len(page), err)
	}
}

func syncPaused(b *Box) {
	s := b.NewStream(b.NewLinked().ID, func(s *signalbox.Stream) { s.Paused = true })
	if due := b.dueOf(signalbox.DueStream); len(due) != 0 {
		b.Errorf("due %+v", due)
	}
	_, err := b.DB.StartSync(b.Context(), b.WS, s.ID, signalbox.SyncRunID(b.ID()), b.Now)
	b.WantCode(err, signalbox.Conflict)
	pause := func(paused bool) {
		_, err := b.DB.UpdateStream(b.Context(), b.WS, s.ID, b.Now, func(s *signalbox.Stream) error {
			s.Paused = paused
			return nil
		})
		b.Must(err)
	}
	pause(false)
	if due := b.dueOf(signalbox.DueStream); len(due) != 1 {
		b.Errorf("due %+v, want the resumed stream", due)
	}
	if _, ok := b.begin(s.ID); !ok {
		b.Error("it is not fetched")
	}
	pause(true)
	if _, ok := b.begin(s.ID); ok {
		b.Error("a run goes on although it is paused")
	}
	b.Now = b.Now.Add(time.Hour)
	if due := b.dueOf(signalbox.DueStream); len(due) != 0 {
		b.Errorf("due %+v", due)
	}
}

func syncGrows(b *Box) {
	s := b.NewStream(b.NewLinked().ID)
	w, _ := b.begin(s.ID)
	b.sync(&w, func(s *signalbox.SyncSlice) { b.ends(s, signalbox.SyncComplete) })
	_, err := b.DB.StartSync(b.Context(), b.WS, s.ID, w.Run.ID, b.Now)
	b.WantCode(err, signalbox.Unavailable)
	at, err := b.DB.StartSync(b.Context(), b.WS, s.ID, w.Run.ID+1, b.Now)
	b.Must(err)
	if again, ok := b.begin(s.ID); !ok || again.Run.ID != at {
		b.Errorf("work %+v, want run %d", again.Run, at)
	}
}

// FillSnapshots puts n rows into a stream, slice by slice, as one run.
func (b *Box) FillSnapshots(str signalbox.StreamID, n int, row func(int) signalbox.Snapshot) {
	b.Helper()
	w, _ := b.begin(str)
	for at := 0; at < n; at += signalbox.SliceRows {
		b.sync(&w, func(s *signalbox.SyncSlice) {
			for i := at; i < min(at+signalbox.SliceRows, n); i++ {
				one := row(i)
				one.Seen, one.Walk, one.Outcome = s.Run.ID, 1, signalbox.SyncSuppressed
				s.Rows = append(s.Rows, one)
				s.Known++
			}
			s.Run.Fetched, s.Run.Suppressed, s.Run.Added = s.Run.Fetched+s.Known, s.Run.Suppressed+s.Known, s.Run.Added+s.Known
		})
	}
}
