// Package fault names the places where a test build can kill the program, hold it up or make an operation fail, and lets it believe
// in another time, so that a harness can show what survives. Without the faults build tag every call is empty and costs nothing; no released program has it.
//
// With the tag, the environment says what happens where:
//
//	SIGNALBOX_FAULTS="store.after_commit=kill@3;deliver.after_send=sleep:50ms;store.before_commit=error;clock=shift:-1h"
//
// kill sends SIGKILL to the program itself at the n-th passage (default the first), sleep holds the caller, error makes Err
// fail; shift is of the clock alone: the time that this program takes for the machine's. Reached points are appended to the file named by SIGNALBOX_FAULTS_REACHED, so that a harness can tell that each was hit.
package fault
