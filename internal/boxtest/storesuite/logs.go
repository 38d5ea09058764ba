package storesuite

import (
	"fmt"
	"slices"
	"time"

	"signalbox"
)

var logTests = map[string]func(*Box){
	"RowsAndSignalsAreOneListNewestFirst":       logsMerged,
	"ASignalWithARowOfItsOwnIsThatRow":          logsIgnored,
	"PagesAreStableWhileRowsArrive":             logsStable,
	"FiltersKeepWhatTheySay":                    logsFilters,
	"ADomainIsItsAccountsSignalsAndRefusals":    logsDomain,
	"AnotherWorkspacesRowsAreNotShown":          logsForeign,
	"ARowIsStoredOnce":                          logsTwice,
	"RetentionTakesOldRows":                     logsRetention,
	"ErasingTakesWhatNamesTheRecord":            logsErase,
	"WhatCameAfterIsReadOldestFirst":            newerInOrder,
	"WhatCameAfterIsOfTheWorkspaceAlone":        newerForeign,
	"DeliveriesAreReadAsTheyStand":              newerDeliveries,
	"ASparseFilterEndsWithAPlaceToGoOnFromSoon": logsSparse,
}

// refused is a row of the log about a signal that was refused, or what edit makes of it.
func (b *Box) refused(edit ...func(*signalbox.LogRow)) signalbox.LogRow {
	request := b.ID()
	l := signalbox.LogRow{
		ID: request, Workspace: b.WS, Request: signalbox.RequestID(request), At: b.Now, Outcome: signalbox.LogRefused, Operation: "createSignal",
		Method: "POST", Path: "/v1/signals", Status: 400, Code: "validation_error", Message: "type is required", Param: "type",
		Took: 1500 * time.Microsecond, Count: 1,
	}
	for _, e := range edit {
		e(&l)
	}
	return l
}

// log stores rows.
func (b *Box) log(rows ...signalbox.LogRow) {
	b.Helper()
	b.Must(b.DB.InsertLogs(b.Context(), rows))
}

// walkLogs pages through the whole log.
func (b *Box) walkLogs(f signalbox.LogFilter, limit int) (list []signalbox.LogRow) {
	b.Helper()
	for page := (signalbox.Page{Limit: limit}); ; {
		rows, next, err := b.DB.Logs(b.Context(), b.WS, f, page)
		b.Must(err)
		list = append(list, rows...)
		if next == 0 {
			return list
		}
		if page.Before != 0 && next >= page.Before {
			b.Fatalf("a page before %d goes on from %d", page.Before, next)
		}
		page.Before = next
	}
}

func logIDs(list []signalbox.LogRow) (ids []int64) {
	for _, l := range list {
		ids = append(ids, l.ID)
	}
	return ids
}

// wantLogs compares a list with ids given oldest first.
func (b *Box) wantLogs(what string, got []signalbox.LogRow, want ...int64) {
	b.Helper()
	slices.Reverse(want)
	if !slices.Equal(logIDs(got), want) {
		b.Errorf("%s: %v, want %v", what, logIDs(got), want)
	}
}

func logsMerged(b *Box) {
	key := b.NewKey("relay")
	acc := b.NewAccount("acme.com", "Acme")
	con := b.NewContact(acc.ID, "jane@acme.com", "Jane", "")
	var want []int64
	for range 7 {
		want = append(want, int64(b.Send(Sent{Account: acc.ID, Contact: con.ID, Source: "crm"})[0].Signal))
		row := b.refused(func(l *signalbox.LogRow) { l.Key = key.ID })
		b.log(row)
		want = append(want, row.ID)
	}
	for _, limit := range []int{1, 3, 14, 200} {
		b.wantLogs(fmt.Sprint("by ", limit), b.walkLogs(signalbox.LogFilter{}, limit), slices.Clone(want)...)
	}
	list := b.walkLogs(signalbox.LogFilter{}, 50)
	row := b.refused(func(l *signalbox.LogRow) { l.Key, l.KeyName = key.ID, "relay" })
	row.ID, row.Request = list[0].ID, signalbox.RequestID(list[0].ID)
	if fmt.Sprint(list[0]) != fmt.Sprint(row) {
		b.Errorf("a row is %+v,\nwant %+v", list[0], row)
	}
	taken := signalbox.LogRow{
		ID: list[1].ID, Workspace: b.WS, At: b.Now, Outcome: signalbox.LogAccepted, Signal: signalbox.SignalID(list[1].ID), Type: "page_visit", Source: "crm",
		Domain: "acme.com", Email: "jane@acme.com", Count: 1,
	}
	if fmt.Sprint(list[1]) != fmt.Sprint(taken) {
		b.Errorf("a signal is %+v,\nwant %+v", list[1], taken)
	}
}

