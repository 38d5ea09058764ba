// Package retry judges an attempt to deliver: done, again at such a time, or never again, and why.
//
// It is pure: what the attempt brought, the delivery, the schedule, the time and the jitter come in, a [Verdict] goes out. It
// refuses to send, to wait, to read a clock and to roll dice.
//
// Invariants:
//   - any 2xx delivers, and nothing else does (S1-33), be it of HTTP or of SMTP;
//   - an answer that no attempt can change is final: 410 of a receiver, most of Slack's 4xx, a mail server's 5yz;
//   - a retry is never due before its schedule says, nor before what Retry-After asks for, and at most a tenth later;
//   - an attempt that we cut short ourselves is never counted against the receiver (contract section 12);
//   - an attempt asked for by hand never changes the schedule;
//   - an open verdict (Pending, Retrying) has a DueAt, a final one has none.
package retry
