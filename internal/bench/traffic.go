package bench

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"time"

	"signalbox/internal/boxtest/intelligence"
)

// perAccount contacts work for each account; one account of hotEvery is hot: half of the traffic is about the hot ones.
const (
	perAccount = 5
	hotEvery   = 10
)

var (
	signalTypes = []string{"page_view", "page_visit", "form_submit", "email_open", "email_click", "crm_stage_change", "product_trial_started", "feature_used"}
	sources     = []string{"website", "product", "hubspot", "segment"}
	firstNames  = []string{"Mara", "Jonas", "Aiko", "Priya", "Tomas", "Leila", "Ines", "Oscar", "Noor", "Felix", "Greta", "Samuel", "Chiara", "Dmitri", "Wanjiru"}
	lastNames   = []string{"Lindqvist", "Okafor", "Tanaka", "Moreau", "Novak", "Haddad", "Silva", "Brandt", "Kaur", "Rossi", "Jensen", "Petrov", "Adeyemi"}
	trades      = []string{"logistics", "software", "robotics", "energy", "analytics", "foods", "medical", "textiles", "finance", "design", "materials"}
	pages       = []string{"/pricing", "/pricing/enterprise", "/docs/getting-started", "/customers", "/security", "/integrations", "/compare", "/demo"}
	plans       = []string{"free", "starter", "pro", "enterprise"}
	browsers    = []string{"Firefox 141", "Chrome 139", "Safari 18.5", "Edge 138"}
)

// traffic makes signal bodies. Each goroutine has its own; the same seed makes the same traffic.
type traffic struct {
	rng       *rand.Rand
	contacts  int
	keys      bool // give every signal an idempotency key
	pageViews bool // every signal is one
	tells     bool // attributes of the account and the title of the contact are sent too
}

func newTraffic(seed, stream uint64, contacts int, keys bool) *traffic {
	return &traffic{rng: rand.New(rand.NewPCG(seed, stream)), contacts: contacts, keys: keys}
}

// contact picks whom the next signal is about.
func (t *traffic) contact() int {
	if t.rng.IntN(2) == 0 {
		return t.rng.IntN(t.contacts / hotEvery)
	}
	return t.rng.IntN(t.contacts)
}

// signal appends the body of a signal about somebody: n is its number in the run, at when it is sent.
func (t *traffic) signal(b []byte, n int64, at time.Time) []byte {
	return t.about(b, t.contact(), n, at)
}

// about appends the body of a signal about one contact: about 600 bytes.
func (t *traffic) about(b []byte, contact int, n int64, at time.Time) []byte {
	account := contact / perAccount
	first, last, trade := firstNames[contact%len(firstNames)], lastNames[contact%len(lastNames)], trades[account%len(trades)]
	b = append(b, `{"type":"`...)
	b = append(b, t.typ()...)
	b = append(b, `","source":"`...)
	b = append(b, sources[t.rng.IntN(len(sources))]...)
	b = append(b, `","occurred_at":"`...)
	b = at.UTC().AppendFormat(b, time.RFC3339)
	if t.keys {
		b = append(b, `","idempotency_key":"bench-`...)
		b = strconv.AppendInt(b, at.UnixMicro(), 36)
		b = append(b, '-')
		b = strconv.AppendInt(b, n, 10)
	}
	b = append(b, `","account":{"domain":"`...)
	b = appendDomain(b, trade, account)
	b = append(b, `","name":"`...)
	b = append(b, trade...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(account), 10)
	b = append(b, ` Ltd"`...)
	if t.tells {
		b = append(append(b, `,"attributes":`...), intelligence.Attributes...)
	}
	b = append(b, `},"contact":{`...)
	if t.tells {
		b = append(b, `"title":"VP Engineering",`...)
	}
	b = appendEmail(append(b, `"email":"`...), contact)
	b = append(b, `","first_name":"`...)
	b = append(b, first...)
	b = append(b, `","last_name":"`...)
	b = append(b, last...)
	b = append(b, `"},"properties":`...)
	b = t.properties(b, n, at)
	return append(b, '}')
}

// typ picks the type of the next signal.
func (t *traffic) typ() string {
	if t.pageViews {
		return "page_view"
	}
	return signalTypes[t.rng.IntN(len(signalTypes))]
}

