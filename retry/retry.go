package retry

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"signalbox"
)

// Failure says why an attempt brought no complete answer; "" when it brought one. The words appear in the API, in logs and in
// metrics.
type Failure string

// The failures of an attempt.
const (
	RefusedTarget  Failure = "refused_target"  // the address guard refused the url; nothing was sent
	DNS            Failure = "dns"             // the host name has no address
	Connect        Failure = "connect"         // no TCP connection could be made
	TLS            Failure = "tls"             // the handshake failed
	Timeout        Failure = "timeout"         // no complete answer within 10 s (S1-42, S1-44)
	ConnectionLost Failure = "connection_lost" // the connection ended before the answer did
	ProtocolError  Failure = "protocol_error"  // the answer is not HTTP, or beyond its bounds
	Unprepared     Failure = "unprepared"      // the request could not be made from what is stored: url, secret or headers
)

const (
	// ReasonCut is the reason of a test call that our own stop ended.
	ReasonCut = "cut"
	// ReasonGone is why a webhook is disabled whose receiver answered 410 Gone.
	ReasonGone = "gone_410"

	// MaxRetryAfter is the longest that a receiver's Retry-After is followed (contract section 12).
	MaxRetryAfter = 24 * time.Hour
	// Spread is the part of its wait that a retry may be later, so that many do not come at once.
	Spread = 0.1
)

// Schedule is how long to wait after each failed attempt that counts: one more attempt than it has entries.
type Schedule []time.Duration

// Stairoids is the schedule of the Stairoids documents: six attempts in all (S1-35…S1-40).
func Stairoids() Schedule {
	return Schedule{time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 8 * time.Hour}
}

// Standard is the schedule that the Standard Webhooks specification recommends: ten attempts over about 75 hours.
func Standard() Schedule {
	return Schedule{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

// The presets have names that the API knows them by.
const (
	PresetStairoids = "stairoids"
	PresetStandard  = "standard"
)

// Preset returns the schedule of a name; ok is false when none has it.
func Preset(name string) (s Schedule, ok bool) {
	switch name {
	case PresetStairoids:
		return Stairoids(), true
	case PresetStandard:
		return Standard(), true
	}
	return nil, false
}

// PresetOf returns the name of the preset that a schedule is, or "".
func PresetOf(s Schedule) string {
	for _, name := range []string{PresetStairoids, PresetStandard} {
		if preset, _ := Preset(name); slices.Equal(preset, s) {
			return name
		}
	}
	return ""
}

// Outcome is what an attempt brought.
type Outcome struct {
	Peer       Peer    // by whose rules it is read
	Status     int     // of the answer; 0 without one
	RetryAfter string  // the answer's Retry-After header, "" for none
	Said       string  // what the answer says in its body or its line; of Slack and of a mail server
	Failure    Failure // why there is no complete answer, whatever Status says
	Detail     string  // the failure in words that may be shown to anyone
	Cut        bool    // our own stop ended it before there was an answer
	Skip       string  // not "": nothing can be sent from here, and why; what is to be done about it is Detail
}

// Verdict is what becomes of a delivery after an attempt.
type Verdict struct {
	State          signalbox.DeliveryState
	Reason         string    // a machine word: "http_503", "timeout"; "" when delivered
	Text           string    // the reason in words, for the attempt's log; "" on a 2xx
	Attempts       int       // those that counted
	DueAt          time.Time // of the next attempt; zero when State is final
	DisableWebhook string    // not "": disable the webhook with this reason
	Released       bool      // the attempt is to be forgotten, as after a crash: the delivery is as before and due now
}

// Judge says what becomes of d after an attempt that ended at now. jitter, 0 to 1, is the part of Spread by which a retry is
// late.
func Judge(o Outcome, d signalbox.Delivery, s Schedule, now time.Time, jitter float64) Verdict {
	if o.Cut {
		return cut(d, now)
	}
	if o.Skip != "" {
		return Verdict{State: signalbox.Skipped, Reason: o.Skip, Text: join(o.Skip, o.Detail), Attempts: d.Attempts}
	}
	if o.good() {
		return Verdict{State: signalbox.Delivered, Attempts: d.Attempts + 1}
	}
	v := Verdict{State: signalbox.Failed, Attempts: d.Attempts + 1}
	v.Reason, v.Text = explain(&o)
	final := o.final()
	if final && o.Peer == Receiver {
		v.DisableWebhook = ReasonGone
	}
	switch {
	case d.Test:
	case d.Manual != nil:
		resume(&v, d, final, now)
	case !final && v.Attempts <= len(s):
		v.State = signalbox.Retrying
		v.DueAt = again(s[v.Attempts-1], o.RetryAfter, now, jitter)
	}
	return v
}

// cut leaves the delivery as it was. Nobody waits any more for a test call that our stop ended: it must not be sent later, out
// of the blue.
func cut(d signalbox.Delivery, now time.Time) Verdict {
	if d.Test {
		return Verdict{State: signalbox.Failed, Reason: ReasonCut, Text: ReasonCut + ": the server broke the attempt off", Attempts: d.Attempts}
	}
	return Verdict{State: d.State, Reason: d.Reason, Attempts: d.Attempts, DueAt: ceil(now), Released: true}
}

// resume takes the delivery back to where it stood before the attempt asked for by hand. Only a final answer, as of a receiver that is
// gone, ends a schedule that was still open.
func resume(v *Verdict, d signalbox.Delivery, final bool, now time.Time) {
	v.Attempts = d.Attempts
	if d.Manual.State.Open() && final {
		return
	}
	v.State, v.Reason, v.DueAt = d.Manual.State, d.Manual.Reason, d.Manual.DueAt
	if v.State.Open() && v.DueAt.IsZero() {
		v.DueAt = ceil(now)
	}
}

// explain puts an outcome that is no success into a word and a sentence.
func explain(o *Outcome) (word, text string) {
	if o.Failure != "" {
		return string(o.Failure), join(string(o.Failure), o.Detail)
	}
	return explainAnswer(o)
}

func join(word, text string) string {
	if text == "" {
		return word
	}
	return word + ": " + text
}

// again is when the next attempt is due: after the longer of the schedule's wait and the receiver's, and up to Spread of it
// later.
func again(wait time.Duration, retryAfter string, now time.Time, jitter float64) time.Time {
	wait = max(wait, After(retryAfter, now))
	if !(jitter > 0) { // also what is no number
		jitter = 0
	}
	late := time.Duration(float64(wait) * Spread * min(jitter, 1))
	return ceil(now.Add(wait + late))
}

// After reads a Retry-After header: seconds or an HTTP date (RFC 9110, section 10.2.3), at most MaxRetryAfter; 0 for none, for the past and
// for what is neither.
func After(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > math.MaxInt32 { // more digits than anybody waits for
			return MaxRetryAfter
		}
		return min(time.Duration(seconds)*time.Second, MaxRetryAfter)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), MaxRetryAfter)
}

// ceil rounds up to the microseconds that are stored: rounding must not make a retry early.
func ceil(t time.Time) time.Time {
	t = t.Round(0).UTC()
	if cut := t.Truncate(time.Microsecond); cut.Before(t) {
		return cut.Add(time.Microsecond)
	}
	return t
}
