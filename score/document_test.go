package score_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"signalbox"
	"signalbox/score"
)

var (
	pointsRow  = regexp.MustCompile("(?m)^\\| `([a-z_]+)`(?:, `([a-z_]+)`)? \\| (\\d+) \\|$")
	exampleRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (\\d+) \\| ([\\d.]+) \\| ([\\d.]+) \\|$")
	exampleSum = regexp.MustCompile(`That makes ([\d.]+) points: a score of (\d+), (\w+)\. .* shown as (\d+) after ([\d.]+) days, and Acme is (\w+) again`)
)

func parse(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// docs/scoring.md tells of the points and of an example: they are the ones that are computed.
func TestDocument_TheExampleIsWorkedOutAsItSays(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/scoring.md")
	if err != nil {
		t.Fatal(err)
	}
	m := score.Compile(&signalbox.Scoring{})
	said := map[string]float64{}
	for _, row := range pointsRow.FindAllStringSubmatch(string(text), -1) {
		for _, typ := range row[1:3] {
			if typ != "" {
				said[typ] = parse(t, row[3])
			}
		}
	}
	shipped := score.Shipped()
	for typ, points := range shipped {
		if said[typ] != points {
			t.Errorf("%s is worth %v, and said to be worth %v", typ, points, said[typ])
		}
	}
	if len(said) != len(shipped) {
		t.Errorf("points are said of %v, and there are of %v", said, shipped)
	}

	rows := exampleRow.FindAllStringSubmatch(string(text), -1)
	var s score.Sums
	for _, row := range rows {
		points, _ := m.Points(row[1], never)
		at := start.Add(-time.Duration(parse(t, row[2])) * day)
		var one score.Sums
		m.Add(&one, row[1], points, at)
		if left := m.At(&one, start); points != parse(t, row[3]) || math.Abs(left-parse(t, row[4])) > 5e-4 {
			t.Errorf("%s: %v points, %v left", row[0], points, left)
		}
		m.Add(&s, row[1], points, at)
	}
	sum := exampleSum.FindStringSubmatch(string(text))
	if len(rows) != 5 || sum == nil {
		t.Fatalf("the example has %d signals and the sum %q", len(rows), sum)
	}
	got := m.At(&s, start)
	if shown := score.Shown(got); math.Abs(got-parse(t, sum[1])) > 5e-4 || shown != int(parse(t, sum[2])) || m.Stage(signalbox.AccountRecord, shown) != sum[3] {
		t.Errorf("it makes %v points, and is said to make %v", got, sum[1:4])
	}
	next, ok := m.Next(&s, start, m.Thresholds(signalbox.AccountRecord))
	after := score.Shown(m.At(&s, next))
	if days := float64(next.Sub(start)) / float64(day); !ok || math.Abs(days-parse(t, sum[5])) > 5e-3 || after != int(parse(t, sum[4])) || m.Stage(signalbox.AccountRecord, after) != sum[6] {
		t.Errorf("it is shown as %d after %v days", after, days)
	}
}
