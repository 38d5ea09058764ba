// Package app wires the rooms into one program: configuration in, a running server out. It is usable in-process, so that tests and
// the demo start the very program that the command starts.
//
// The order of starting is store, node, sender and due work, intake, doors; stopping is the reverse: the doors close first, what waits is
// committed, what is under way is sent or released, and the database is closed last. Nothing else in the program starts a
// goroutine that Run does not wait for.
package app
