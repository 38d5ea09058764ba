package wire

import (
	"regexp"
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
	near := nearest(p, known)
	if near == "" && otherRecords.MatchString(p) && format.EventName(p) != "" {
		return nil
	}
	if near != "" {
		return signalbox.InvalidField("events", "events: unknown event %q; did you mean %q?", clip(p), near)
	}
	return signalbox.InvalidField("events", `events: unknown event %q; known are %s, "prefix.*" and "*"`, clip(p), strings.Join(known, ", "))
}

// otherRecords are the events of streams of record types that S4 does not name (contract section 13).
var otherRecords = regexp.MustCompile(`^[a-z][a-z0-9]*_[a-z][a-z0-9_]*\.(created|updated|deleted|\*)$`)

// namesIn lists what the events of a format are called by it.
func namesIn(format signalbox.Format) []string {
	list := EventTypes(format)
	names := make([]string, len(list))
	for i, t := range list {
		names[i] = t.In(format)
	}
	return names
}

// nearest is the known name that was probably meant, "" when none is near.
func nearest(written string, known []string) string {
	if near := signalbox.Near(written, known); len(near) > 0 {
		return near[0]
	}
	return ""
}

// clip shortens what a sender wrote for a message.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
