package signalbox_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signalbox"
)

var testKey = [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

// proves S0-25, S1-25 (prefix, lower-case, sortable tail) as contract section 2 words them
func TestCodec_TextSortsAsIdsDo(t *testing.T) {
	t.Parallel()
	c := signalbox.NewCodec(testKey)
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64Range(1, 1<<62).Draw(t, "a")
		b := rapid.Int64Range(1, 1<<62).Draw(t, "b")
		ta, tb := c.Format(signalbox.KindSignal, a), c.Format(signalbox.KindSignal, b)
		if a != b && (a < b) != (ta < tb) {
			t.Fatalf("%d and %d sort one way, %s and %s the other", a, b, ta, tb)
		}
		if back, ok := c.Parse(signalbox.KindSignal, ta); !ok || back != a {
			t.Fatalf("%s reads as %d, %t, want %d", ta, back, ok, a)
		}
		if len(ta) != len("sig_")+26 || ta != strings.ToLower(ta) {
			t.Fatalf("%s is not sig_ and 26 lower-case characters", ta)
		}
	})
}

func TestCodec_ParseRefusesWhatItDidNotFormat(t *testing.T) {
	t.Parallel()
	c := signalbox.NewCodec(testKey)
	good := c.Format(signalbox.KindSignal, 123456789)
	other := signalbox.NewCodec([16]byte{9})
	cases := map[string]string{
		"empty":               "",
		"another kind":        "acc" + good[3:],
		"another kind's id":   c.Format(signalbox.KindAccount, 123456789),
		"another database's":  other.Format(signalbox.KindSignal, 123456789),
		"upper case":          strings.ToUpper(good),
		"a character short":   good[:len(good)-1],
		"a character long":    good + "0",
		"a letter left out":   good[:len(good)-1] + "u",
		"no underscore":       strings.Replace(good, "_", "-", 1),
		"beyond 128 bits":     "sig_z" + good[5:],
		"the zero id":         "sig_00000000000000000000000000",
		"non-ASCII":           good[:len(good)-2] + "é",
		"whitespace before":   " " + good[1:],
		"last character next": good[:len(good)-1] + next(good[len(good)-1:]),
	}
	for name, text := range cases {
		if id, ok := c.Parse(signalbox.KindSignal, text); ok {
			t.Errorf("%s: %q was read as %d", name, text, id)
		}
	}
}

func next(ch string) string {
	if ch == "0" {
		return "1"
	}
	return "0"
}

func FuzzCodecParse(f *testing.F) {
	c := signalbox.NewCodec(testKey)
	f.Add(c.Format(signalbox.KindSignal, 1))
	f.Add("sig_")
	f.Fuzz(func(t *testing.T, text string) {
		if id, ok := c.Parse(signalbox.KindSignal, text); ok && c.Format(signalbox.KindSignal, id) != text {
			t.Fatalf("%q was read as %d, which is written otherwise", text, id)
		}
	})
}

func TestIDs_GrowWhateverTheClockDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := signalbox.NewIDs(rapid.IntRange(0, signalbox.MaxNode).Draw(t, "node"))
		now, last := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), int64(0)
		for range rapid.IntRange(1, 200).Draw(t, "ids") {
			now = now.Add(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(t, "step")))
			if rapid.Bool().Draw(t, "above") {
				g.Above(last + rapid.Int64Range(0, 1<<30).Draw(t, "ahead"))
			}
			id := g.Next(now)
			if id <= last {
				t.Fatalf("%d after %d", id, last)
			}
			last = id
		}
	})
}

func TestIDs_AboveHoldsForIdsOfEveryNode(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
		other := signalbox.NewIDs(rapid.IntRange(0, signalbox.MaxNode).Draw(t, "other"))
		mine := signalbox.NewIDs(rapid.IntRange(0, signalbox.MaxNode).Draw(t, "mine"))
		var seen int64
		for range rapid.IntRange(1, 50).Draw(t, "made elsewhere") {
			seen = other.Next(now)
		}
		mine.Above(seen)
		if id := mine.Next(now); id <= seen {
			t.Fatalf("%d is not above %d", id, seen)
		}
	})
}

func TestIDs_UniqueUnderConcurrency(t *testing.T) {
	t.Parallel()
	g := signalbox.NewIDs(3)
	now := time.Now()
	lists := make([][]int64, 8)
	var wg sync.WaitGroup
	for n := range lists {
		wg.Go(func() {
			for range 10_000 {
				lists[n] = append(lists[n], g.Next(now))
			}
		})
	}
	wg.Wait()
	all := slices.Concat(lists...)
	slices.Sort(all)
	if unique := len(slices.Compact(all)); unique != 80_000 {
		t.Fatalf("%d unique ids of 80000", unique)
	}
}

func TestIDTime_IsTheMomentToTheMillisecond(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 16, 5, 7, 123_456_000, time.UTC)
	id := signalbox.SignalID(signalbox.NewIDs(7).Next(now))
	if got, want := signalbox.IDTime(id), now.Truncate(time.Millisecond); !got.Equal(want) {
		t.Errorf("made at %s, want %s", got, want)
	}
	if first := signalbox.FirstIDAt(now); int64(id) < first || int64(id) >= signalbox.FirstIDAt(now.Add(time.Millisecond)) {
		t.Errorf("%d does not lie in its own millisecond from %d", id, first)
	}
}

func BenchmarkCodec(b *testing.B) {
	c := signalbox.NewCodec(testKey)
	text := c.Format(signalbox.KindSignal, 1234567890123)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, 0, 64)
		for b.Loop() {
			buf = c.Append(buf[:0], signalbox.KindSignal, 1234567890123)
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.Parse(signalbox.KindSignal, text)
		}
	})
}
