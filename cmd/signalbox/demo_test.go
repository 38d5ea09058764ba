package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestDemo_OnceEverythingArrivesVerified(t *testing.T) {
	t.Parallel()
	scenes, err := readTrace()
	if err != nil {
		t.Fatal(err)
	}
	got := cli{}.run(t, "demo", "--once", "--speed", "10000", "--data-dir", t.TempDir())
	if got.code != exitOK || got.err != "" {
		t.Fatalf("status %d: %s\n%s", got.code, got.err, got.out)
	}
	if n := len(regexp.MustCompile(`(?m)^  .*  verified in \d.*m?s$`).FindAllString(got.out, -1)); n != len(scenes) {
		t.Errorf("%d lines are verified, want %d:\n%s", n, len(scenes), got.out)
	}
	if !regexp.MustCompile(`\n  106 signals sent, 106 webhooks verified, 0 refused; 12 accounts, 22 contacts.\n$`).MatchString(got.out) {
		t.Errorf("the end is\n%s", got.out[max(0, len(got.out)-300):])
	}
	if strings.Contains(got.out, "\x1b") {
		t.Error("colours where there is no terminal")
	}
}

func TestDemo_MovesWithinTwoSecondsAndStopsWhenTold(t *testing.T) {
	t.Parallel()
	b := cli{terminal: true}.start(t, "demo")
	b.out.until(t, "Signalbox demo")
	begun := time.Now()
	b.out.until(t, "\x1b[32mverified")
	if waited := time.Since(begun); waited > 2*time.Second {
		t.Errorf("it took %v to move", waited)
	}
	b.stop()
	if code := b.wait(t); code != exitOK {
		t.Errorf("status %d: %s", code, b.err)
	}
	b.out.until(t, "signals sent")
}

func TestDemo_ShowsSignalsOfOthersAndKeepsItsDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if got := (cli{}).run(t, "demo", "--once", "--speed", "10000", "--data-dir", dir); got.code != exitOK {
		t.Fatalf("status %d: %s", got.code, got.err)
	}
	b := cli{}.start(t, "demo", "--speed", "10000", "--data-dir", dir)
	said := b.out.until(t, "The story is over")
	url := regexp.MustCompile(`SIGNALBOX_URL=(\S+)`).FindStringSubmatch(said)[1]
	signIn := regexp.MustCompile(`sign in as (\S+) with (\S+)`).FindStringSubmatch(said)
	if signIn == nil {
		t.Fatalf("nobody is told how to sign in:\n%s", said)
	}
	res, err := http.Post(url+"/v1/session", "application/json", strings.NewReader(`{"email":"`+signIn[1]+`","password":"`+signIn[2]+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		t.Errorf("signing in answers %d", res.StatusCode)
	}
	c := cli{environ: []string{"SIGNALBOX_URL=" + url}}
	_, key, err := readCredentials(dir)
	if err != nil {
		t.Fatal(err)
	}
	c.environ = append(c.environ, "SIGNALBOX_API_KEY="+key)
	if got := c.run(t, "send", "--type", "from_outside", "--source", "me", "--email", "you@example.com"); got.code != exitOK {
		t.Fatalf("status %d: %s", got.code, got.err)
	}
	b.out.until(t, "from_outside")
	if strings.Contains(b.out.String(), "refused:") {
		t.Errorf("the webhook of the first demo still sends:\n%s", b.out)
	}
}

func TestDemo_EndsAfterItsDuration(t *testing.T) {
	t.Parallel()
	if got := (cli{}).run(t, "demo", "--duration", "500ms"); got.code != exitOK || !strings.Contains(got.out, "signals sent") {
		t.Errorf("status %d: %s\n%s", got.code, got.err, got.out)
	}
}

func TestTrace_IsAStoryThatANewcomerSeesMove(t *testing.T) {
	t.Parallel()
	scenes, err := readTrace()
	if err != nil {
		t.Fatal(err)
	}
	if scenes[0].At > 1 || scenes[len(scenes)-1].At < 120 {
		t.Errorf("it goes from %g s to %g s", scenes[0].At, scenes[len(scenes)-1].At)
	}
	before := 0.0
	for i, s := range scenes {
		var signal struct {
			Type, Source string
			Account      struct{ Domain string }
			Contact      struct{ Email string }
		}
		if err := json.Unmarshal(s.Signal, &signal); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		if signal.Type == "" || signal.Source == "" || s.At < before || s.At > before+3 {
			t.Errorf("line %d: %g s after %g s: %+v", i+1, s.At, before, signal)
		}
		// Nobody real is in the story: these names belong to nobody (RFC 2606).
		if !strings.HasSuffix(signal.Account.Domain, ".example") || signal.Contact.Email != "" && !strings.HasSuffix(signal.Contact.Email, ".example") {
			t.Errorf("line %d names somebody who may be real: %+v", i+1, signal)
		}
		before = s.At
	}
}
