package e2e

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"signalbox"
	"signalbox/client"
)

// proves S2-14: what came while a webhook was disabled is kept, and sent when somebody asks for it; also when the server dies meanwhile.
func TestRecover_WhatWasMissedArrivesAlsoThroughACrash(t *testing.T) {
	t.Parallel()
	const missed = 60
	dir, began := t.TempDir(), time.Now().Add(-time.Second)
	s := serveIn(t, dir, "--dev")
	c := catch(t, nil)
	hook := s.hook(client.WebhookInput{URL: c.URL})
	if _, err := s.DisableWebhook(t.Context(), hook.ID); err != nil {
		t.Fatal(err)
	}
	for range missed {
		s.send(trial())
	}
	if _, err := s.EnableWebhook(t.Context(), hook.ID); err != nil {
		t.Fatal(err)
	}
	s.send(trial())
	c.next()
	preview, err := s.PreviewRecovery(t.Context(), hook.ID, client.Recovery{Since: began})
	if err != nil || preview.Matching != missed || preview.Counts.Skipped != missed {
		t.Fatalf("preview %+v, %v", preview, err)
	}
	job, err := s.RecoverWebhook(t.Context(), hook.ID, client.Recovery{Since: began, RatePerSecond: 40})
	if err != nil {
		t.Fatal(err)
	}
	arrived := map[string]bool{}
	for range 15 {
		arrived[c.next().header.Get("Webhook-Id")] = true
	}
	s.crash()

	s = serveIn(t, dir, "--dev")
	for len(arrived) < missed {
		d := c.next()
		var body struct{ Event string }
		if err := json.Unmarshal(d.body, &body); err != nil || body.Event != "signal.created" {
			t.Fatalf("arrived %s: %v", d.body, err)
		}
		arrived[d.header.Get("Webhook-Id")] = true
	}
	s.settled(hook.ID, missed+1, "delivered")
	if job = s.ended(job.ID); job.Status != signalbox.JobDone || job.Done != missed {
		t.Errorf("the job ended as %+v", job)
	}
}

// What failed for good, and what a webhook was too late for, arrives in the order in which it happened, at most as fast as asked.
func TestRecover_KeepsItsPaceAndCanBeCancelled(t *testing.T) {
	t.Parallel()
	s := serve(t, "--dev")
	began := time.Now().Add(-time.Second)
	s.hook(client.WebhookInput{URL: refusingURL(t)}) // an event is kept once somebody takes its kind
	for range 30 {
		s.send(trial())
	}
	c := catch(t, func(int) int { return http.StatusOK })
	hook := s.hook(client.WebhookInput{URL: c.URL})
	job, err := s.RecoverWebhook(t.Context(), hook.ID, client.Recovery{Since: began, Include: []string{"never_attempted"}, RatePerSecond: 1})
	if err != nil || job.Matching != 30 {
		t.Fatalf("%+v, %v", job, err)
	}
	c.next()
	if job, err = s.CancelJob(t.Context(), job.ID); err != nil || job.Status != signalbox.JobCancelled || job.Done > 5 {
		t.Fatalf("%+v, %v", job, err)
	}
	s.settled(hook.ID, int(job.Done), "delivered")
	if p, err := s.PreviewRecovery(t.Context(), hook.ID, client.Recovery{Since: began}); err != nil || p.Counts.NeverAttempted != 30-int(job.Done) {
		t.Errorf("left %+v, %v", p, err)
	}
}

// ended waits for the end of a job.
func (s *server) ended(job string) client.Job {
	s.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		j, err := s.Job(s.t.Context(), job)
		if err != nil {
			s.t.Fatal(err)
		}
		if !j.EndedAt.IsZero() {
			return j
		}
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("the job does not end: %+v", j)
		}
	}
}

// crash ends the server as a power cut would end its process.
func (s *server) crash() {
	s.t.Helper()
	s.CloseIdle()
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	<-s.exited
}
