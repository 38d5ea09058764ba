//go:build !faults

package fault

import "time"

// Enabled says whether this program was built with fault points.
const Enabled = false

// Point marks a place where a build with the faults tag can kill, stop or fail the program. Here it does nothing.
func Point(string) {}

// Err is a Point that can also make the caller fail; here it never does.
func Err(string) error { return nil }

// Shift is how far this program's own clock is from the machine's; here it is right.
func Shift() time.Duration { return 0 }
