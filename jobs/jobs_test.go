package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/jobs"
)

// table runs slices that each take some time; a job ends after so many.
type table struct {
	kind    signalbox.JobKind
	slices  int // left until the job ends
	takes   time.Duration
	ran     []time.Time
	fail    error
	jobs    []signalbox.Job
	webhook signalbox.Webhook
	gone    bool
	deleted []signalbox.Job
}

func (s *table) RunSlice(_ context.Context, ws signalbox.WorkspaceID, id signalbox.JobID, _ *signalbox.IDs, _ time.Time) (signalbox.Job, error) {
	if s.gone {
		return signalbox.Job{}, signalbox.NoSuch("job")
	}
	s.ran = append(s.ran, time.Now())
	time.Sleep(s.takes)
	if s.fail != nil {
		return signalbox.Job{}, s.fail
	}
	s.slices--
	j := signalbox.Job{ID: id, Workspace: ws, Kind: s.kind, Status: signalbox.JobRunning}
	if s.slices <= 0 {
		j.Status = signalbox.JobDone
	}
	return j, nil
}

func (s *table) RefreshRanks(_ context.Context, _ signalbox.WorkspaceID, now time.Time, rest time.Duration) (time.Time, error) {
	s.ran = append(s.ran, time.Now())
	time.Sleep(s.takes)
	if s.slices--; s.slices > 0 || s.fail != nil {
		return now, s.fail
	}
	return now.Add(rest), nil
}

func (s *table) CreateJob(_ context.Context, j signalbox.Job) error {
	s.jobs = append(s.jobs, j)
	return s.fail
}

func (s *table) Webhook(context.Context, signalbox.WorkspaceID, signalbox.WebhookID) (signalbox.Webhook, error) {
	if s.gone {
		return signalbox.Webhook{}, signalbox.NoSuch("webhook")
	}
	return s.webhook, nil
}

func (s *table) WebhookIDs(context.Context, signalbox.WorkspaceID) ([]signalbox.WebhookID, error) {
	return []signalbox.WebhookID{10, 20, 30}, nil
}

func (s *table) DeleteWebhook(_ context.Context, _ signalbox.WorkspaceID, _ signalbox.WebhookID, _ time.Time, j signalbox.Job) error {
	s.deleted = append(s.deleted, j)
	return nil
}

// run gives test the jobs on a table, in virtual time, and the webhooks that were told as changed.
func run(t *testing.T, s *table, test func(t *testing.T, j *jobs.Jobs, changed *[]signalbox.WebhookID)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var changed []signalbox.WebhookID
		test(t, jobs.New(jobs.Config{
			Store: s, IDs: signalbox.NewIDs(0), Wake: func(time.Time) {}, Codec: signalbox.NewCodec([16]byte{1}), Log: slog.New(slog.DiscardHandler), Now: time.Now,
			Changed: func(_ context.Context, id signalbox.WebhookID) error {
				changed = append(changed, id)
				return nil
			},
		}), &changed)
	})
}

func TestSlice_PausesTwiceAsLongAsASliceTakes(t *testing.T) {
	s := &table{slices: 4, takes: 100 * time.Millisecond}
	run(t, s, func(t *testing.T, j *jobs.Jobs, _ *[]signalbox.WebhookID) {
		again, err := j.Slice(t.Context(), signalbox.Due{Kind: signalbox.DueJob, Workspace: 1, Subject: 2})
		if err != nil || !again.Done || len(s.ran) != 4 {
			t.Fatalf("%+v, %v after %d slices, want done after 4", again, err, len(s.ran))
		}
		for i := 1; i < len(s.ran); i++ {
			if gap := s.ran[i].Sub(s.ran[i-1]); gap != 300*time.Millisecond {
				t.Errorf("slice %d began %s after the one before, want 100 ms of work and 200 ms of pause", i, gap)
			}
		}
	})
}

func TestSlice_ErasureHasMemoryForgetWhatItBlanked(t *testing.T) {
	s := &table{slices: 2, kind: signalbox.JobEraseContact}
	run(t, s, func(t *testing.T, j *jobs.Jobs, changed *[]signalbox.WebhookID) {
		if again, err := j.Slice(t.Context(), signalbox.Due{Kind: signalbox.DueJob, Workspace: 1, Subject: 2}); err != nil || !again.Done {
			t.Fatalf("%+v, %v, want done", again, err)
		}
		if want := []signalbox.WebhookID{10, 20, 30}; !slices.Equal(*changed, want) {
			t.Errorf("told %v, want every webhook of the workspace, %v", *changed, want)
		}
	})
}

func TestSlice_LongJobGivesItsLeaseBackInTime(t *testing.T) {
	s := &table{slices: 1_000_000, takes: 100 * time.Millisecond}
	run(t, s, func(t *testing.T, j *jobs.Jobs, _ *[]signalbox.WebhookID) {
		begin := time.Now()
		again, err := j.Slice(t.Context(), signalbox.Due{Kind: signalbox.DueJob, Workspace: 1, Subject: 2})
		if err != nil || again.Done || time.Since(begin) >= signalbox.LeaseFor {
			t.Errorf("%+v, %v after %s, want to be asked again within the lease of %s", again, err, time.Since(begin), signalbox.LeaseFor)
		}
	})
}