// capture appends the body of a capture about somebody. No two are of the same person and microsecond.
func (t *traffic) capture(b []byte, n int64, at time.Time) []byte {
	contact := t.contact()
	b = append(append(append(b, `{"signal_type":"`...), t.typ()...), `","source":"website","occurred_at":"`...)
	b = at.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z07:00")
	b = appendEmail(append(b, `","idempotency_key":"`...), contact)
	b = strconv.AppendInt(append(b, '-'), n, 10)
	b = appendEmail(append(b, `","identity":{"email":"`...), contact)
	b = t.properties(append(b, `"},"context":`...), n, at)
	return append(b, '}')
}

// appendEmail appends the address of one contact.
func appendEmail(b []byte, contact int) []byte {
	account := contact / perAccount
	b = appendLower(b, firstNames[contact%len(firstNames)])
	b = appendLower(append(b, '.'), lastNames[contact%len(lastNames)])
	return appendDomain(append(b, '@'), trades[account%len(trades)], account)
}

// properties appends what a website's tracker would say, and the mark by which the receiver knows the signal again.
func (t *traffic) properties(b []byte, n int64, at time.Time) []byte {
	page := pages[t.rng.IntN(len(pages))]
	b = append(b, `{"url":"https://www.example.com`...)
	b = append(b, page...)
	b = append(b, `?utm_source=newsletter","title":"A better way to know who is ready to buy","session_id":"`...)
	b = strconv.AppendUint(b, t.rng.Uint64()|1<<63, 16)
	b = append(b, `","plan":"`...)
	b = append(b, plans[t.rng.IntN(len(plans))]...)
	b = append(b, `","seats":`...)
	b = strconv.AppendInt(b, int64(t.rng.IntN(500)), 10)
	b = append(b, `,"engaged_s":`...)
	b = strconv.AppendInt(b, int64(t.rng.IntN(300)), 10)
	b = append(b, `.5,"returning":`...)
	b = strconv.AppendBool(b, t.rng.IntN(2) == 0)
	b = append(b, `,"device":{"browser":"`...)
	b = append(b, browsers[t.rng.IntN(len(browsers))]...)
	b = append(b, `"},"tags":["web","q4"],`...)
	b = append(b, markStart...)
	b = strconv.AppendInt(b, n, 10)
	b = append(b, markMiddle...)
	b = strconv.AppendInt(b, at.UnixMicro(), 10)
	return append(b, "}}"...)
}

// The mark among the properties: the number of the signal and the microsecond when it was sent, small enough for any JSON reader.
const (
	markStart  = `"bench":{"n":`
	markMiddle = `,"at":`
)

// readMark finds the mark in a delivered body.
func readMark(body []byte) (n int64, at time.Time, ok bool) {
	_, rest, ok := bytes.Cut(body, []byte(markStart))
	if !ok {
		return 0, time.Time{}, false
	}
	n, rest, ok = leadingInt(rest)
	if !ok || !bytes.HasPrefix(rest, []byte(markMiddle)) {
		return 0, time.Time{}, false
	}
	micros, _, ok := leadingInt(rest[len(markMiddle):])
	return n, time.UnixMicro(micros), ok
}

// leadingInt reads the digits that b begins with.
func leadingInt(b []byte) (n int64, rest []byte, ok bool) {
	i := 0
	for ; i < len(b) && i < 18 && '0' <= b[i] && b[i] <= '9'; i++ {
		n = n*10 + int64(b[i]-'0')
	}
	return n, b[i:], i > 0
}

func appendDomain(b []byte, trade string, account int) []byte {
	b = append(b, trade...)
	b = append(b, '-')
	b = strconv.AppendInt(b, int64(account), 10)
	return append(b, ".com"...)
}

func appendLower(b []byte, name string) []byte {
	for i := range len(name) {
		b = append(b, name[i]|0x20)
	}
	return b
}

// batch appends the body of a batch; each item makes one signal and returns b longer by it.
func batch(b []byte, size int, item func(b []byte, i int) []byte) []byte {
	b = append(b, `{"signals":[`...)
	for i := range size {
		if i > 0 {
			b = append(b, ',')
		}
		b = item(b, i)
	}
	return append(b, "]}"...)
}
