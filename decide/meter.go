package decide

import (
	"time"

	"signalbox"
)

const minute = 60 // seconds, and buckets of a meter

// meterKeys are the meters that count an input: only those that a limit is set for.
func meterKeys(in *Prepared) []signalbox.MeterKey {
	if in.emitted {
		return nil
	}
	limits := in.By.Definitions.Workspace.Limits
	var keys []signalbox.MeterKey
	if in.Signal.Capture {
		keys = append(keys, signalbox.MeterKey{Workspace: in.Workspace, Key: signalbox.CaptureMeter})
	} else if limits.Workspace != (signalbox.Rate{}) {
		keys = append(keys, signalbox.MeterKey{Workspace: in.Workspace})
	}
	if limits.Key != (signalbox.Rate{}) && in.APIKey != 0 {
		keys = append(keys, signalbox.MeterKey{Workspace: in.Workspace, Key: in.APIKey})
	}
	return keys
}

func rateOf(limits signalbox.RateLimits, key signalbox.MeterKey) signalbox.Rate {
	switch key.Key {
	case 0:
	case signalbox.CaptureMeter:
		return limits.CaptureRate()
	default:
		return limits.Key
	}
	return limits.Workspace
}

// advance forgets what the meter counted before its windows: the minute that ends now, and the UTC day.
func advance(m *signalbox.Meter, now time.Time) {
	second, day := now.Unix(), now.Unix()/86400
	if second > m.Second {
		for s := max(m.Second+1, second-minute+1); s <= second; s++ {
			m.Buckets[s%minute] = 0
		}
		m.Second = second
	}
	if day > m.Day {
		m.Day, m.Today = day, 0
	}
}

// windows lists what is left of a meter's limits, before the next signal is counted.
func windows(m *signalbox.Meter, r signalbox.Rate) []signalbox.Quota {
	var left []signalbox.Quota
	if r.PerMinute > 0 {
		used, oldest := 0, m.Second
		for s := m.Second; s > m.Second-minute; s-- {
			if n := m.Buckets[s%minute]; n > 0 {
				used, oldest = used+int(n), s
			}
		}
		left = append(left, signalbox.Quota{Limit: r.PerMinute, Remaining: r.PerMinute - used, Reset: time.Unix(oldest+minute, 0).UTC()})
	}
	if r.PerDay > 0 {
		left = append(left, signalbox.Quota{Limit: r.PerDay, Remaining: r.PerDay - int(m.Today), Reset: time.Unix((m.Day+1)*86400, 0).UTC()})
	}
	return left
}

// count takes one signal from every limit that applies, or from none: then it says which limit is used up and until when
// (contract section 2). The Quota is that of the window with least left; nil when nothing limits the input.
func (f *fold) count(in *Prepared) (*signalbox.Quota, error) {
	keys := meterKeys(in)
	if len(keys) == 0 {
		return nil, nil
	}
	var least *signalbox.Quota
	meters := make([]signalbox.Meter, len(keys))
	for i, key := range keys {
		meters[i] = f.now.Meters[key]
		advance(&meters[i], f.env.Now)
		for _, q := range windows(&meters[i], rateOf(in.By.Definitions.Workspace.Limits, key)) {
			if least == nil || q.Remaining < least.Remaining || q.Remaining == least.Remaining && q.Reset.After(least.Reset) {
				least = &q
			}
		}
	}
	if least.Remaining <= 0 {
		least.Remaining = 0
		return nil, &signalbox.Error{
			Code: signalbox.RateLimited, Quota: least, RetryAfter: least.Reset.Sub(f.env.Now),
			Msg: "the limit of signals is used up; send again after Retry-After seconds",
		}
	}
	least.Remaining--
	for i, key := range keys {
		meters[i].Buckets[meters[i].Second%minute]++
		meters[i].Today++
		f.now.Meters[key] = meters[i]
		f.out.Meters[key] = meters[i]
	}
	return least, nil
}