func TestSlice_ErrorIsReturnedAndAVanishedJobIsDone(t *testing.T) {
	broken := errors.New("broken")
	s := &table{slices: 1, fail: broken}
	run(t, s, func(t *testing.T, j *jobs.Jobs, _ *[]signalbox.WebhookID) {
		if _, err := j.Slice(t.Context(), signalbox.Due{}); !errors.Is(err, broken) {
			t.Errorf("error %v, want %v", err, broken)
		}
		s.gone = true
		if again, err := j.Slice(t.Context(), signalbox.Due{}); err != nil || !again.Done {
			t.Errorf("%+v, %v, want done", again, err)
		}
	})
}

func TestSlice_StopsBetweenSlicesWhenToldTo(t *testing.T) {
	s := &table{slices: 100, takes: 100 * time.Millisecond}
	run(t, s, func(t *testing.T, j *jobs.Jobs, _ *[]signalbox.WebhookID) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := j.Slice(ctx, signalbox.Due{}); !errors.Is(err, context.DeadlineExceeded) || len(s.ran) > 4 {
			t.Errorf("error %v after %d slices, want the context's after at most 4", err, len(s.ran))
		}
	})
}

func TestRetention_MakesOneJobADay(t *testing.T) {
	s := &table{}
	run(t, s, func(t *testing.T, j *jobs.Jobs, _ *[]signalbox.WebhookID) {
		again, err := j.Retention(t.Context(), signalbox.Due{Kind: signalbox.DueRetention, Workspace: 7, Subject: 7})
		if err != nil || time.Until(again.At) != 24*time.Hour {
			t.Errorf("%+v, %v, want to come again in a day", again, err)
		}
		if len(s.jobs) != 1 || s.jobs[0].Kind != signalbox.JobRetention || s.jobs[0].Workspace != 7 || s.jobs[0].ID == 0 {
			t.Errorf("made %+v, want one retention job of workspace 7", s.jobs)
		}
	})
}

func TestTemporary_WebhookGoesWithItsLastReader(t *testing.T) {
	s := &table{}
	run(t, s, func(t *testing.T, j *jobs.Jobs, changed *[]signalbox.WebhookID) {
		d := signalbox.Due{Kind: signalbox.DueWebhook, Workspace: 7, Subject: 9}
		s.webhook = signalbox.Webhook{ID: 9, CreatedAt: time.Now(), Temporary: true}
		time.Sleep(30 * time.Second)
		s.webhook.LastReadAt = time.Now()
		time.Sleep(40 * time.Second)
		again, err := j.Temporary(t.Context(), d)
		if err != nil || again.Done || time.Until(again.At) != 20*time.Second || len(s.deleted) != 0 {
			t.Fatalf("%+v, %v, want to look again a minute after the last read", again, err)
		}
		time.Sleep(20 * time.Second)
		again, err = j.Temporary(t.Context(), d)
		if err != nil || !again.Done || len(s.deleted) != 1 || s.deleted[0].Kind != signalbox.JobCloseWebhook || s.deleted[0].Subject != 9 {
			t.Fatalf("%+v, %v, deleted with %+v, want it deleted", again, err, s.deleted)
		}
		if len(*changed) != 1 || (*changed)[0] != 9 {
			t.Errorf("told %v, want the sender to know", *changed)
		}
		s.gone = true
		if again, err := j.Temporary(t.Context(), d); err != nil || !again.Done {
			t.Errorf("%+v, %v for a webhook that is gone, want done", again, err)
		}
	})
}

// A sweep of a workspace's ranks pauses as jobs do, goes on while there is more, and gives its lease back in time.
func TestRanks_AreSweptInSlicesWithPauses(t *testing.T) {
	s := &table{slices: 3, takes: 100 * time.Millisecond}
	run(t, s, func(t *testing.T, j *jobs.Jobs, _ *[]signalbox.WebhookID) {
		again, err := j.Ranks(t.Context(), signalbox.Due{Kind: signalbox.DueRanks, Workspace: 1, Subject: 1})
		if err != nil || !again.Kept || again.At.Sub(s.ran[len(s.ran)-1]) != time.Minute || len(s.ran) != 3 {
			t.Fatalf("%+v, %v after %d slices, want the row kept a minute after the third", again, err, len(s.ran))
		}
		if gap := s.ran[2].Sub(s.ran[1]); gap != 300*time.Millisecond {
			t.Errorf("the third slice began %s after the second, want 100 ms of work and 200 ms of pause", gap)
		}
		s.slices = 1_000_000
		begin := time.Now()
		again, err = j.Ranks(t.Context(), signalbox.Due{Kind: signalbox.DueRanks, Workspace: 1, Subject: 1})
		if err != nil || again.Kept || again.Done || time.Since(begin) >= signalbox.LeaseFor {
			t.Errorf("%+v, %v after %s, want to be asked again within the lease of %s", again, err, time.Since(begin), signalbox.LeaseFor)
		}
		s.fail = errors.New("broken")
		if _, err := j.Ranks(t.Context(), signalbox.Due{}); !errors.Is(err, s.fail) {
			t.Errorf("error %v, want %v", err, s.fail)
		}
	})
}
