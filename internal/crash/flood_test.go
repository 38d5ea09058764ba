package crash_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// floodConfig is what a flood is told.
type floodConfig struct {
	loadConfig
	InFlight int           `json:"in_flight"` // requests at the same time at most; what would be more is not sent
	For      time.Duration `json:"for"`
}

// floodStats is what a flood saw.
type floodStats struct {
	Offered  int64         `json:"offered"` // signals sent
	Unsent   int64         `json:"unsent"`  // signals that found InFlight requests under way
	Acked    int64         `json:"acked"`
	Took     time.Duration `json:"took"` // until the last answer
	Breaches []string      `json:"breaches"`

	Refusals  int             `json:"refusals"`  // requests answered 503
	NoAdvice  int             `json:"no_advice"` // of them, those without Retry-After
	Lost      int             `json:"lost"`      // requests without an answer
	RefusedIn []time.Duration `json:"refused_in"`
	AckedIn   []time.Duration `json:"acked_in"`
}

// add joins what two floods saw.
func (s *floodStats) add(o floodStats) {
	s.Offered += o.Offered
	s.Unsent += o.Unsent
	s.Acked += o.Acked
	s.Took += o.Took
	s.Breaches = append(s.Breaches, o.Breaches...)
	s.Refusals += o.Refusals
	s.NoAdvice += o.NoAdvice
	s.Lost += o.Lost
	s.RefusedIn = append(s.RefusedIn, o.RefusedIn...)
	s.AckedIn = append(s.AckedIn, o.AckedIn...)
	slices.Sort(s.RefusedIn)
	slices.Sort(s.AckedIn)
}

// flood sends batches at a fixed rate, whatever becomes of them (open loop): nothing slows it down, as nothing slows down a crowd.
type flood struct {
	*load
	cfg floodConfig

	mu    sync.Mutex
	stats floodStats
}

// runFlood is the part of a flood process: it floods for the given time, waits for the last answer and reports.
func runFlood(p *parent) error {
	f := &flood{}
	err := p.in.Decode(&f.cfg)
	if err != nil {
		return err
	}
	f.cfg.Workers = f.cfg.InFlight
	if f.load, err = newLoad(f.cfg.loadConfig); err != nil {
		return err
	}
	f.life = context.Background()
	if err := p.out.Encode(order{"ready"}); err != nil {
		return err
	}
	err = p.orders(func(order) any {
		f.run()
		f.ledger.settle()
		return f.stats
	})
	if closed := f.ledger.close(); err == nil {
		err = closed
	}
	return err
}

// run sends what is due every few milliseconds.
func (f *flood) run() {
	slots := make(chan struct{}, f.cfg.InFlight)
	var senders sync.WaitGroup
	begin := time.Now()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	sent := 0
	for now := range tick.C {
		passed := now.Sub(begin)
		if passed > f.cfg.For {
			break
		}
		for due := int(passed.Seconds() * float64(f.cfg.Rate) / float64(f.cfg.Batch)); sent < due; sent++ {
			select {
			case slots <- struct{}{}:
				senders.Go(func() {
					f.one()
					<-slots
				})
			default:
				f.stats.Unsent += int64(f.cfg.Batch)
			}
		}
	}
	senders.Wait()
	f.stats.Took = time.Since(begin)
	f.stats.Breaches = f.report().Breaches
}

// one sends a batch without keys, once.
func (f *flood) one() {
	r := f.request()
	req, err := http.NewRequest(http.MethodPost, f.cfg.URLs[0]+"/v1/signals/batch", bytes.NewReader(r.body))
	if err != nil {
		f.breach("%v", err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+f.cfg.Key)
	req.Header.Set("Content-Type", "application/json")
	begin := time.Now()
	res, err := f.client.Do(req)
	var body []byte
	if err == nil {
		body, err = io.ReadAll(res.Body)
		res.Body.Close()
	}
	took := time.Since(begin)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stats.Offered += int64(len(r.serials))
	switch {
	case err != nil:
		f.stats.Lost++
	case res.StatusCode == http.StatusServiceUnavailable:
		f.stats.Refusals++
		f.stats.RefusedIn = append(f.stats.RefusedIn, took)
		if res.Header.Get("Retry-After") == "" {
			f.stats.NoAdvice++
		}
	case res.StatusCode == http.StatusOK:
		f.stats.AckedIn = append(f.stats.AckedIn, took)
		f.stats.Acked += int64(created(body))
		f.batch(r, body, begin)
	default:
		f.breach("%d: %.300s", res.StatusCode, body)
	}
}

// created counts the items of a batch's answer that were taken.
func created(body []byte) int { return strings.Count(string(body), `"status":"created"`) }
