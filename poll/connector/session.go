package connector

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The bounds of what a source may ask for, and of waiting.
const (
	DefaultRequests = 10     // a second: what most providers allow at least
	DefaultHourly   = 10_000 // a full walk of MaxPages in an hour
	maxRequests     = 10_000 // of a window that a Config sets
	maxWindow       = Duration(24 * time.Hour)

	// MaxWait is how long a walk waits for a provider or its budget. What takes longer is a Failure with RetryAfter, so that the walk goes on later from
	// its checkpoint.
	MaxWait = 60 * time.Second
)

// RateLimit says how often a provider may be asked, and how it tells what is left.
type RateLimit struct {
	Requests  int      `json:"requests,omitempty" yaml:"requests"` // in Per; 0: DefaultRequests a second
	Per       Duration `json:"per,omitzero" yaml:"per"`
	Hourly    int      `json:"hourly,omitempty" yaml:"hourly"` // 0: DefaultHourly
	Remaining string   `json:"remaining,omitempty" yaml:"remaining"`
	Reset     string   `json:"reset,omitempty" yaml:"reset"`           // the header that says when there are requests again
	ResetUnit string   `json:"reset_unit,omitempty" yaml:"reset_unit"` // seconds, milliseconds, unix or unix_ms; "": by its size
}

// The headers that are read where a Config names none: those that most providers send.
const (
	defaultRemaining = "X-RateLimit-Remaining"
	defaultReset     = "X-RateLimit-Reset"
)

func (r RateLimit) check() error {
	switch {
	case r.Requests < 0 || r.Requests > maxRequests:
		return wrong("rate_limit.requests", "is %d; it is 1 to %d", r.Requests, maxRequests)
	case (r.Requests == 0) != (r.Per == 0):
		return wrong("rate_limit.per", "goes with requests: so many requests in such a time")
	case r.Per < 0 || r.Per > maxWindow:
		return wrong("rate_limit.per", "must be at most 1d")
	case r.Hourly < 0 || r.Hourly > 10*DefaultHourly:
		return wrong("rate_limit.hourly", "is %d; it is 1 to %d", r.Hourly, 10*DefaultHourly)
	case !slices.Contains([]string{"", "seconds", "milliseconds", "unix", "unix_ms"}, r.ResetUnit):
		return wrong("rate_limit.reset_unit", "is seconds, milliseconds, unix or unix_ms")
	}
	return nil
}

// window is so many requests in any span of such a length.
type window struct {
	requests int
	per      time.Duration
}

func (r RateLimit) windows() []window {
	w := []window{{DefaultRequests, time.Second}, {DefaultHourly, time.Hour}}
	if r.Requests > 0 {
		w[0] = window{r.Requests, time.Duration(r.Per)}
	}
	if r.Hourly > 0 {
		w[1].requests = r.Hourly
	}
	return w
}

// resetAfter reads when there are requests again: a Unix time, or a span from now. A number of seconds that is longer than nine years is a time, so is one of milliseconds that is.
func (r RateLimit) resetAfter(value string, now time.Time) time.Duration {
	n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	if err != nil || n <= 0 {
		return 0
	}
	const longAgo = 300_000_000 // seconds: nine and a half years
	unit := r.ResetUnit
	switch {
	case unit != "":
	case n >= longAgo*1000:
		unit = "unix_ms"
	case n >= longAgo:
		unit = "unix"
	default:
		unit = "seconds"
	}
	switch unit {
	case "seconds":
		return time.Duration(min(n, 1<<31)) * time.Second
	case "milliseconds":
		return time.Duration(min(n, 1<<31)) * time.Millisecond
	case "unix_ms":
		return max(time.UnixMilli(n).Sub(now), 0)
	}
	return max(time.Unix(n, 0).Sub(now), 0)
}

// Session is what the sources of one linked account share: how often they have asked, and the tokens that they were given. It lives in memory alone. Safe
// for concurrent use.
type Session struct {
	begun time.Time

	mu    sync.Mutex
	sent  []time.Duration // since begun, of the requests of the longest window
	keep  time.Duration   // the longest window that was asked for
	until time.Duration   // nothing is asked before: the provider has said so

	fetching chan struct{} // held while a token is fetched, so that one is
	tokens   map[[sha256.Size]byte]token
}

// NewSession makes a session for the sources of one linked account.
func NewSession() *Session {
	return &Session{begun: time.Now(), fetching: make(chan struct{}, 1), tokens: map[[sha256.Size]byte]token{}}
}

// take waits until one more request may be sent, and counts it. Limits hold in every span of their length, not in spans of the clock. It fails when the wait
// would be longer than MaxWait.
func (s *Session) take(ctx context.Context, r RateLimit) error {
	for {
		wait, asked := s.tryTake(r.windows())
		switch {
		case wait <= 0:
			return nil
		case wait > MaxWait && asked:
			return &Failure{Kind: RateFailure, Temporary: true, RetryAfter: wait, Msg: "the provider asks to come again in " + shown(wait)}
		case wait > MaxWait:
			return &Failure{Kind: BudgetFailure, Temporary: true, RetryAfter: wait,
				Msg: fmt.Sprintf("the %d requests that this source may send in an hour are used up; there are more in %s", r.windows()[1].requests, shown(wait))}
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// tryTake counts a request, or says how long to wait; asked is whether it is the provider that asks to.
func (s *Session) tryTake(windows []window) (wait time.Duration, asked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Since(s.begun)
	wait, asked = s.until-now, true
	for _, w := range windows {
		if n := len(s.sent); n >= w.requests {
			if d := s.sent[n-w.requests] + w.per - now; d > wait {
				wait, asked = d, false
			}
		}
	}
	if wait > 0 {
		return wait, asked
	}
	for _, w := range windows {
		s.keep = max(s.keep, w.per)
	}
	gone := 0
	for gone < len(s.sent) && s.sent[gone] < now-s.keep {
		gone++
	}
	s.sent = append(s.sent[gone:], now)
	return 0, false
}

// pause lets nobody ask before a while has passed.
func (s *Session) pause(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = max(s.until, time.Since(s.begun)+d)
}

// note reads what an answer says about the requests that are left.
func (s *Session) note(r RateLimit, h http.Header, now time.Time) {
	left := strings.TrimSpace(h.Get(nameOr(r.Remaining, defaultRemaining)))
	if left != "0" {
		return
	}
	if d := r.resetAfter(h.Get(nameOr(r.Reset, defaultReset)), now); d > 0 {
		s.pause(d)
	}
}

func nameOr(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}

// sleep waits, or ends with its context.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// shown rounds a span for people.
func shown(d time.Duration) string {
	if d < time.Second {
		return "a second"
	}
	return d.Round(time.Second).String()
}
