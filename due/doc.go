// Package due waits for time. Everything that waits for a moment is a row in the due table: its kind, its subject, and the earliest
// moment that time alone can change it. A Runner takes the rows that are due, leases them to this node and hands each to the owner
// of its kind; the owner says when to come again. A Node keeps this process's right to work on leased rows: its heartbeat.
//
// The package decides nothing about what is due and never touches another table.
//
// Invariants:
//   - the table is the truth: a lost Wake costs a poll (PollEvery), never a row;
//   - a row that was taken fires again after LeaseFor unless its owner has answered, so a crash in an owner loses nothing;
//   - one subject is never handed out twice at the same time by one Runner;
//   - Node.Lease says yes only while the last confirmed heartbeat is younger than SendWithin by the monotonic clock.
package due
