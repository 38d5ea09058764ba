package crash_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// loadConfig is what a load is told.
type loadConfig struct {
	URLs     []string      `json:"urls"` // of the nodes, which take requests in turn
	Key      string        `json:"key"`
	Ledger   string        `json:"ledger"`
	Workers  int           `json:"workers"`  // connections
	Rate     int           `json:"rate"`     // new signals per second at most; 0: as fast as answers come
	Pad      int           `json:"pad"`      // bytes that each signal carries beside its serial number
	Batch    int           `json:"batch"`    // signals of one batch
	Mix      int           `json:"mix"`      // one request of so many is a batch
	Twins    int           `json:"twins"`    // every request is a single signal with a key, sent so many times at once; 0: once
	Patience time.Duration `json:"patience"` // how long an answer may take; 0: 15 s
}

// loadStats is what a load has seen so far.
type loadStats struct {
	Offered   int64          `json:"offered"`   // new signals sent
	Acked     int64          `json:"acked"`     // acknowledged, and synced to the ledger
	Lost      int64          `json:"lost"`      // requests whose connection broke, or found nobody
	Retried   int64          `json:"retried"`   // requests sent again with the same key
	Replayed  int64          `json:"replayed"`  // of them, those that had been taken before
	Refused   map[string]int `json:"refused"`   // by status and code
	NoAdvice  int64          `json:"no_advice"` // 429 and 503 without Retry-After
	Breaches  []string       `json:"breaches"`  // answers that break the contract
	Abandoned int64          `json:"abandoned"` // signals whose outcome is unknown: no key, or the load ended

	Trouble     int64 `json:"trouble"`      // requests that were refused, failed or lost
	LastTrouble int64 `json:"last_trouble"` // Unix nanoseconds of the last of them
	Compared    int64 `json:"compared"`     // answers that were held against a twin's
	Mismatched  int64 `json:"mismatched"`   // other bodies with a key that was used, refused as they must be
}

// loadTimes is how long requests took since the last time somebody asked, in order.
type loadTimes struct {
	Taken   []time.Duration `json:"taken"`
	Refused []time.Duration `json:"refused"` // 503s
	Lost    []time.Duration `json:"lost"`    // without an answer
}

// load sends signals from many connections, as a good client does: what has a key is sent again with it until it is answered; what
// has none is never sent twice.
type load struct {
	cfg    loadConfig
	nodes  *targets
	client *http.Client
	ledger *ledger
	pad    string
	serial atomic.Int64
	life   context.Context // no new request after it

	mu    sync.Mutex
	next  time.Time // when the next signal may go
	stats loadStats
	times loadTimes
}

// runLoad is the part of a load process: it sends until it is told to finish.
func runLoad(p *parent) error {
	var cfg loadConfig
	if err := p.in.Decode(&cfg); err != nil {
		return err
	}
	l, err := newLoad(cfg)
	if err != nil {
		return err
	}
	life, end := context.WithCancel(context.Background())
	l.life = life
	var workers sync.WaitGroup
	for range cfg.Workers {
		workers.Go(l.work)
	}
	err = p.out.Encode(l.report())
	if err == nil {
		err = p.orders(func(o order) any {
			switch o.Do {
			case "times":
				return l.takeTimes()
			case "finish":
				end()
				workers.Wait()
				l.ledger.settle()
			}
			return l.report()
		})
	}
	end()
	workers.Wait()
	if closed := l.ledger.close(); err == nil {
		err = closed
	}
	return err
}

func newLoad(cfg loadConfig) (*load, error) {
	book, err := openLedger(cfg.Ledger)
	if err != nil {
		return nil, err
	}
	connections := cfg.Workers * max(cfg.Twins, 1)
	transport := &http.Transport{
		MaxIdleConnsPerHost: connections, MaxIdleConns: len(cfg.URLs) * connections,
		DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
	}
	return &load{
		cfg: cfg, nodes: newTargets(cfg.URLs), pad: strings.Repeat("x", cfg.Pad), ledger: book,
		client: &http.Client{Transport: transport, Timeout: cmp.Or(cfg.Patience, 15*time.Second)},
		stats:  loadStats{Refused: map[string]int{}},
	}, nil
}

func (l *load) report() loadStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Acked = l.ledger.kept.Load()
	s.Refused = map[string]int{}
	for k, n := range l.stats.Refused {
		s.Refused[k] = n
	}
	return s
}

// takeTimes gives the times away and begins anew.
func (l *load) takeTimes() loadTimes {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.times
	l.times = loadTimes{}
	for _, list := range [][]time.Duration{t.Taken, t.Refused, t.Lost} {
		slices.Sort(list)
	}
	return t
}

