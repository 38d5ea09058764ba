package signalbox

// LiveTopics are what a live view shows, as a set.
type LiveTopics uint8

// The topics of a live view.
const (
	LiveSignals LiveTopics = 1 << iota
	LiveDeliveries
	LiveLogs
)

// LiveEvent is one thing that happened: exactly one field is set.
type LiveEvent struct {
	Signal   *SignalView
	Delivery *Delivery
	Log      *LogRow
}

// LiveStats is what a live view is told every second.
type LiveStats struct {
	Pulse
	Dropped int // events that this view has not got, since it began
}
