package retry_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/retry"
)

// The answers of Slack's incoming webhooks, as docs.slack.dev documents them, and what stands in front of Slack.
func TestJudge_SlacksAnswers(t *testing.T) {
	t.Parallel()
	again := now.Add(time.Minute)
	for _, c := range []struct {
		name, said string
		status     int
		after      string
		want       retry.Verdict // Text: how it ends
	}{
		{"ok", "ok", 200, "", retry.Verdict{State: signalbox.Delivered}},
		{"an imitation that answers JSON", `{"ok":true}`, 200, "", retry.Verdict{State: signalbox.Delivered}},
		{"one that says nothing", "", 204, "", retry.Verdict{State: signalbox.Delivered}},
		{"a message that is none", "invalid_payload", 400, "", retry.Verdict{State: signalbox.Failed, Reason: "invalid_payload", Text: "400 Bad Request: invalid_payload"}},
		{"no text", "no_text\n", 400, "", retry.Verdict{State: signalbox.Failed, Reason: "no_text", Text: ": no_text"}},
		{"blocks that are none", "invalid_blocks", 400, "", retry.Verdict{State: signalbox.Failed, Reason: "invalid_blocks", Text: ": invalid_blocks"}},
		{"an administrator forbids it", "action_prohibited", 403, "", retry.Verdict{State: signalbox.Failed, Reason: "action_prohibited", Text: "403 Forbidden: action_prohibited"}},
		{"a token that is none", "invalid_token", 403, "", retry.Verdict{State: signalbox.Failed, Reason: "invalid_token", Text: ": invalid_token"}},
		{"the address was revoked", "no_service", 404, "", retry.Verdict{State: signalbox.Failed, Reason: "no_service", Text: "404 Not Found: no_service"}},
		{"the channel is gone", "channel_is_archived", 410, "", retry.Verdict{State: signalbox.Failed, Reason: "channel_is_archived", Text: "410 Gone: channel_is_archived"}},
		{"a page", "<!doctype html>\n<title>Not found</title>", 404, "", retry.Verdict{State: signalbox.Failed, Reason: "http_404", Text: "404 Not Found: <!doctype html> <title>Not found</title>"}},
		{"nothing is said", "", 400, "", retry.Verdict{State: signalbox.Failed, Reason: "http_400", Text: "Slack answered 400 Bad Request"}},
		{"a word that is ours", "erased", 400, "", retry.Verdict{State: signalbox.Failed, Reason: "http_400", Text: ": erased"}},
		{"another word that is ours", "http_500", 400, "", retry.Verdict{State: signalbox.Failed, Reason: "http_400", Text: ": http_500"}},
		{"a word that is too long", strings.Repeat("a", 65), 400, "", retry.Verdict{State: signalbox.Failed, Reason: "http_400", Text: strings.Repeat("a", 65)}},
		{"too many messages", "rate_limited", 429, "30", retry.Verdict{State: signalbox.Retrying, Reason: "http_429", Text: ": rate_limited", DueAt: again}},
		{"too many for a long while", "", 429, "3600", retry.Verdict{State: signalbox.Retrying, Reason: "http_429", Text: "Too Many Requests", DueAt: now.Add(time.Hour)}},
		{"it took too long", "", 408, "", retry.Verdict{State: signalbox.Retrying, Reason: "http_408", Text: "Request Timeout", DueAt: again}},
		{"trouble there", "rollup_error", 500, "", retry.Verdict{State: signalbox.Retrying, Reason: "http_500", Text: ": rollup_error", DueAt: again}},
		{"away", "", 503, "", retry.Verdict{State: signalbox.Retrying, Reason: "http_503", Text: "Service Unavailable", DueAt: again}},
		{"sent elsewhere", "", 302, "", retry.Verdict{State: signalbox.Retrying, Reason: "http_302", Text: "; redirects are not followed", DueAt: again}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sameVerdict(t, judge(retry.Outcome{Peer: retry.Slack, Status: c.status, Said: c.said, RetryAfter: c.after}, pending()), c.want)
		})
	}
}

