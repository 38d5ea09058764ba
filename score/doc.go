// Package score says what signals are worth, and where that puts the account and the contact that they are about (contract section 6): points by type and
// rule, halved after a half-life, capped by type, added up, and named by stages. It is pure: sums and moments in, numbers and reasons out.
//
// It refuses to know whose signals they are, what the text of a rule means (its caller answers that), and what is done about a change.
//
// Of the signals of a record two numbers by type are kept, the sum of their points and how many they are, both decayed to one moment ([Sums]); so a score
// is exact at any time after, without a nightly job.
//
// Invariants:
//   - the order in which signals come, and in how many parts their sums are kept, does not matter, to 1e-9 of a point;
//   - a score at a moment is that of the signals up to then under one model;
//   - [Model.Next] is never later than the moment at which decay alone moves the shown score over a threshold, but for its step of a second;
//   - a Model never changes and is safe for concurrent use; a Sums belongs to one goroutine at a time.
package score
