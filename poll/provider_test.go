package poll_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/poll"
)

// mood is what a provider does during one run.
type mood struct {
	loud   bool // it fails, refuses checkpoints, sends a page twice, records twice, or the same checkpoint again
	lies   bool // it leaves records out, and says nothing
	moves  int  // records come, go and move while one reads: in this walk of the run; 0: in none
	crash  bool // the program dies, as often as it likes
	budget int  // how many lies are left
}

// provider is a simulated one with a history. It may do anything that providers do, within what a proof can rest on:
//
//   - it does not lose records in silence and change them in the same run;
//   - without a total it loses records in silence at most once in a run;
//   - records move between its pages in one of the two walks of a run, not in both.
type provider struct {
	t      *rapid.T
	live   map[string]int // content by id
	order  []string       // of numbered pages
	dead   []string       // ids that were deleted, which may come again
	made   int
	clock  int            // grows with each change
	absent map[string]int // by id, the last moment at which there was no such record; not set: there always was
	size   int
	shifts bool
	totals bool
	asks   bool // it can be asked for a record by its id
	tail   bool // its last page is empty

	mood   mood
	walk   int // of the run, as far as one can tell from outside
	served []poll.Record
}

// contents are how many different ones a record can have.
const contents = 60

// record is what a record of some content looks like. A quarter of the contents have a field more.
func record(id string, content int) poll.Record {
	r := poll.Record{ID: id, Fields: []poll.Field{
		{Name: "a", Value: strconv.AppendInt(nil, int64(content%2), 10)}, {Name: "b", Value: strconv.AppendInt(nil, int64(content%3), 10)},
		{Name: "c", Value: strconv.AppendInt(nil, int64(content%5), 10)},
	}}
	if content%4 == 0 {
		r.Fields = append(r.Fields, poll.Field{Name: "d", Value: []byte("true")})
	}
	return r
}

// differing are the fields that differ between two contents.
func differing(x, y int) (names []string) {
	for _, f := range []struct {
		name string
		of   func(int) int
	}{
		{"a", func(c int) int { return c % 2 }}, {"b", func(c int) int { return c % 3 }}, {"c", func(c int) int { return c % 5 }}, {"d", func(c int) int { return min(c%4, 1) }},
	} {
		if f.of(x) != f.of(y) {
			names = append(names, f.name)
		}
	}
	return names
}

func newProvider(t *rapid.T) *provider {
	p := &provider{
		t: t, live: map[string]int{}, absent: map[string]int{}, size: rapid.IntRange(1, 12).Draw(t, "size"), shifts: rapid.Bool().Draw(t, "shifts"),
		totals: rapid.Bool().Draw(t, "totals"), asks: rapid.Bool().Draw(t, "asks"), tail: rapid.Bool().Draw(t, "tail"),
	}
	for range rapid.SampledFrom([]int{0, 1, 5, 20, 70, 120}).Draw(t, "people") {
		p.create()
	}
	return p
}

func (p *provider) create() {
	p.clock++
	id := fmt.Sprintf("r%04d", p.made*7919%10000) // new ones sort anywhere
	if n := len(p.dead); n > 0 && rapid.IntRange(0, 3).Draw(p.t, "again") == 0 {
		id, p.dead = p.dead[n-1], p.dead[:n-1]
	} else {
		p.made++
	}
	p.absent[id] = p.clock
	p.live[id] = rapid.IntRange(0, contents-1).Draw(p.t, "content")
	at := rapid.IntRange(0, len(p.order)).Draw(p.t, "place")
	p.order = slices.Insert(p.order, at, id)
	p.clock++
}

func (p *provider) remove(at int) {
	p.clock++
	id := p.order[at]
	p.order = slices.Delete(p.order, at, at+1)
	p.dead = append(p.dead, id)
	delete(p.live, id)
	p.clock++
}

// was says whether there was no such record at some moment since.
func (p *provider) wasAbsent(id string, since int) bool {
	_, is := p.live[id]
	last, ever := p.absent[id]
	return !is || ever && last >= since
}

