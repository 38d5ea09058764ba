package crash_test

import (
	"crypto/rand"
	"path/filepath"
	"testing"

	"signalbox/sign"
)

// receivers are the webhooks of a test and the process that they point at.
type receivers struct {
	proc *child
	addr string
	book string // the ledger's path
	cfg  receiverConfig
	ids  []string // of the webhooks, by their place in the process
}

// inFlight is how many requests each webhook gets at the same time; with those answered and not settled it bounds duplicates.
const inFlight = 32

// standing are the forms that three webhooks take: each format and signature once, each mood once.
var standing = []struct {
	mood              mood
	format, signature string
	scheme            sign.Scheme
}{
	{healthy, "stairoids", "", sign.Stairoids},
	{slow, "standard", "", sign.Standard},
	{flaky, "stairoids", "prefixed", sign.StairoidsPrefixed},
}

// startReceivers starts the receiver process with as many webhooks as asked for.
func startReceivers(t *testing.T, dir string, n int) *receivers {
	t.Helper()
	r := &receivers{book: filepath.Join(dir, "receiver.ledger")}
	r.cfg.Ledger = r.book
	for _, form := range standing[:n] {
		secret, err := sign.NewSecret(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		r.cfg.Hooks = append(r.cfg.Hooks, hook{Mood: form.mood, Secret: secret.Reveal(), Scheme: form.scheme})
	}
	var ready listening
	r.proc = mustChild(t, "receiver", r.cfg, &ready)
	r.addr = ready.Addr
	return r
}

// register makes the webhooks on a running server, and what else its workspace defines.
func (r *receivers) register(s *site) {
	s.t.Helper()
	s.define()
	for i, h := range r.cfg.Hooks {
		url := "http://" + r.addr + "/" + string(rune('0'+i))
		r.ids = append(r.ids, s.webhook(url, standing[i].format, standing[i].signature, h.Secret, inFlight))
	}
}

// calmDown makes every webhook healthy.
func (r *receivers) calmDown(t *testing.T) {
	t.Helper()
	var reply order
	if err := r.proc.ask(order{"calm"}, &reply); err != nil {
		t.Fatal(err)
	}
}

// traffic is a load process.
type traffic struct {
	proc *child
	book string
	told int // breaches that were told
}

func startLoad(t *testing.T, dir string, cfg loadConfig) *traffic {
	t.Helper()
	cfg.Ledger = filepath.Join(dir, "load.ledger")
	cfg.Key = apiKey
	var ready loadStats
	return &traffic{proc: mustChild(t, "load", cfg, &ready), book: cfg.Ledger}
}

// stats asks the load how far it is.
func (l *traffic) stats(t *testing.T) loadStats { return l.ask(t, "stats") }

// finish lets the load end what it has begun; nothing new is sent after it.
func (l *traffic) finish(t *testing.T) loadStats { return l.ask(t, "finish") }

// times asks how long requests took since the last call.
func (l *traffic) times(t *testing.T) (got loadTimes) {
	t.Helper()
	if err := l.proc.ask(order{"times"}, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

func (l *traffic) ask(t *testing.T, what string) (s loadStats) {
	t.Helper()
	if err := l.proc.ask(order{what}, &s); err != nil {
		t.Fatal(err)
	}
	for _, b := range s.Breaches[l.told:] {
		t.Errorf("an answer breaks the contract: %s", b)
	}
	l.told = len(s.Breaches)
	if s.NoAdvice > 0 {
		t.Errorf("%d refusals came without Retry-After", s.NoAdvice)
	}
	return s
}
