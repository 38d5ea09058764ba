// Package journal keeps the log of requests that were refused, repeated or not understood whole: it takes notes of them and stores them a moment later.
//
// It refuses to know what a request was (the doors say it), to keep bodies or secrets, and to be in anybody's way: Note never waits, never fails and
// never touches the database.
//
// # Bounds
//
// A flood of refusals must not fill the disk, nor the memory. Each workspace may have Burst rows at once and PerMinute after that; what comes beyond
// is folded: of one operation, status and code a single row every FoldEvery, which says how many requests it stands for and what the latest was told.
// What waits to be stored is bounded, too, and folded beyond. So however much is refused, a workspace adds at most some 90,000 rows a day, and
// nothing is uncounted.
//
// # Invariants
//
//   - rows are stored within about StoreEvery, at most Chunk to a write, on the class of slow work: signals never wait for them;
//   - while the database cannot take them they wait, and are folded when they are many;
//   - a folded row names nobody: no domain, no e-mail, no signal;
//   - after Run returned, what was noted before is stored, or was lost with the database's own trouble, and said so.
package journal
