package wire

import (
	"slices"
	"strings"

	"signalbox"
)

// CheckPattern refuses a pattern that can never match an event of a format: a mistyped subscription would be silent for ever. A pattern is an event's
// name, "prefix.*" for every event whose name begins with "prefix.", or "*" for all; only what is explicitly subscribed is sent (S1-8). The refusal
// names what was probably meant; its Param is "events".
func CheckPattern(format signalbox.Format, p string) error {
	known := namesIn(format)
	for _, name := range known {
		if signalbox.NamesEvent(p, name) {
			return nil
		}
	}
	if format == signalbox.FormatStackOne && slices.ContainsFunc(namesIn(signalbox.FormatStairoids), func(name string) bool { return signalbox.NamesEvent(p, name) }) {
		return signalbox.InvalidField("events", "events: %q is not sent in the format stackone; that knows account.*, hris_… and ats_… events", clip(p))
	}
	if near := nearest(p, known); near != "" {
		return signalbox.InvalidField("events", "events: unknown event %q; did you mean %q?", clip(p), near)
	}
	return signalbox.InvalidField("events", `events: unknown event %q; known are %s, "prefix.*" and "*"`, clip(p), strings.Join(known, ", "))
}

// namesIn lists what the events of a format are called by it.
func namesIn(format signalbox.Format) []string {
	list := EventTypes(format)
	names := make([]string, len(list))
	for i, t := range list {
		names[i] = t.In(format)
	}
	return names
}

// nearest returns the known name that is fewest edits away from what was written, "" when none is near.
func nearest(written string, known []string) string {
	written = strings.ToLower(strings.TrimSpace(written))
	if len(written) > 64 {
		return ""
	}
	best, bestAt := "", max(2, len(written)/3)+1
	for _, name := range known {
		if d := edits(written, name); d < bestAt {
			best, bestAt = name, d
		}
	}
	return best
}

// edits is the Levenshtein distance of two short ASCII strings.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// clip shortens what a sender wrote for a message.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
