// Package audience says which audiences an account or a contact belongs to, what entering and leaving is, and when time alone may change that (contract
// section 9). It is pure: facts, what is kept of a record, and now go in; moves and the next moment to ask come out.
//
// It refuses to know where records and signals are stored, whose state is whose, what time it is ([expr.Facts].Now says it), and what is done about a move.
// It refuses conditions on what is no property of the record: a signal while it arrives, and one contact of an account's many. It reads no history: an atom
// that a state never noted is as one that never held, until whoever fills an audience notes the signals of before ([Model.Note]).
//
// Of each record a [State] is kept: for each atom, a question on one signal, the latest moments at which it held, which audiences the record is in, and a
// moment before which time alone changes none of that. With it goes a [Model], the audiences of a workspace made ready.
//
// A state takes at most [MaxState] bytes, whatever comes in: the sum over the atoms of what an atom keeps, and of its memberships. Audiences and conditions
// that would need more are refused by [Compile] as a whole: call it with what would be, before saving.
//
// Invariants:
//   - the order in which signals are noted does not matter, and a signal that is noted again counts once. Two signals of one microsecond count twice, but for
//     one pair in four thousand millions;
//   - the states of several records joined answer as one state that noted the signals of all;
//   - asking only the audiences that a change may touch comes to the same memberships as asking all of them;
//   - the next moment is never later than the first one at which time alone changes a membership, but where a condition costs more than one may: it does not
//     hold, and is asked again within an hour if it reads the time;
//   - nobody leaves or enters because a budget is used up: what was not asked stays as it is, and is asked first a minute later, or at the next change. A signal
//     is noted only for the atoms that its budget pays for;
//   - of an audience that is not ready, or is gone, no move is told;
//   - a Model never changes and is safe for concurrent use; a State belongs to one goroutine at a time, and a copy of one
//     shares what it keeps.
package audience
