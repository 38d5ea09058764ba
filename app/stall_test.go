package app

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A stall is told once, in the log and by mail, at the second look, and so is its end; one look alone is none.
func TestStalls_AreToldWhenTheyBeginAndWhenTheyAreOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // guards all below
		var log bytes.Buffer
		var mails []string
		var stuck, due time.Time
		set := func(to *time.Time, at time.Time) {
			mu.Lock()
			defer mu.Unlock()
			*to = at
		}
		locked := func(at *time.Time) time.Time {
			mu.Lock()
			defer mu.Unlock()
			return *at
		}
		s := &stalls{
			sender: func() (time.Time, string) { return locked(&stuck), "the database takes no outcomes of attempts" },
			due:    func(context.Context) (time.Time, bool, error) { return locked(&due), true, nil },
			now:    time.Now, log: slog.New(slog.NewTextHandler(&log, nil)),
			tell: func(_ context.Context, subject, body string) {
				mu.Lock()
				defer mu.Unlock()
				mails = append(mails, subject+"\n"+body)
			},
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		wants := func(what string, told int, stands bool) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if len(mails) != told || strings.Count(log.String(), "msg=sender.") != told || s.stalled() > 0 != stands {
				t.Fatalf("%s: mailed %q, logged\n%s, stands still for %s", what, mails, log.String(), s.stalled())
			}
		}
		set(&due, time.Now().Add(time.Hour))
		time.Sleep(10 * time.Minute)
		wants("all is well", 0, false)
		set(&due, time.Now().Add(-2*time.Minute)) // a machine that slept
		time.Sleep(stallLook)
		set(&due, time.Now().Add(time.Hour))
		time.Sleep(time.Minute)
		wants("one look alone", 0, false)
		set(&stuck, time.Now().Add(-time.Minute))
		time.Sleep(10 * time.Minute)
		wants("the settler is stuck", 1, true)
		if !strings.Contains(mails[0], "takes no outcomes") {
			t.Errorf("mailed %q", mails[0])
		}
		set(&stuck, time.Time{})
		time.Sleep(time.Minute)
		wants("it goes on", 2, false)
		set(&due, time.Now().Add(30*time.Second))
		time.Sleep(80 * time.Second)
		wants("due for less than a minute", 2, false)
		time.Sleep(time.Minute)
		wants("what is due is not taken", 3, true)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