// maxTimes is how many are kept of each kind.
const maxTimes = 200_000

// timed notes how long a request took.
func (l *load) timed(kind func(*loadTimes) *[]time.Duration, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if list := kind(&l.times); len(*list) < maxTimes {
		*list = append(*list, took)
	}
}

// trouble notes a request that was refused, failed or lost.
func (l *load) trouble(fn func(*loadStats)) {
	l.count(func(s *loadStats) {
		fn(s)
		s.Trouble++
		s.LastTrouble = time.Now().UnixNano()
	})
}

func (l *load) count(fn func(*loadStats)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn(&l.stats)
}

// pace waits until n more signals may go. What was missed is caught up with, but not more than a quarter of a second of it.
func (l *load) pace(n int) {
	if l.cfg.Rate == 0 {
		return
	}
	l.mu.Lock()
	now := time.Now()
	if earliest := now.Add(-250 * time.Millisecond); l.next.Before(earliest) {
		l.next = earliest
	}
	at := l.next
	l.next = l.next.Add(time.Duration(n) * time.Second / time.Duration(l.cfg.Rate))
	l.mu.Unlock()
	if wait := at.Sub(now); wait > 0 {
		pause(l.life, wait)
	}
}

func (l *load) work() {
	for l.life.Err() == nil {
		r := l.request()
		l.pace(len(r.serials))
		if l.life.Err() != nil {
			return
		}
		l.count(func(s *loadStats) { s.Offered += int64(len(r.serials)) })
		if l.cfg.Twins > 0 {
			l.twins(r)
			continue
		}
		if _, done := l.deliver(r); done && r.keyed && rand.IntN(50) == 0 {
			// The answer is known, and asked for again: it must be the same.
			l.count(func(s *loadStats) { s.Retried++ })
			l.deliver(r)
		}
	}
}

// request is one POST: a single signal, or a batch.
type request struct {
	serials []int64
	keyed   bool
	batch   bool
	key     string
	body    []byte
}

func (l *load) request() request {
	n := 1
	r := request{keyed: l.cfg.Twins > 0 || rand.IntN(4) > 0, batch: l.cfg.Twins == 0 && l.cfg.Mix > 0 && rand.IntN(l.cfg.Mix) == 0}
	if r.batch {
		n = l.cfg.Batch
	}
	first := l.serial.Add(int64(n)) - int64(n) + 1
	if r.keyed {
		r.key = "k-" + strconv.FormatInt(first, 10)
	}
	if r.batch {
		r.body = append(make([]byte, 0, n*(300+l.cfg.Pad)), `{"signals":[`...)
	}
	for i := range int64(n) {
		if i > 0 {
			r.body = append(r.body, ',')
		}
		r.serials = append(r.serials, first+i)
		r.body = l.appendSignal(r.body, first+i, r.keyed)
	}
	if r.batch {
		r.body = append(r.body, "]}"...)
	}
	return r
}

// appendSignal writes the body of one: its serial number travels in its properties, so that the database can be asked for it.
func (l *load) appendSignal(body []byte, serial int64, keyed bool) []byte {
	company := serial % 300
	return fmt.Appendf(body, `{"type":"crash_%d","source":"crash","account":{"domain":"company%d.com","name":"Company %d"},`+
		`"contact":{"email":"person%d@company%d.com"},"properties":{"serial":%d,"keyed":%t,"pad":"%s"}}`,
		serial%7, company, company, serial%1500, company, serial, keyed, l.pad)
}

// deliver sends a request until its outcome is known, and says whether all of it was acknowledged, and with which answer.
func (l *load) deliver(r request) (answer []byte, done bool) {
	wait := 5 * time.Millisecond
	for node := -1; ; {
		var again bool
		node = l.nodes.next(node, time.Now())
		answer, done, again = l.send(r, node)
		if done {
			return answer, true
		}
		if !r.keyed || !again || l.life.Err() != nil {
			l.count(func(s *loadStats) { s.Abandoned += int64(len(r.serials)) })
			return nil, false
		}
		l.count(func(s *loadStats) { s.Retried++ })
		pause(l.life, wait)
		wait = min(2*wait, 100*time.Millisecond)
	}
}

// post makes one request of a node.
func (l *load) post(r request, node int) (*http.Response, []byte, error) {
	path := "/v1/signals"
	if r.batch {
		path = "/v1/signals/batch"
	}
	// Not l.life: what was begun is finished, so that the ledger knows its outcome.
	req, err := http.NewRequest(http.MethodPost, l.cfg.URLs[node]+path, bytes.NewReader(r.body))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+l.cfg.Key)
	req.Header.Set("Content-Type", "application/json")
	// A client that knows the key sends again by itself; here only this file does.
	req.GetBody = nil
	if r.keyed {
		req.Header["Idempotency-Key"] = []string{r.key}
	}
	res, err := l.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, body, err
}