func logsIgnored(b *Box) {
	sent := b.Send(Sent{}, Sent{})
	b.log(b.refused(func(l *signalbox.LogRow) {
		l.ID, l.Signal, l.Outcome, l.Ignored = int64(sent[0].Signal), sent[0].Signal, signalbox.LogIgnored, []string{"acount", "contact.e_mail"}
	}))
	list := b.walkLogs(signalbox.LogFilter{}, 1)
	b.wantLogs("all", list, int64(sent[0].Signal), int64(sent[1].Signal))
	if l := list[1]; l.Outcome != signalbox.LogIgnored || !slices.Equal(l.Ignored, []string{"acount", "contact.e_mail"}) {
		b.Errorf("row %+v", l)
	}
	b.wantLogs("accepted", b.walkLogs(signalbox.LogFilter{Outcome: signalbox.LogAccepted}, 50), int64(sent[1].Signal))
	b.wantLogs("ignored", b.walkLogs(signalbox.LogFilter{Outcome: signalbox.LogIgnored}, 50), int64(sent[0].Signal))
}

func logsStable(b *Box) {
	var want []int64
	add := func() {
		want = append(want, int64(b.Send(Sent{})[0].Signal))
		row := b.refused()
		b.log(row)
		want = append(want, row.ID)
	}
	for range 5 {
		add()
	}
	there := slices.Clone(want)
	var got []signalbox.LogRow
	for page := (signalbox.Page{Limit: 3}); ; {
		rows, next, err := b.DB.Logs(b.Context(), b.WS, signalbox.LogFilter{}, page)
		b.Must(err)
		got = append(got, rows...)
		add()
		if page.Before = next; next == 0 {
			break
		}
	}
	b.wantLogs("what was there", got, there...)
}

func logsFilters(b *Box) {
	old := b.refused(func(l *signalbox.LogRow) { l.Domain, l.Email = "initech.com", "bill@initech.com" })
	b.log(old)
	b.Now = b.Now.Add(time.Hour)
	sig := b.Send(Sent{Type: "Demo_Requested", Source: "website"})[0].Signal
	again := b.refused(func(l *signalbox.LogRow) {
		l.Outcome, l.Signal, l.Code, l.Message, l.Status = signalbox.LogDuplicate, sig, "", "", 201
	})
	b.log(again)
	b.Now = b.Now.Add(time.Hour)
	last := b.refused(func(l *signalbox.LogRow) {
		l.Operation, l.Path, l.Message = "updateWebhook", "/v1/webhooks/{id}", "url must be https"
	})
	b.log(last)
	hour := b.Now.Add(-time.Hour)
	for name, c := range map[string]struct {
		f    signalbox.LogFilter
		want []int64
	}{
		"refused":             {signalbox.LogFilter{Outcome: signalbox.LogRefused}, []int64{old.ID, last.ID}},
		"duplicate":           {signalbox.LogFilter{Outcome: signalbox.LogDuplicate}, []int64{again.ID}},
		"signal":              {signalbox.LogFilter{Signal: sig}, []int64{int64(sig), again.ID}},
		"from":                {signalbox.LogFilter{From: hour}, []int64{int64(sig), again.ID, last.ID}},
		"to":                  {signalbox.LogFilter{To: hour}, []int64{old.ID, int64(sig), again.ID}},
		"words of a type":     {signalbox.LogFilter{Query: "demo_re"}, []int64{int64(sig)}},
		"words of a message":  {signalbox.LogFilter{Query: "HTTPS"}, []int64{last.ID}},
		"words of an address": {signalbox.LogFilter{Query: "bill@"}, []int64{old.ID}},
		"nobody's domain":     {signalbox.LogFilter{Domain: "initech.com"}, []int64{old.ID}},
		"both":                {signalbox.LogFilter{Query: "type is", From: hour}, nil},
	} {
		for _, limit := range []int{1, 50} {
			b.wantLogs(name, b.walkLogs(c.f, limit), slices.Clone(c.want)...)
		}
	}
}

