package automate

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"time"

	"signalbox"
)

// Claims is by what a run is allowed or kept out. It is folded: what is claimed for one happening keeps the next one out.
type Claims struct {
	// Contact and Account are the states of those whom it happened to: first that of the record itself, which a run is noted in, then those of all that is merged
	// into it, which are only read. Empty: there is none.
	Contact, Account []*State
	Pace             *Pace // of the workspace; nil: the hour has no limit
}

// Claimed is whether a run may be made.
type Claimed struct {
	Runs      bool // a run is made
	Throttled bool // a run is made that does nothing: the hour has no room for it
	Reason    signalbox.Reason
	Wrote     *State // that changed; nil: none
}

// Claim asks the automation's frequency and the hour, and notes the run where both allow it.
//
// An automation whose frequency is per contact goes by the account where there is no contact, and one per account by the contact where there is no account. Where
// there is neither, nothing could remember the run: there is none. What is throttled is not noted, so that the next happening may run.
func (m *Model) Claim(x Matched, c Claims, now time.Time) Claimed {
	states, reason, free := x.e.free(c, now)
	if !free {
		return Claimed{Reason: reason}
	}
	if c.Pace != nil && !c.Pace.take(x.e.a.ID, x.e.perHour(), now) {
		return Claimed{Runs: true, Throttled: true, Reason: x.e.throttled(signalbox.Unmet)}
	}
	if !x.e.a.Frequency.Limits() {
		return Claimed{Runs: true, Reason: reason}
	}
	own := states[0]
	m.tidy(own)
	own.note(x.e.a.ID, now.UnixMicro())
	return Claimed{Runs: true, Reason: reason, Wrote: own}
}

// free asks the frequency alone. states are those that remember the automation's runs.
func (e *entry) free(c Claims, now time.Time) (states []*State, reason signalbox.Reason, ok bool) {
	fr := e.a.Frequency
	reason = signalbox.Reason{Clause: "frequency", Outcome: signalbox.Met}
	if !fr.Limits() {
		reason.Value = "every one"
		return nil, reason, true
	}
	states, whom := c.Contact, "contact"
	if perAccount := fr.Mode == signalbox.OncePerAccount || fr.Mode == signalbox.Cooldown && fr.Per == signalbox.AccountRecord; perAccount && len(c.Account) > 0 || len(states) == 0 {
		states, whom = c.Account, "account"
	}
	if len(states) == 0 {
		return nil, refused(reason, "there is neither a contact nor an account that a run could be remembered by"), false
	}
	at, before := last(states, e.a.ID)
	switch {
	case !before:
		reason.Value = "it has not run for this " + whom
	case fr.Mode != signalbox.Cooldown:
		return states, refused(reason, "once per "+whom+": it ran at "+clock(at)), false
	case now.Before(at.Add(fr.Duration)):
		return states, refused(reason, "cooldown until "+clock(at.Add(fr.Duration))), false
	default:
		reason.Value = "it ran last at " + clock(at)
	}
	return states, reason, true
}

func refused(r signalbox.Reason, why string) signalbox.Reason {
	r.Value, r.Outcome = why, signalbox.Unmet
	return r
}

// clock writes a time for people.
func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (e *entry) perHour() int { return cmp.Or(e.a.PerHour, signalbox.DefaultPerHour) }

// throttled says what the hour's limit is.
func (e *entry) throttled(o signalbox.Outcome) signalbox.Reason {
	says, runs := "fewer than ", " runs this hour"
	if o == signalbox.Unmet {
		says = "throttled: "
	}
	if e.perHour() == 1 {
		runs = " run this hour"
	}
	return signalbox.Reason{Clause: "per_hour", Value: says + thousands(e.perHour()) + runs, Outcome: o}
}

// thousands writes a number with commas: 1,000.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Pace counts the runs of a workspace's automations in the present hour (UTC). The zero value has counted none.
type Pace struct {
	hour   int64   // hours since 1970
	counts []count // by automation
}

// count is how many runs an automation had.
type count struct {
	of signalbox.AutomationID
	n  int64
}

// take counts a run, unless the hour has had as many as it may. A clock that goes back stays in the latest hour.
func (p *Pace) take(id signalbox.AutomationID, most int, now time.Time) bool {
	if !p.room(id, most, now) {
		return false
	}
	if hour := hourOf(now); hour > p.hour {
		p.hour, p.counts = hour, p.counts[:0]
	}
	i, found := p.find(id)
	if !found {
		p.counts = slices.Insert(p.counts, i, count{of: id})
	}
	p.counts[i].n++
	return true
}

// room says whether the hour may have another run.
func (p *Pace) room(id signalbox.AutomationID, most int, now time.Time) bool {
	if hourOf(now) > p.hour {
		return most > 0
	}
	i, found := p.find(id)
	return !found && most > 0 || found && p.counts[i].n < int64(most)
}

func hourOf(t time.Time) int64 { return max(0, t.Unix()/3600) }

func (p *Pace) find(id signalbox.AutomationID) (int, bool) {
	return slices.BinarySearchFunc(p.counts, id, func(c count, id signalbox.AutomationID) int { return cmp.Compare(c.of, id) })
}

// Append writes the counts: version, how many, the hour, and of each automation, by id, what lies between its id and the one before, and its count. Nothing is
// written where none was counted.
func (p *Pace) Append(b []byte) []byte {
	if len(p.counts) == 0 {
		return b
	}
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(p.hour))
	b = binary.AppendUvarint(b, uint64(len(p.counts)))
	before := signalbox.AutomationID(0)
	for _, c := range p.counts {
		b = binary.AppendUvarint(b, uint64(c.of-before))
		b = binary.AppendUvarint(b, uint64(c.n))
		before = c.of
	}
	return b
}

var errPace = errors.New("this is no pace of automations: it is cut off, or in another order")

// DecodePace reads what [Pace.Append] wrote, all of b.
func DecodePace(b []byte) (Pace, error) {
	if len(b) == 0 {
		return Pace{}, nil
	}
	r := reader{b: b}
	if b[0] != version {
		return Pace{}, errPace
	}
	r.b = r.b[1:]
	p := Pace{hour: int64(r.uvarint())}
	p.counts = make([]count, r.length())
	before := signalbox.AutomationID(0)
	for i := range p.counts {
		c := count{before + signalbox.AutomationID(r.uvarint()), int64(r.uvarint())}
		r.bad = r.bad || c.of <= before || c.n <= 0
		p.counts[i], before = c, c.of
	}
	if r.bad || len(r.b) > 0 || p.hour < 0 {
		return Pace{}, errPace
	}
	return p, nil
}
