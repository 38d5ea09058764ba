package api

import (
	"context"
	"sync"
	"time"

	"signalbox"
)

// limitsFor is how long a workspace's limit is remembered before it is read again.
const limitsFor = time.Second

// limits counts the requests that send no signals, per workspace, on this node (contract section 2: other requests by each
// node's share; signals are counted by intake, exactly).
type limits struct {
	store WorkspaceStore
	share func(whole int) int

	mu  sync.Mutex
	per map[signalbox.WorkspaceID]*window
}

// window is the count of one workspace.
type window struct {
	rate   signalbox.Rate
	readAt time.Time

	second  int64      // Unix second of the newest bucket
	buckets [60]uint32 // requests by Unix second modulo 60
	minute  int        // their sum
	day     int64      // UTC days since 1970
	today   int
}

func newLimits(store WorkspaceStore, share func(int) int) *limits {
	return &limits{store: store, share: share, per: map[signalbox.WorkspaceID]*window{}}
}

// take counts a request, or refuses it when its workspace's limit is reached. A refused request counts nothing.
func (l *limits) take(c *call) error {
	rate, err := l.rate(c.r.Context(), c.ws(), c.now)
	if err != nil {
		return err
	}
	if rate == (signalbox.Rate{}) {
		return nil
	}
	l.mu.Lock()
	quota, ok := l.per[c.ws()].count(rate, c.now)
	l.mu.Unlock()
	if !ok {
		return &signalbox.Error{
			Code: signalbox.RateLimited, Msg: "too many requests: the workspace's limit is reached",
			RetryAfter: max(time.Second, quota.Reset.Sub(c.now)), Quota: &quota,
		}
	}
	c.quota(&quota)
	return nil
}

// rate returns the limit in force, at most limitsFor old.
func (l *limits) rate(ctx context.Context, ws signalbox.WorkspaceID, now time.Time) (signalbox.Rate, error) {
	l.mu.Lock()
	w := l.per[ws]
	if w != nil && now.Sub(w.readAt) < limitsFor {
		defer l.mu.Unlock()
		return w.rate, nil
	}
	l.mu.Unlock()

	found, err := l.store.Workspace(ctx, ws)
	if err != nil {
		return signalbox.Rate{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.per[ws] == nil {
		l.per[ws] = &window{}
	}
	rate := found.Limits.Requests
	rate.PerMinute, rate.PerDay = l.share(rate.PerMinute), l.share(rate.PerDay)
	l.per[ws].rate, l.per[ws].readAt = rate, now
	return rate, nil
}

// forget has a workspace's limit read again at its next request.
func (l *limits) forget(ws signalbox.WorkspaceID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.per[ws]; w != nil {
		w.readAt = time.Time{}
	}
}

// count takes one request at now when there is room, and says what is left of the window with least left.
func (w *window) count(rate signalbox.Rate, now time.Time) (signalbox.Quota, bool) {
	w.advance(now)
	ok := (rate.PerMinute == 0 || w.minute < rate.PerMinute) && (rate.PerDay == 0 || w.today < rate.PerDay)
	if ok {
		w.buckets[w.second%60]++
		w.minute++
		w.today++
	}
	minute := signalbox.Quota{Limit: rate.PerMinute, Remaining: rate.PerMinute - w.minute, Reset: w.oldest().Add(time.Minute)}
	day := signalbox.Quota{Limit: rate.PerDay, Remaining: rate.PerDay - w.today, Reset: time.Unix((w.day+1)*86400, 0).UTC()}
	if rate.PerMinute == 0 || rate.PerDay != 0 && day.Remaining <= minute.Remaining {
		return day, ok
	}
	return minute, ok
}

// advance drops what has left the sliding minute and the day. A clock that goes back counts into the newest second.
func (w *window) advance(now time.Time) {
	second := max(now.Unix(), w.second)
	if second-w.second >= 60 {
		w.buckets, w.minute = [60]uint32{}, 0
	} else {
		for s := w.second + 1; s <= second; s++ {
			w.minute -= int(w.buckets[s%60])
			w.buckets[s%60] = 0
		}
	}
	w.second = second
	if day := second / 86400; day != w.day {
		w.day, w.today = day, 0
	}
}

// oldest is the earliest second that still counts: a minute after it, there is room again.
func (w *window) oldest() time.Time {
	for s := w.second - 59; s < w.second; s++ {
		if w.buckets[s%60] > 0 {
			return time.Unix(s, 0).UTC()
		}
	}
	return time.Unix(w.second, 0).UTC()
}
