//go:build !faults

package fault

// Enabled says whether this program was built with fault points.
const Enabled = false

// Point marks a place where a build with the faults tag can kill, stop or fail the program. Here it does nothing.
func Point(string) {}

// Err is a Point that can also make the caller fail; here it never does.
func Err(string) error { return nil }
