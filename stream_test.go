package signalbox_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signalbox"
)

// proves contract section 13: 1 min to 24 h, and any other name of a record type.
func TestStream_CheckNamesTheField(t *testing.T) {
	t.Parallel()
	good := signalbox.Stream{API: "hris", RecordType: "employees"}
	for name, c := range map[string]struct {
		change func(s *signalbox.Stream)
		param  string
	}{
		"defaults":               {func(*signalbox.Stream) {}, ""},
		"a name of its own":      {func(s *signalbox.Stream) { s.API, s.RecordType = "crm2", "open_deals_2" }, ""},
		"longest names":          {func(s *signalbox.Stream) { s.API, s.RecordType = strings.Repeat("a", 32), strings.Repeat("b", 64) }, ""},
		"no api":                 {func(s *signalbox.Stream) { s.API = "" }, "api"},
		"api with an underscore": {func(s *signalbox.Stream) { s.API = "my_hris" }, "api"}, // hris_employees.created: the first underscore parts the two
		"long api":               {func(s *signalbox.Stream) { s.API = strings.Repeat("a", 33) }, "api"},
		"no record type":         {func(s *signalbox.Stream) { s.RecordType = "" }, "record_type"},
		"capitals":               {func(s *signalbox.Stream) { s.RecordType = "Employees" }, "record_type"},
		"begins with a digit":    {func(s *signalbox.Stream) { s.RecordType = "1st" }, "record_type"},
		"a dot":                  {func(s *signalbox.Stream) { s.RecordType = "a.b" }, "record_type"},
		"long record type":       {func(s *signalbox.Stream) { s.RecordType = strings.Repeat("a", 65) }, "record_type"},
		"a minute":               {func(s *signalbox.Stream) { s.Interval = time.Minute }, ""},
		"a day":                  {func(s *signalbox.Stream) { s.Interval = 24 * time.Hour }, ""},
		"less than a minute":     {func(s *signalbox.Stream) { s.Interval = time.Minute - 1 }, "interval"},
		"more than a day":        {func(s *signalbox.Stream) { s.Interval = 24*time.Hour + 1 }, "interval"},
		"ten confirmations":      {func(s *signalbox.Stream) { s.Confirmations = 10 }, ""},
		"eleven confirmations":   {func(s *signalbox.Stream) { s.Confirmations = 11 }, "deletion.confirmations"},
		"negative confirmations": {func(s *signalbox.Stream) { s.Confirmations = -1 }, "deletion.confirmations"},
	} {
		s := good
		c.change(&s)
		err := s.Check()
		param := ""
		if e, ok := err.(*signalbox.Error); ok {
			param = e.Param
		}
		if param != c.param || (err != nil) != (c.param != "") {
			t.Errorf("%s: error %v, want one of %q", name, err, c.param)
		}
	}
}

// Streams that were made together spread over a fifth of the interval, and each keeps its own pace.
func TestStream_PeriodIsAboutTheInterval(t *testing.T) {
	t.Parallel()
	ids := signalbox.NewIDs(1)
	now := time.Now()
	var sum time.Duration
	shortest, longest := 2*time.Hour, time.Duration(0)
	const many = 1000
	for range many {
		s := signalbox.Stream{ID: signalbox.StreamID(ids.Next(now))} // every hour unless set (S4-4)
		p := s.Period()
		if p != s.Period() {
			t.Fatal("the period of one stream changes")
		}
		sum += p
		shortest, longest = min(shortest, p), max(longest, p)
	}
	if shortest < 54*time.Minute || longest > 66*time.Minute || shortest > 55*time.Minute || longest < 65*time.Minute {
		t.Errorf("periods between %s and %s, want them to fill 54 to 66 minutes", shortest, longest)
	}
	if mean := sum / many; mean < 59*time.Minute || mean > 61*time.Minute {
		t.Errorf("a period of %s in the mean, want about an hour", mean)
	}
}

func TestStream_NextRunKeepsThePaceAndRests(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := signalbox.Stream{ID: signalbox.StreamID(rapid.Int64Min(1).Draw(t, "id")), Interval: time.Duration(rapid.IntRange(60, 86_400).Draw(t, "seconds")) * time.Second}
		began := time.Now()
		took := time.Duration(rapid.IntRange(0, 200_000).Draw(t, "took")) * time.Second
		next, p := s.NextSync(began, began.Add(took)), s.Period()
		if p < s.Interval*9/10 || p > s.Interval*11/10 {
			t.Fatalf("period %s of an interval of %s", p, s.Interval)
		}
		rest := next.Sub(began.Add(took))
		if rest < p/10 || took < p*8/10 && next.Sub(began) != p {
			t.Fatalf("a run of %s is followed after %s, %s after it began; the period is %s", took, rest, next.Sub(began), p)
		}
	})
}
