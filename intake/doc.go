// Package intake turns what waits at the doors into turns: it fills one, has it decided and saved in one transaction, answers
// every waiter, and hands the deliveries it reserved to the sender. It decides nothing itself (decide does) and knows no SQL.
//
// While one turn commits, the next one fills; there is no artificial delay. A turn takes at most MaxTurn inputs, 8 MiB and
// 20,000 rows, round-robin over the workspaces that wait, and inputs of the batch door fill at most half of it while single ones
// wait. At most 16,384 inputs and 64 MiB wait, a quarter of each for one workspace; beyond that the answer is Overloaded at once.
//
// Invariants:
//   - an answer is given after the commit that holds the input and all that it causes, never before;
//   - an input whose deciding panics costs its own waiter only: the turn runs again without it;
//   - a turn that cannot be saved is halved until the culprit is alone;
//   - a dry run is decided like any other batch, in a turn of its own that is dropped: it saves nothing, tells nobody and waits in no line;
//   - an input prepared under definitions that have changed since is prepared again, never decided by the old ones.
package intake