// RFC 5321, section 4.2.1: 2yz is taken, 4yz may be taken later, 5yz never will be.
func TestJudge_RepliesOfAMailServer(t *testing.T) {
	t.Parallel()
	again := now.Add(time.Minute)
	for _, c := range []struct {
		name, said string
		status     int
		want       retry.Verdict
	}{
		{"taken", "", 250, retry.Verdict{State: signalbox.Delivered}},
		{"no such mailbox", "550 5.1.1 no such user", 550, retry.Verdict{State: signalbox.Failed, Reason: "smtp_550", Text: "smtp_550: the mail server answered 550 5.1.1 no such user"}},
		{"relaying denied, in two lines", "554 5.7.1 relaying\r\n denied", 554, retry.Verdict{State: signalbox.Failed, Reason: "smtp_554", Text: "554 5.7.1 relaying denied"}},
		{"nothing is said", "", 552, retry.Verdict{State: signalbox.Failed, Reason: "smtp_552", Text: "the mail server answered 552"}},
		{"greylisted", "450 4.2.0 come back later", 450, retry.Verdict{State: signalbox.Retrying, Reason: "smtp_450", Text: "450 4.2.0 come back later", DueAt: again}},
		{"shutting down", "421 closing", 421, retry.Verdict{State: signalbox.Retrying, Reason: "smtp_421", Text: "421 closing", DueAt: again}},
		{"what no server should answer", "354 go on", 354, retry.Verdict{State: signalbox.Retrying, Reason: "smtp_354", Text: "354 go on", DueAt: again}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sameVerdict(t, judge(retry.Outcome{Peer: retry.MailServer, Status: c.status, Said: c.said}, pending()), c.want)
		})
	}
}

