package api

import (
	"math"
	"strconv"
	"strings"
	"time"

	"signalbox"
)

// durationUnits are the letters of durations (contract section 2), the longest first.
var durationUnits = []struct {
	letter string
	of     time.Duration
}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}

// duration reads a duration of a body: a whole number and s, m, h or d.
func duration(param, given string) (time.Duration, error) {
	given = strings.TrimSpace(given)
	for _, unit := range durationUnits {
		digits, ok := strings.CutSuffix(given, unit.letter)
		n, err := strconv.ParseUint(digits, 10, 63)
		if ok && err == nil && n <= uint64(math.MaxInt64/int64(unit.of)) {
			return time.Duration(n) * unit.of, nil
		}
	}
	return 0, signalbox.InvalidField(param, "%s: %q is no duration: write a whole number with s, m, h or d, as in 90m or 7d", param, clip(given))
}

// durationOrNull writes a duration of whole seconds in the largest unit that it is whole in; null for none.
func durationOrNull(d time.Duration) *string {
	if d == 0 {
		return nil
	}
	for _, unit := range durationUnits {
		if d%unit.of == 0 {
			text := strconv.FormatInt(int64(d/unit.of), 10) + unit.letter
			return &text
		}
	}
	text := d.String()
	return &text
}