func logsDomain(b *Box) {
	acc, other := b.NewAccount("acme.com", ""), b.NewAccount("globex.org", "")
	var want []int64
	for range 3 {
		want = append(want, int64(b.Send(Sent{Account: acc.ID})[0].Signal))
		b.Send(Sent{Account: other.ID}, Sent{})
		mine := b.refused(func(l *signalbox.LogRow) { l.Domain = "acme.com" })
		b.log(mine, b.refused(func(l *signalbox.LogRow) { l.Domain = "globex.org" }), b.refused())
		want = append(want, mine.ID)
	}
	for _, limit := range []int{1, 2, 50} {
		b.wantLogs(fmt.Sprint("by ", limit), b.walkLogs(signalbox.LogFilter{Domain: "acme.com", Account: acc.ID}, limit), slices.Clone(want)...)
	}
}

func logsForeign(b *Box) {
	own := b.WS
	b.WS = b.NewWorkspace("other")
	b.log(b.refused())
	b.sendMany(b.NewWebhook(), 1500)
	b.WS = own
	row := b.refused()
	b.log(row)
	b.wantLogs("own", b.walkLogs(signalbox.LogFilter{}, 50), row.ID)
}

func logsTwice(b *Box) {
	row := b.refused()
	b.log(row)
	b.log(row, b.refused())
	if got := b.walkLogs(signalbox.LogFilter{}, 50); len(got) != 2 {
		b.Errorf("%d rows, want 2", len(got))
	}
}

func logsRetention(b *Box) {
	b.log(b.refused(), b.refused())
	b.Now = kept30(b.Now).Add(time.Millisecond)
	kept := b.refused()
	b.log(kept)
	j, _ := b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
	if j.Done != 2 {
		b.Errorf("job %+v, want two rows gone", j)
	}
	b.wantLogs("left", b.walkLogs(signalbox.LogFilter{}, 50), kept.ID)
}

func logsErase(b *Box) {
	about := func(domain, email string) signalbox.LogRow {
		return b.refused(func(l *signalbox.LogRow) { l.Domain, l.Email = domain, email })
	}
	jane, acme, other := about("", "jane@globex.org"), about("acme.com", "bob@acme.com"), about("", "")
	b.log(jane, acme, other)
	erase := func(kind signalbox.JobKind, key signalbox.RecordKey) {
		b.decide(signalbox.Need{}, func(*signalbox.Situation) *signalbox.Decision {
			return &signalbox.Decision{
				Freed: []signalbox.RecordKey{key},
				Jobs:  []signalbox.Job{{ID: signalbox.JobID(b.ID()), Workspace: b.WS, Kind: kind, Status: signalbox.JobQueued, Subject: 1, CreatedAt: b.Now, UpdatedAt: b.Now}},
			}
		})
	}
	erase(signalbox.JobEraseContact, b.EmailKey("jane@globex.org"))
	b.wantLogs("without the contact", b.walkLogs(signalbox.LogFilter{}, 50), acme.ID, other.ID)
	erase(signalbox.JobEraseAccount, b.DomainKey("acme.com"))
	b.wantLogs("without the account", b.walkLogs(signalbox.LogFilter{}, 50), other.ID)
}

