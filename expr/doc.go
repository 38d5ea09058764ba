// Package expr is the one language of conditions, rules and templates (contract section 8): CEL, checked when it is saved, with the rules of comparing
// that package filter has.
//
// A source is parsed and type-checked by the CEL library. Its fields, its parts on `signals` and its helpers are resolved when it is compiled, so that a
// Program knows what it reads. A tree of and, or, not over plain comparisons is asked by closures of our own; every other leaf is a CEL program. Both ways
// read fields and compare by the same functions.
//
// It refuses to know where facts come from, what time it is (Facts.Now says it), and any history of signals: each part on `signals` is an Atom, a question
// on one signal, and who keeps the latest times at which an atom held hands them in (Facts.Times).
//
// Invariants:
//   - a comparison with a missing field, or of unlike types, is false, never an error; a text that is a JSON number compares as a number with a number, a
//     text that is an RFC 3339 time as a time with a time;
//   - null, and "" in a record's own fields (not in its attributes), are missing;
//   - the same program and facts always give the same answer: there is no clock and no deadline, only costs;
//   - what Compile accepts ends within its cost, in time and in memory: regular expressions and whatever makes texts are bounded before they run;
//   - Verdict.Next is never later than the moment at which time alone changes the answer;
//   - values never change the shape of a rendered template: only leaves of its parsed tree are replaced, and keys never.
//
// Numbers are 64-bit integers or doubles: integers beyond 64 bits are printed with their digits and compared as doubles.
package expr