// change lets something happen.
func (p *provider) change() {
	if len(p.order) == 0 {
		p.create()
		return
	}
	at := rapid.IntRange(0, len(p.order)-1).Draw(p.t, "at")
	switch rapid.SampledFrom([]string{"create", "update", "delete", "reorder", "many"}).Draw(p.t, "change") {
	case "create":
		p.create()
	case "update":
		p.clock++
		p.live[p.order[at]] = rapid.IntRange(0, contents-1).Draw(p.t, "content")
	case "delete":
		p.remove(at)
	case "reorder":
		id := p.order[at]
		p.order = slices.Delete(p.order, at, at+1)
		p.order = slices.Insert(p.order, rapid.IntRange(0, len(p.order)).Draw(p.t, "place"), id)
	case "many": // a mass disappearance
		for range rapid.IntRange(1, len(p.order)).Draw(p.t, "gone") / 2 {
			p.remove(len(p.order) - 1)
		}
	}
}

var errRefused = signalbox.Errorf(signalbox.Unauthorized, "the provider refused the token (401)")

func (p *provider) Next(_ context.Context, from poll.Checkpoint) (poll.Page, error) {
	if from == nil {
		p.walk++
	}
	if p.mood.moves > 0 && (p.walk == p.mood.moves || !p.shifts) && from != nil && rapid.IntRange(0, 2).Draw(p.t, "moves") == 0 {
		p.change()
	}
	page := p.page(from)
	if p.mood.loud {
		switch rapid.IntRange(0, 20).Draw(p.t, "fault") {
		case 0:
			return poll.Page{}, errRefused
		case 1:
			return poll.Page{}, errors.New("connection reset")
		case 2:
			return poll.Page{}, fmt.Errorf("get: %w", context.DeadlineExceeded)
		case 3:
			return poll.Page{}, poll.ErrCheckpoint
		case 4:
			page.Next = from
		case 5, 6:
			if n := len(p.served); n > 0 {
				page.Records = append(page.Records, p.served[rapid.IntRange(0, n-1).Draw(p.t, "twice")])
			}
		case 7:
			panic("a bug in a connector")
		}
	}
	p.lie(&page)
	p.served = append(p.served, page.Records...)
	return page, nil
}

// lie leaves something out.
func (p *provider) lie(page *poll.Page) {
	if !p.mood.lies || p.mood.budget == 0 || rapid.IntRange(0, 3).Draw(p.t, "lie") > 0 {
		return
	}
	switch {
	case p.totals && rapid.Bool().Draw(p.t, "truncated"):
		page.Records = page.Records[:rapid.IntRange(0, len(page.Records)).Draw(p.t, "left")]
	default: // an empty 200
		*page = poll.Page{Last: true, Total: poll.TotalUnknown}
	}
	if !p.totals {
		p.mood.budget--
	}
}

// page is the true one: numbered pages by place, others by the ids that follow the last one.
func (p *provider) page(from poll.Checkpoint) poll.Page {
	ids, at := p.order, 0
	if p.shifts {
		at, _ = strconv.Atoi(string(from))
	} else {
		ids = slices.Sorted(func(yield func(string) bool) {
			for id := range p.live {
				if !yield(id) {
					return
				}
			}
		})
		at = sort.Search(len(ids), func(i int) bool { return ids[i] > strings.TrimPrefix(string(from), "after ") })
		if from == nil {
			at = 0
		}
	}
	at = min(at, len(ids))
	end := min(at+p.size, len(ids))
	page := poll.Page{Last: end == len(ids), Total: poll.TotalUnknown}
	if p.tail && end > at {
		page.Last = false
	}
	if p.totals {
		page.Total = len(ids)
	}
	for _, id := range ids[at:end] {
		page.Records = append(page.Records, record(id, p.live[id]))
	}
	if page.Last {
		return page
	}
	if page.Next = fmt.Append(nil, end); !p.shifts {
		page.Next = fmt.Append(nil, "after ", ids[end-1])
	}
	return page
}

func (p *provider) Shifts() bool { return p.shifts }

func (p *provider) ByID(_ context.Context, id string) (found, known bool, err error) {
	if !p.asks {
		return false, false, nil
	}
	if p.mood.loud && rapid.IntRange(0, 10).Draw(p.t, "fault") == 0 {
		return false, true, errRefused
	}
	_, found = p.live[id]
	return found, true, nil
}
