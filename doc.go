// Package signalbox holds the words of Signalbox: the things it talks about (signals, accounts, contacts, webhooks, events,
// deliveries, attempts, jobs, keys, workspaces), their typed ids, the errors a caller can act on, and what passes between rooms.
//
// The words are used the same in Go, SQL, JSON and the documentation. This package imports the standard library only and does
// nothing: machines live in the rooms beside it (docs/architecture.md), and every room may import these words.
//
// Invariants:
//   - an id is a positive 64-bit integer that grows with time; zero means "none" (ids.go);
//   - an Error's Msg may be shown to anyone, its Err never leaves the log (errors.go);
//   - every time is UTC and at most microseconds fine (Micros).
package signalbox
