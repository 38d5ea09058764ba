package signalbox

import "time"

// Lead is a record that signals landed on: a contact, or an account of which nobody was named.
type Lead struct {
	Kind   RecordKind
	Entity EntityID
	At     time.Time // where it stands in the list: its last signal, to the minute
}

// Sources are where the signals of a record came from, as many as it ever had.
type Sources struct {
	First  string
	Last   string
	Counts map[string]int64 // by source; those beyond MaxSources together under OtherSources
}

// MaxSources is how many sources are counted apart for a record.
const MaxSources = 32

// OtherSources is what further ones are counted under.
const OtherSources = "(other)"