// logsSparse: a filter that nothing passes goes through everything, page by page, and comes to the end.
func logsSparse(b *Box) {
	w := b.NewWebhook(func(w *signalbox.Webhook) { w.Enabled = false })
	b.sendMany(w, 2500)
	if got := b.walkLogs(signalbox.LogFilter{Query: "nobody says this"}, 50); len(got) != 0 {
		b.Errorf("found %v", logIDs(got))
	}
}

func newerInOrder(b *Box) {
	first := b.Send(Sent{})[0].Signal
	after := b.refused()
	b.log(after)
	var want []signalbox.SignalID
	for range 5 {
		want = append(want, b.Send(Sent{})[0].Signal)
	}
	late := b.refused()
	b.log(late)
	var got []signalbox.SignalID
	for at, full := int64(first), true; full; {
		list, upTo, more, err := b.DB.NewerSignals(b.Context(), b.WS, at, 2)
		b.Must(err)
		for _, s := range list {
			got = append(got, s.ID)
			if s.Type != "page_visit" {
				b.Errorf("signal %+v has no type", s)
			}
		}
		at, full = upTo, more
	}
	if !slices.Equal(got, want) {
		b.Errorf("signals %v, want %v", got, want)
	}
	n, upTo, full, err := b.DB.PassSignals(b.Context(), b.WS, int64(first), 4)
	b.Must(err)
	if n != 4 || upTo != int64(want[3]) || !full {
		b.Errorf("passed %d signals up to %d, full: %v", n, upTo, full)
	}
	last, err := b.DB.LastID(b.Context(), b.WS)
	b.Must(err)
	if n, _, full, err = b.DB.PassSignals(b.Context(), b.WS, last, 4); err != nil || n != 0 || full {
		b.Errorf("%d signals behind the last id %d, %v", n, last, err)
	}
	logs, err := b.DB.NewerLogs(b.Context(), b.WS, after.ID, 10)
	b.Must(err)
	b.wantLogs("logs", logs, late.ID)
}

func newerForeign(b *Box) {
	own := b.WS
	b.WS = b.NewWorkspace("other")
	b.sendMany(b.NewWebhook(), 5)
	b.log(b.refused())
	b.WS = own
	mine := b.sendMany(b.NewWebhook(), 1)[0]
	signals, _, _, err := b.DB.NewerSignals(b.Context(), b.WS, 0, 100)
	b.Must(err)
	deliveries, _, _, err := b.DB.NewerDeliveries(b.Context(), b.WS, 0, 100)
	b.Must(err)
	logs, err := b.DB.NewerLogs(b.Context(), b.WS, 0, 100)
	b.Must(err)
	if n, _, _, err := b.DB.PassDeliveries(b.Context(), b.WS, 0, 100); err != nil || n != 1 {
		b.Errorf("passed %d deliveries, %v", n, err)
	}
	if len(signals) != 1 || signals[0].ID != mine.Signal || len(deliveries) != 1 || deliveries[0].ID != mine.Deliveries[0] || len(logs) != 0 {
		b.Errorf("signals %v, deliveries %v, logs %v", signals, deliveries, logs)
	}
}

func newerDeliveries(b *Box) {
	w := b.NewWebhook()
	sent := b.sendMany(w, 2)
	r := b.Claim(w.ID, 1).Ready[0]
	b.Settle(r, signalbox.Delivered, "", time.Time{}, 200, "ok")
	list, err := b.DB.DeliveriesByID(b.Context(), b.WS, []signalbox.DeliveryID{sent[0].Deliveries[0], sent[1].Deliveries[0], 17})
	b.Must(err)
	states := map[signalbox.DeliveryID]signalbox.DeliveryState{}
	for _, d := range list {
		states[d.ID] = d.State
	}
	want := map[signalbox.DeliveryID]signalbox.DeliveryState{sent[0].Deliveries[0]: signalbox.Delivered, sent[1].Deliveries[0]: signalbox.Pending}
	if fmt.Sprint(states) != fmt.Sprint(want) {
		b.Errorf("states %v, want %v", states, want)
	}
}
