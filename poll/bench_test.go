package poll_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"signalbox"
	"signalbox/poll"
)

// fields are ten, as a person in a provider has them: 350 bytes of JSON.
func fields(n, version int) []poll.Field {
	text := func(format string) []byte { return fmt.Appendf(nil, format, n) }
	return []poll.Field{
		{Name: "department", Value: []byte(`"Research and development"`)}, {Name: "email", Value: text(`"person.%d@acme.example"`)},
		{Name: "first_name", Value: text(`"First %d"`)}, {Name: "hired_at", Value: []byte(`"2024-05-01"`)}, {Name: "id", Value: text(`"%d"`)},
		{Name: "last_name", Value: text(`"Last %d"`)}, {Name: "location", Value: []byte(`{"city":"Berlin","country":"DE"}`)}, {Name: "manager_id", Value: []byte(`"12345"`)},
		{Name: "salary", Value: strconv.AppendInt(nil, int64(50_000+version), 10)}, {Name: "title", Value: []byte(`"Senior software engineer"`)},
	}
}

func uuid(n int) string { return fmt.Sprintf("0b9f3a1e-6a3c-4f0e-9d3b-%012d", n) }

// BenchmarkFingerprint is what a record that is new or has changed costs.
func BenchmarkFingerprint(b *testing.B) {
	names := poll.NewNames(nil)
	r := poll.Record{ID: uuid(1), Fields: fields(1, 0)}
	b.ReportAllocs()
	for b.Loop() {
		poll.Fingerprint(key, names, 1, r)
	}
}

// big is a source and a store of so many records, which are made when they are asked for: what is measured is this room alone.
type big struct {
	*table
	records int
	changed bool // one in a hundred is another one
	key     poll.Key
	names   *poll.Names
	bytes   int64 // of prints and ids that were saved
	rows    int64
	told    int64
	spent   time.Duration // fetching and storing
}

const pageSize = 500

func (s *big) Next(_ context.Context, from poll.Checkpoint) (poll.Page, error) {
	defer s.clock(time.Now())
	at, _ := strconv.Atoi(string(from))
	end := min(at+pageSize, s.records)
	p := poll.Page{Records: make([]poll.Record, 0, end-at), Last: end == s.records, Next: strconv.AppendInt(nil, int64(end), 10), Total: s.records}
	for n := at; n < end; n++ {
		version := 0
		if s.changed && n%100 == 0 {
			version = 1
		}
		p.Records = append(p.Records, poll.Record{ID: uuid(n), Fields: fields(n, version)})
	}
	return p, nil
}

func (s *big) clock(begin time.Time) { s.spent += time.Since(begin) }

func (s *big) Shifts() bool { return false }

func (s *big) ByID(context.Context, string) (found, known bool, err error) { return false, false, nil }

func (s *big) Snapshots(_ context.Context, _ signalbox.WorkspaceID, _ signalbox.StreamID, ids []string) ([]signalbox.Snapshot, error) {
	if !s.changed {
		return nil, nil
	}
	defer s.clock(time.Now())
	list := make([]signalbox.Snapshot, len(ids))
	for i, id := range ids {
		n, _ := strconv.Atoi(id[len(id)-12:])
		p := poll.Fingerprint(s.key, s.names, 1, poll.Record{ID: id, Fields: fields(n, 0)})
		list[i] = signalbox.Snapshot{Record: id, Print: p.Append(nil), Seen: 1}
	}
	return list, nil
}

func (s *big) SaveSync(ctx context.Context, c *signalbox.SyncSlice) error {
	for _, row := range c.Rows {
		if row.Print != nil {
			s.rows++
			s.bytes += int64(len(row.Record) + len(row.Print) + 8 + 8 + 3) // stream, seen; walk, outcome, missed
		}
	}
	s.told += int64(len(c.Changes))
	copied := *c
	copied.Rows, copied.Changes = nil, nil // the table keeps none of them
	return s.table.SaveSync(ctx, &copied)
}

// BenchmarkRun walks through a stream of which one record in a hundred has changed, and through one that is new. rows-B is what is stored of a record.
// With -benchtime 1x it takes a minute for the million; peak-MB is the memory of the whole program.
func BenchmarkRun(b *testing.B) {
	for _, records := range []int{100_000, 1_000_000} {
		for _, changed := range []bool{false, true} {
			b.Run(fmt.Sprintf("records %d, known %t", records, changed), func(b *testing.B) {
				for b.Loop() {
					walkBig(b, records, changed)
				}
			})
		}
	}
}

func walkBig(b *testing.B, records int, changed bool) {
	one := employees()
	one.EmitCreatedOnBaseline = true
	s := &big{records: records, changed: changed, key: keyOf(&one), names: poll.NewNames(nil)}
	r := newRig(s, one)
	s.table = r.table
	s.table.sparse = true
	r.config.Store = s
	r.runner = poll.New(r.config)
	if changed {
		r.stream.Baselined, r.stream.Known = 1, int64(records)
		poll.Fingerprint(s.key, s.names, 1, poll.Record{ID: "x", Fields: fields(1, 0)})
		for _, f := range fields(1, 0) {
			r.stream.names = append(r.stream.names, f.Name)
		}
	}
	var peak uint64
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		var m runtime.MemStats
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				runtime.ReadMemStats(&m)
				peak = max(peak, m.Sys)
			}
		}
	}()
	begin := time.Now()
	run := r.sync(b)
	took := time.Since(begin) - s.spent
	close(stop)
	<-done
	want := int64(records)
	if changed {
		want = int64(records) / 100
	}
	if run.Status != signalbox.SyncComplete || run.Fetched != int64(records) || s.told != want {
		b.Fatalf("the run is %s, %q: %+v, told %d, want %d", run.Status, run.Error, countsOf(run), s.told, want)
	}
	b.ReportMetric(float64(took.Nanoseconds())/float64(records), "ns/record")
	b.ReportMetric(float64(s.bytes)/float64(s.rows), "rows-B/record")
	b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
}
