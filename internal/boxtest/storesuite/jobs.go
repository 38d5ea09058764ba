package storesuite

import (
	"reflect"
	"time"

	"signalbox"
)

var jobTests = map[string]func(*Box){
	"ANewJobIsDueAtOnce":           jobDue,
	"PagesAreNewestFirst":          jobPages,
	"ACancelledJobDoesNothingMore": jobCancel,
	"AnEndedJobIsNotCancelled":     jobCancelEnded,
	"AnEndedJobRunsNoSlice":        jobRunEnded,
	"AnUnknownKindFails":           jobUnknown,
}

func jobDue(b *Box) {
	j := b.NewJob(signalbox.JobRetention, 0)
	due, err := b.DB.TakeDue(b.Context(), b.Lease, b.Now, 10)
	b.Must(err)
	want := []signalbox.Due{{Kind: signalbox.DueJob, Workspace: b.WS, Subject: int64(j.ID), At: b.Now}}
	if !reflect.DeepEqual(due, want) {
		b.Fatalf("due %+v, want %+v", due, want)
	}
	got, err := b.DB.Job(b.Context(), b.WS, j.ID)
	b.Must(err)
	if got != j {
		b.Fatalf("stored %+v, want %+v", got, j)
	}
}

func jobPages(b *Box) {
	var want []signalbox.JobID
	for range 5 {
		want = append([]signalbox.JobID{b.NewJob(signalbox.JobRetention, 0).ID}, want...)
	}
	var got []signalbox.JobID
	for before, pages := int64(0), 0; pages == 0 || before != 0; pages++ {
		list, next, err := b.DB.Jobs(b.Context(), b.WS, signalbox.Page{Limit: 2, Before: before})
		b.Must(err)
		for _, j := range list {
			got = append(got, j.ID)
		}
		before = next
	}
	if !reflect.DeepEqual(got, want) {
		b.Fatalf("pages hold %v, want %v", got, want)
	}
}

func jobCancel(b *Box) {
	w := b.NewWebhook()
	b.sendMany(w, 1500)
	b.Now = b.Now.AddDate(0, 0, 40)
	j := b.NewJob(signalbox.JobRetention, 0)
	half, err := b.DB.RunSlice(b.Context(), b.WS, j.ID, b.IDs, b.Now)
	b.Must(err)
	if half.Status != signalbox.JobRunning || half.Done == 0 || half.Done > signalbox.SliceRows {
		b.Fatalf("after a slice: %+v", half)
	}
	got, err := b.DB.CancelJob(b.Context(), b.WS, j.ID, b.Now)
	b.Must(err)
	if got.Status != signalbox.JobCancelled || !got.EndedAt.Equal(b.Now) || got.Done != half.Done {
		b.Fatalf("cancelled: %+v", got)
	}
	left := len(b.walkLog(w.ID, signalbox.DeliveryFilter{}, 200))
	again, err := b.DB.RunSlice(b.Context(), b.WS, j.ID, b.IDs, b.Now)
	b.Must(err)
	if still := len(b.walkLog(w.ID, signalbox.DeliveryFilter{}, 200)); again != got || still != left || left == 0 {
		b.Fatalf("after cancelling %d rows became %d; job %+v", left, still, again)
	}
	due, err := b.DB.TakeDue(b.Context(), b.Lease, b.Now, 10)
	b.Must(err)
	for _, d := range due {
		if d.Kind == signalbox.DueJob {
			b.Fatalf("a cancelled job is due: %+v", d)
		}
	}
}

func jobCancelEnded(b *Box) {
	j, _ := b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
	_, err := b.DB.CancelJob(b.Context(), b.WS, j.ID, b.Now)
	b.WantCode(err, signalbox.Conflict)
}

func jobRunEnded(b *Box) {
	j, _ := b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
	again, err := b.DB.RunSlice(b.Context(), b.WS, j.ID, b.IDs, b.Now.Add(time.Hour))
	b.Must(err)
	if again != j || j.Status != signalbox.JobDone || !j.EndedAt.Equal(b.Now) {
		b.Fatalf("again %+v, want %+v", again, j)
	}
}

func jobUnknown(b *Box) {
	j, _ := b.RunJob(b.NewJob("dance", 0).ID)
	if j.Status != signalbox.JobFailed || j.Error == "" || j.EndedAt.IsZero() {
		b.Fatalf("job %+v", j)
	}
	j, _ = b.RunJob(b.NewJob(signalbox.JobEraseContact, b.ID()).ID)
	if j.Status != signalbox.JobFailed || j.Error != "no such contact" {
		b.Fatalf("job %+v", j)
	}
}
