package storesuite

import (
	"time"

	"signalbox"
)

var dueTests = map[string]func(*Box){
	"IsRewrittenOnlyToEarlier": func(b *Box) {
		d := signalbox.Due{Kind: signalbox.DueWebhook, Workspace: b.WS, Subject: 9, At: b.Now.Add(-time.Hour)}
		b.Must(b.DB.PutDue(b.Context(), d))
		later := d
		later.At = b.Now
		b.Must(b.DB.PutDue(b.Context(), later))
		b.wantNext(d.At)
		earlier := d
		earlier.At = d.At.Add(-time.Microsecond)
		b.Must(b.DB.PutDue(b.Context(), earlier))
		b.wantNext(earlier.At)
	},
	"IsRearmedExactly": func(b *Box) {
		d := signalbox.Due{Kind: signalbox.DueWebhook, Workspace: b.WS, Subject: 9, At: b.Now.Add(-2 * time.Hour)}
		b.Must(b.DB.PutDue(b.Context(), d))
		d.At = b.Now.Add(-time.Hour)
		b.Must(b.DB.RearmDue(b.Context(), d))
		b.wantNext(d.At)
		d.At = time.Time{}
		b.Must(b.DB.RearmDue(b.Context(), d))
		if at, ok, err := b.DB.NextDue(b.Context()); err != nil || ok && at.Before(b.Now) {
			b.Fatalf("due at %v, %t, %v; want the row gone", at, ok, err)
		}
	},
	"TakenFiresAgainWhenItsTakerDies": func(b *Box) {
		first := signalbox.Due{Kind: signalbox.DueJob, Workspace: b.WS, Subject: 1, At: b.Now.Add(-2 * time.Second)}
		second := signalbox.Due{Kind: signalbox.DueLane, Workspace: b.WS, Subject: 1, At: b.Now.Add(-time.Second)}
		notYet := signalbox.Due{Kind: signalbox.DueWebhook, Workspace: b.WS, Subject: 1, At: b.Now.Add(time.Microsecond)}
		for _, d := range []signalbox.Due{notYet, second, first} {
			b.Must(b.DB.PutDue(b.Context(), d))
		}
		b.same(b.take(b.Now, 10), []signalbox.Due{first, second})
		b.same(b.take(b.Now, 10), []signalbox.Due(nil))
		b.wantNext(notYet.At)
		again := b.take(b.Now.Add(signalbox.LeaseFor), 10)
		if len(again) != 3 {
			b.Fatalf("%+v fired again, want all three", again)
		}
	},
	"TakesNoMoreThanAsked": func(b *Box) {
		for n := range int64(5) {
			b.Must(b.DB.PutDue(b.Context(), signalbox.Due{Kind: signalbox.DueJob, Workspace: b.WS, Subject: n + 1, At: b.Now.Add(-time.Duration(n+1) * time.Second)}))
		}
		got := b.take(b.Now, 2)
		if len(got) != 2 || got[0].Subject != 5 || got[1].Subject != 4 {
			b.Fatalf("took %+v, want the two earliest", got)
		}
	},
	"AnEndedLeaseTakesNothing": func(b *Box) {
		_, err := b.DB.JoinNode(b.Context(), "suite", b.Now)
		b.Must(err)
		_, err = b.DB.TakeDue(b.Context(), b.Lease, b.Now, 1)
		b.WantCode(err, signalbox.Conflict)
	},
}

func (b *Box) take(now time.Time, limit int) []signalbox.Due {
	b.Helper()
	got, err := b.DB.TakeDue(b.Context(), b.Lease, now, limit)
	b.Must(err)
	return got
}

// dueOf takes what is due now and answers what is of a kind.
func (b *Box) dueOf(kind signalbox.DueKind) (list []signalbox.Due) {
	b.Helper()
	for _, d := range b.take(b.Now, 100) {
		if d.Kind == kind {
			list = append(list, d)
		}
	}
	return list
}

// wantNext checks when the earliest subject is due.
func (b *Box) wantNext(want time.Time) {
	b.Helper()
	at, ok, err := b.DB.NextDue(b.Context())
	b.Must(err)
	if !ok || !at.Equal(want) {
		b.Fatalf("next due %v (%t), want %v", at, ok, want)
	}
}
