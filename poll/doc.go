// Package poll keeps the streams of linked accounts: it has their records fetched, compares each with what is kept of it, and hands the differences, slice
// by slice, to whoever saves them with the events that they are (contract section 13).
//
// It refuses to know SQL ([Store] does), how records are fetched ([Source] does), what becomes of a difference (the transaction that saves a slice makes
// events and signals of it), and what is in a record: of each it keeps the id and keyed prints, nothing else (S4-5).
//
// # A run
//
// A run walks through the pages of a source. For each page it asks for the rows of the records that came, compares, and saves a slice: the new prints, what
// differs, the counts, and where the next page begins. So created and updated are told as pages arrive, memory holds one page, and a program that dies goes on at
// the page after the last slice. Each row says in which run, and in which walk of it, its record came last.
//
// At the last page the run knows how many records are missing: those that are known, less those that came. Whether the walk proves that they are gone is
// judged ([evidence]); where it does not, each one is asked for by its id, or the pages are walked through once more in the same run. Then the [Guard]
// is asked. Then the missing rows are settled in slices by the order of their keys: counted as missing once more, deleted and told, or held back.
//
// # What a deletion takes
//
//   - the walk has reached the last page, and nothing failed in the run;
//   - where the source tells a total, as many records came, and the total stood still; where it does not, the last page held a record;
//   - where records may move between pages while one reads (Source.Shifts), or one of the above does not hold, the record is asked for by its id, or a second
//     walk of the same run has seen exactly the same records;
//   - the record was missing in Stream.Confirm complete runs in a row;
//   - the guard passes, or somebody has approved the quarantine.
//
// # Baselines
//
// The first complete run tells nothing, unless the stream says so, and likewise the first one after a change of the Fingerprint. A print names the
// Fingerprint under which it was made: one that was made under another is replaced without a word whenever its record comes, also when the baseline was cut short.
//
// # Quarantine
//
// A run that the guard holds back is quarantined, and is the stream's quarantine until it is closed. Runs go on meanwhile; those that the guard would hold
// back, too, delete nothing and ask nobody again. Approving deletes what has not come since the quarantined run; discarding marks the same rows as kept, so that they
// count neither as known nor as missing until they come again. A later run that the guard lets pass closes it.
//
// # Who works
//
// A stream has a due row. Whichever node takes it queues the stream in memory and lets the row fire again after its lease, so that a stream that waits at a
// busy node is begun by another one. Beginning claims the stream for the node's lease (number and generation): one run at a time over all nodes, for as long as the
// node lives. Every slice is fenced by that lease, by the stream's version, so that a change of its definition stops a run at its next
// slice, and by the run's step, so that a slice is saved once.
//
// A [Runner] works on few streams at the same time (DefaultSlots). The next one is of the workspace with the fewest at work; a long run gives its place
// back between two slices while others wait.
//
// # Invariants
//
//   - no deletion is told of a run that has failed, and none that was not proven;
//   - what is told of a record alternates as its snapshot does: created, updated any number of times, deleted. Each difference is told once;
//   - the counts of a run add up after every slice (signalbox.SyncRun.Balanced);
//   - nothing is held per record but for one page, and for at most maxByID ids that are asked for one by one;
//   - no slice holds more than signalbox.SliceRows rows.
package poll
