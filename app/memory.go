package app

import (
	"os"
	"runtime/debug"
)

// gcPercent lets the heap of a busy server grow to five times what is live before it is collected: what is live is small, so the
// default would collect many times a second, for an eighth of all CPU time (docs/performance.md).
const gcPercent = 400

// TuneMemory sets the process up for being a server; a GOGC in the environment wins.
func TuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
