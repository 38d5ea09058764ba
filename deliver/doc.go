// Package deliver sends deliveries to their receivers: lanes, leases, sending, settling.
//
// It refuses to decide what is sent to whom (decide did), what an answer means (retry does), where a request may go (egress
// does) and to hold anything that the deliveries table does not hold: memory may vanish at any moment.
//
// What an automation sends is a delivery too: the webhook that it comes through (KindAction) gives lane, secret and schedule, and its Request says where it goes,
// by HTTP through egress or as an e-mail through a [Mailer]. A lane may so have several receivers, and what memory knows of how one fares (trouble.go) is of all.
//
// # The pattern
//
// A [Sender] keeps one lane per webhook: a queue in memory, and at most MaxInFlight requests at the same time. A delivery
// comes into a lane on one of two ways, leased to this node on both:
//
//   - from memory: intake asks for room before it saves a turn (Reserve), saves the delivery leased, and hands it over after
//     the commit (Send); the hot path never reads it back;
//   - from the table: the store arms a due row in the transaction that leaves a free delivery; due hands the lane over
//     (LaneDue), a claimer leases what is due and queues it, and claims again as the lane drains below half.
//
// A worker takes a delivery from the lane, checks the node's lease, signs, sends, has the answer judged and leaves a
// settlement. One settler saves whatever settlements wait, many at once.
//
// # A free row is always claimed
//
// The due row, not this memory, is what promises that. A free delivery is inserted, and the due row of its lane armed, in one
// transaction; the claim reads the rows and rewrites the due row in another. Writes are serial per row, so either the claim comes
// second and sees the delivery, or the insert comes second and arms the due row again. Nobody else rewrites it: LaneDue
// always answers Kept. Taking a due row moves it on by LeaseFor, so a crash, an error or a claim that found no room repeats
// it. What memory knows of a lane (backlogged, more) only decides who comes first and how soon, and errs harmlessly: a lane that
// thinks itself drained may send a new delivery before an older one, and no order is promised (contract section 12).
//
// A lane is backlogged from a refused reservation, or a claim that left rows, until a claim that left none and during which no
// reservation was refused. While it is, Reserve answers false: rows in the table go first, and memory does not grow.
//
// A reservation may outlive its generation: the row is then saved under a lease that has ended, which no due row tells of.
// Its release settles nothing, and that makes the lane claim for itself.
//
// # Bounds
//
// A lane holds at most Limits.Lane deliveries, all lanes Limits.Items and Limits.Bytes. One lane never holds more than an eighth of
// what is free; lanes whose last answer was slow leave the last eighth to the others, and those that were not answered yet, as after a
// start, the last sixteenth: however many dead receivers there are, a live one finds room. Requests in flight are bounded by
// Limits.Sockets; lanes that wait for one take turns. Those whose last answer was slow share three quarters of them, together with those
// that were not answered yet seven eighths. While such lanes wait, each claims no more than the one delivery that it sends next: so all of
// them find room, and the turns go round. No
// request starts while Limits.LaneUnsettled of its lane or Limits.Unsettled of the node are answered and not settled: that
// many can be sent twice by a crash, with the same webhook-id.
//
// # Concurrency
//
// One mutex guards every lane and counter; nothing waits or does I/O under it. Goroutines: the settler, a few claimers, and one
// worker per request in flight; an idle webhook has none. Run starts and ends them all.
//
// # Invariants
//
//   - a request is sent only under a lease that is this node's now, its heartbeat younger than SendWithin;
//   - every delivery that came in leaves by exactly one settlement, which the store fences by its lease: a stale one
//     changes nothing;
//   - a settlement is kept and tried again until the store takes it, as long as the process lives;
//   - after a clean stop nothing is leased: what was queued or cut is released, uncounted;
//   - after Changed returned, nothing is sent by the old definition but what was in flight already.
package deliver