// twinWaits is how long a request waits for an earlier one with the same key before it is refused (contract section 3).
const twinWaits = 5 * time.Second

// send makes one request and writes down what it brought. again: with a key it may be sent again.
func (l *load) send(r request, node int) (answer []byte, done, again bool) {
	sent := time.Now()
	res, body, err := l.post(r, node)
	took := time.Since(sent)
	l.nodes.answered(node, err == nil, time.Now())
	if err != nil {
		l.timed(func(t *loadTimes) *[]time.Duration { return &t.Lost }, took)
		l.trouble(func(s *loadStats) { s.Lost++ })
		return nil, false, true
	}
	switch {
	case res.StatusCode == http.StatusCreated && !r.batch:
		l.timed(func(t *loadTimes) *[]time.Duration { return &t.Taken }, took)
		return body, l.single(r, body, sent, res.Header.Get("Idempotent-Replayed") != ""), true
	case res.StatusCode == http.StatusOK && r.batch:
		return body, l.batch(r, body, sent), true
	case res.StatusCode == http.StatusConflict && took < twinWaits:
		l.breach("409 after %s: a twin of a request under way waits %s for its answer", took, twinWaits)
	case res.StatusCode == http.StatusServiceUnavailable:
		l.timed(func(t *loadTimes) *[]time.Duration { return &t.Refused }, took)
	}
	return nil, false, l.refused(res, body)
}

func (l *load) single(r request, body []byte, sent time.Time, replayed bool) bool {
	var receipt struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(body, &receipt); err != nil || receipt.ID == "" {
		l.breach("201 with %.200s", body)
		return false
	}
	if replayed {
		l.count(func(s *loadStats) { s.Replayed++ })
	}
	l.acknowledged(r.serials[0], receipt.ID, sent)
	return true
}

// batch writes down the items that were taken; it is done when all of them were.
func (l *load) batch(r request, body []byte, sent time.Time) bool {
	var answer struct {
		Data struct {
			Results []struct {
				Index  int    `json:"index"`
				Status string `json:"status"`
				ID     string `json:"id"`
			} `json:"results"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Data.Results) != len(r.serials) {
		l.breach("200 to a batch of %d with %.200s", len(r.serials), body)
		return false
	}
	done := true
	for i, item := range answer.Data.Results {
		switch {
		case item.Index != i:
			l.breach("item %d of a batch says that it is %d", i, item.Index)
		case item.Status == "created" || item.Status == "duplicate":
			if item.Status == "duplicate" {
				l.count(func(s *loadStats) { s.Replayed++ })
			}
			l.acknowledged(r.serials[i], item.ID, sent)
			continue
		case item.Status == "failed":
			l.trouble(func(s *loadStats) { s.Refused["item failed"]++ })
		default:
			l.breach("item %d of a batch: %.300s", i, body)
		}
		done = false
	}
	return done
}

// acknowledged writes the ledger. It counts when it is on the disk; nobody waits for that.
func (l *load) acknowledged(serial int64, id string, sent time.Time) {
	l.ledger.ack(ack{Serial: serial, ID: id, Sent: sent.UnixNano(), At: time.Now().UnixNano()})
}

// refused counts an answer that took nothing, and says whether to come again.
func (l *load) refused(res *http.Response, body []byte) (again bool) {
	var e struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &e) // without a code the status stands alone
	note := l.trouble
	if res.StatusCode == http.StatusConflict {
		note = l.count // a twin in flight: no trouble
	}
	note(func(s *loadStats) { s.Refused[strings.TrimSpace(strconv.Itoa(res.StatusCode)+" "+e.Error.Code)]++ })
	switch res.StatusCode {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if res.Header.Get("Retry-After") == "" {
			l.count(func(s *loadStats) { s.NoAdvice++ })
		}
		return true
	case http.StatusConflict: // an earlier request with this key has no answer yet
		return true
	}
	l.breach("%d: %.300s", res.StatusCode, body)
	return false
}

// maxBreaches is how many examples are kept.
const maxBreaches = 10

func (l *load) breach(format string, args ...any) {
	l.count(func(s *loadStats) {
		if len(s.Breaches) < maxBreaches {
			s.Breaches = append(s.Breaches, fmt.Sprintf(format, args...))
		}
	})
}
