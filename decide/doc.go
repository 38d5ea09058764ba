// Package decide says everything that one turn of inputs causes: which accounts and contacts they are about, what changes, which
// events are made and who gets them, with the bytes frozen. It is pure: the Situation, the inputs and one clock reading in, a
// Decision and an answer per input out. It reads no database, no clock and no network, and starts nothing.
//
// Deciding has three steps. Compile turns a workspace's definitions into what can be asked quickly; Prepare checks and
// normalises one input against them, outside any transaction; Turn folds prepared inputs, in order, into the Situation that the
// store read under the workspaces' heads.
//
// Invariants:
//   - inputs are folded one by one: what the first one makes, the second one finds;
//   - an input that is refused leaves no trace in the Decision;
//   - ids are minted in the order of the fold, so within a workspace a higher id was decided later, and what a signal caused
//     lies between its own id and its CausedTo;
//   - an input prepared under definitions that are no longer in force is not decided but handed back (Outcome.Stale).
package decide
