// Package fit says whom a record suits (contract section 7): ideal customers (ICPs) judge the company, and the personas of the ICP that won judge the
// person. Each is a list of weighted questions in the language of package expr. It is pure: profiles and facts in, verdicts with their reasons out.
//
// It refuses to know where facts come from, whether a code is taken, and what is done about a fit. A model has no history and no clock: what it says
// later is asked of it again.
//
// Filters and excludes are asked before what scores, and nothing is asked once they settled it, so that a profile which cannot fit costs little;
// [Explain] asks everything. Profiles are asked by priority, then code: when the budget of a signal runs out, it was spent on those that come first.
//
// A question whose field is absent is not known, unless it holds all the same: on_missing says what it counts as. One that would cost more than there is
// left is a miss, as one that was answered no, and is not known either. No profile fits on what is not known alone, whatever on_missing says, nor with a
// score of 0: whom nothing speaks for suits nobody.
//
// Invariants:
//   - a score is within 0 and 100, whole, rounded half up, and 0 unless the profile fits; what its answers give adds up to it before it is rounded;
//   - a profile fits exactly when no filter failed, no exclude hit, its coverage is above 0, and of what scores, if there is any that counts, something hit;
//   - those that fit come first: the best score, then the higher priority, then the code; the order in which they are handed in does not matter;
//   - answers stand in the order of the profile's parameters, all of them, asked or not;
//   - Judge and Explain agree on whether a profile fits, its score and the reason, as long as the budget lasts;
//   - a draft is never judged, but by Explain;
//   - a Model never changes and is safe for concurrent use, as its Facts are not.
package fit
