// Package store is all SQL of Signalbox: it keeps what was accepted and answers what is stored. One file per word.
//
// It refuses to decide anything: what follows from a signal is decided elsewhere and saved here whole or not at all (Decide). It reads the
// clock only to date a migration and to end a long scan, makes no ids, sends nothing, and gives no transaction away.
//
// # What it promises
//
//   - What a call acknowledged is on the disk, with all that it caused: a commit is synced (synchronous=FULL) before it is answered.
//   - A failed fsync is final. The kernel may have dropped what it could not write, and the next fsync would succeed: nothing is
//     acknowledged any more, Failed is closed, and the program is to exit; the next start finds the truth. A full disk or a failed write
//     is not final: the transaction is rolled back, callers get Unavailable, and writes work again when there is room (iofault.go).
//   - An error or a panic of one operation costs that operation only: others in the same transaction are committed.
//   - Decisions of a workspace are serial, and its ids grow in the order of commits.
//   - A delivery belongs to one lease at a time. What an ended lease claims, settles or takes is refused or touches no row.
//   - A tenant's rows are read and written under its workspace_id; the statements that cannot are listed with their reasons
//     in statements_test.go.
//   - No call reads or writes more than about 1,000 rows beyond its page; longer work is a job in slices.
//   - Two programs never have one database open: a lock file beside it names the owner.
//
// # How it works
//
// Every write goes through one goroutine with one connection (writer.go). It takes what waits, each class of work its share, runs it
// in one transaction with a savepoint around each operation, commits once, and answers everybody: while one transaction syncs, the next
// one fills. Readers have connections and snapshots of their own and never wait for the writer.
//
// Changes go to a write-ahead log. Copying it into the database file is this room's own work (checkpoint.go): most of it on a second
// connection while the writer goes on, the rest between two transactions; above 48 MiB everybody waits until it is copied.
//
// Deciding looks everything up by key and touches few random pages: a record's state is one narrow row, its timeline a chain through its
// signals, and what a signal caused lies in a range of ids, so that signals, events and deliveries need next to no index.
//
// # The driver
//
// SQLite runs inside the program through github.com/ncruces/go-sqlite3: SQLite compiled to Go, no C compiler. It was chosen over
// modernc.org/sqlite, which is used more, because its file layer is a Go interface that can be wrapped: the sweep in fault_test.go
// fails every single write, sync, truncate and open of a run, and cuts the power at each, and shows that no acknowledged signal is lost.
// It costs a little less per signal besides. The driver is used directly, without database/sql: statements stay compiled, and values
// are bound without boxes on the hot path. Three things of it are to be known:
//
//   - its file layer means to sync the directory of a new log and syncs the log instead, so that Open syncs the directory;
//   - it reports a full disk as IOERR_WRITE, never as FULL;
//   - running out of its memory (256 MiB for each connection) is a panic: inside an operation it costs the operation, elsewhere
//     it ends the program, and nothing that was not committed is acknowledged.
//
// SQLite before 3.51.3 is refused: its log could corrupt when several connections write and copy it at once.
//
// # A second database
//
// Statements are written once, with numbered parameters as PostgreSQL has them, and the few that must differ say so where they stand.
// A second database joins behind the same methods and the same suite (internal/boxtest/storesuite).
package store