// sameVerdict compares all but the attempts of a first attempt, and of the text its end.
func sameVerdict(t *testing.T, got, want retry.Verdict) {
	t.Helper()
	text := got.Text
	if !strings.HasSuffix(text, want.Text) || text != "" && !strings.Contains(text, ": ") {
		t.Errorf("text %q, want it to end in %q", text, want.Text)
	}
	want.Attempts, want.Text = 1, text
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// An automation has several receivers behind one lane: one that is gone says nothing about the others.
func TestJudge_AGoneTargetOfAnActionEndsTheDeliveryAndDisablesNothing(t *testing.T) {
	t.Parallel()
	v := judge(retry.Outcome{Peer: retry.Action, Status: 410}, pending())
	want := retry.Verdict{State: signalbox.Failed, Reason: "http_410", Text: "http_410: the receiver answered 410 Gone", Attempts: 1}
	if v != want {
		t.Errorf("got %+v, want %+v", v, want)
	}
	for status := 100; status <= 599; status++ {
		if status == 410 {
			continue
		}
		if got, hook := judge(retry.Outcome{Peer: retry.Action, Status: status}, pending()), judge(retry.Outcome{Status: status}, pending()); got != hook {
			t.Errorf("%d: an action's is judged %+v, a webhook's %+v", status, got, hook)
		}
	}
}

// Whatever a peer said with its status, a missing answer is a failure of the network, which may pass.
func TestJudge_NetworkFailuresOfEveryPeerAreRetried(t *testing.T) {
	t.Parallel()
	for _, peer := range []retry.Peer{retry.Action, retry.Slack, retry.MailServer} {
		for _, status := range []int{0, 200, 250, 410, 550} {
			o := retry.Outcome{Peer: peer, Status: status, Said: "no_service", Failure: retry.Timeout, Detail: "what happened"}
			want := retry.Verdict{State: signalbox.Retrying, Reason: "timeout", Text: "timeout: what happened", Attempts: 1, DueAt: now.Add(time.Minute)}
			if v := judge(o, pending()); v != want {
				t.Errorf("peer %d with %d: got %+v, want %+v", peer, status, v, want)
			}
		}
	}
}

func TestJudge_WhatCannotBeSentFromHereIsSkippedAndNotCounted(t *testing.T) {
	t.Parallel()
	o := retry.Outcome{Peer: retry.MailServer, Skip: signalbox.ReasonNoMail, Detail: "start with --smtp-url"}
	for name, change := range map[string]func(*signalbox.Delivery){
		"new": func(*signalbox.Delivery) {},
		"by hand": func(d *signalbox.Delivery) {
			d.Manual = &signalbox.Resume{State: signalbox.Skipped, Reason: "webhook_disabled"}
		},
		"a test": func(d *signalbox.Delivery) { d.Test = true },
	} {
		d := pending()
		d.Attempts = 2
		change(&d)
		want := retry.Verdict{State: signalbox.Skipped, Reason: "no_mail_server", Text: "no_mail_server: start with --smtp-url", Attempts: 2}
		if v := judge(o, d); v != want {
			t.Errorf("%s: got %+v, want %+v", name, v, want)
		}
	}
}

// A final answer to an attempt by hand ends a schedule that was open: what it would send is refused just so.
func TestJudge_AFinalAnswerToAManualAttemptEndsTheSchedule(t *testing.T) {
	t.Parallel()
	d := pending()
	d.State, d.Attempts, d.Manual = signalbox.Retrying, 2, &signalbox.Resume{State: signalbox.Retrying, Reason: "http_500", DueAt: now.Add(time.Hour)}
	for _, c := range []struct {
		o    retry.Outcome
		want retry.Verdict
	}{
		{retry.Outcome{Peer: retry.Slack, Status: 404, Said: "no_service"}, retry.Verdict{State: signalbox.Failed, Reason: "no_service", Attempts: 2}},
		{retry.Outcome{Peer: retry.MailServer, Status: 550}, retry.Verdict{State: signalbox.Failed, Reason: "smtp_550", Attempts: 2}},
		{retry.Outcome{Peer: retry.MailServer, Status: 450}, retry.Verdict{State: signalbox.Retrying, Reason: "http_500", Attempts: 2, DueAt: now.Add(time.Hour)}},
	} {
		v := judge(c.o, d)
		v.Text = ""
		if v != c.want {
			t.Errorf("%+v: got %+v, want %+v", c.o, v, c.want)
		}
	}
}

// The invariants of the package for every peer and anything that it may say.
func TestJudge_WhateverAPeerSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := retry.Outcome{
			Peer: rapid.SampledFrom([]retry.Peer{retry.Receiver, retry.Action, retry.Slack, retry.MailServer}).Draw(t, "peer"), Status: rapid.IntRange(0, 999).Draw(t, "status"),
			Said: rapid.String().Draw(t, "said"), RetryAfter: rapid.SampledFrom([]string{"", "0", "7200"}).Draw(t, "after"),
		}
		v := judge(o, pending())
		if v.State.Open() == v.DueAt.IsZero() {
			t.Fatalf("%+v has the state %v and is due at %v", o, v.State, v.DueAt)
		}
		if v.State.Open() && v.DueAt.Before(now.Add(time.Minute)) {
			t.Fatalf("%+v is due early: %v", o, v.DueAt)
		}
		if (v.State == signalbox.Delivered) != (o.Status/100 == 2) {
			t.Fatalf("%+v is %v", o, v.State)
		}
		if v.State != signalbox.Delivered && (v.Reason == "" || strings.ContainsAny(v.Text, "\r\n\x00") || len([]rune(v.Text)) > 400) {
			t.Fatalf("%+v has the reason %q and the text %q", o, v.Reason, v.Text)
		}
		if v.Reason == signalbox.ReasonErased || v.Reason == signalbox.ReasonExpired {
			t.Fatalf("%+v passes for %s", o, v.Reason)
		}
		if own := fmt.Sprintf("http_%d", o.Status); o.Peer != retry.Slack && o.Peer != retry.MailServer && v.Reason != "" && v.Reason != own {
			t.Fatalf("%+v has the reason %q, want %q", o, v.Reason, own)
		}
	})
}
