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
//   - No call reads or writes more than about 1,000 rows beyond its page; longer work is a job in slices. A Snapshot is read for as long
//     as it takes, slice by slice.
//   - Two programs never have one embedded database open: a lock file beside it names the owner. A PostgreSQL database may have any number.
//   - A schema that a newer program made is opened where each of its later migrations lets this program work (-- oldest: N), and refused
//     otherwise. A database that a move has left, or has not filled yet, is refused. Both before anything is changed.
//
// # How it works
//
// This and the next section are about the embedded database; PostgreSQL has one of its own below.
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
// # Copies
//
// A whole database is copied row by row through Snapshot and LoadRows, for a backup, a restore or a move (copy.go). tables.go is the catalogue of
// every table and column, held against both schemas by a test. An encoded row is the same bytes whichever database it came from (row.go). The two
// databases keep rows in different orders, each is read in its own, and a Sum over rows does not depend on it. What belongs to one place is in no
// copy: nodes, their leases, and the settings that begin with "store.place.". A program that does not know all of a schema copies nothing of it.
//
// Records that a turn here has read or written are remembered and not read again; the workspace's head tells which ones others have changed since
// (memory.go). So what changes records outside a turn voids what the head tells, in the same transaction (forgetSQL).
//
// # PostgreSQL
//
// With Config.DatabaseURL the same methods work on PostgreSQL 15 or later, for any number of nodes, and the same suite holds both databases
// (internal/boxtest/storesuite). Statements are written once, with numbered parameters; those that must differ stand in one table with the
// reasons (dialect.go). The files that begin with postgres are all that only PostgreSQL needs.
//
//   - A write has a transaction and a connection of its own, READ COMMITTED, each class of work its own few connections (postgres.go). What the
//     single writer gives for nothing is taken by locks there: a turn takes the heads of its workspaces in key order, and those that
//     somebody has only when it asks for one alone; whoever changes a definition takes the head first; a claim takes its lane's due row, then the deliveries that
//     nobody else is taking (SKIP LOCKED); who shows a lease keeps the node's row from changing until its commit.
//   - The operation runs again when the server gave the transaction up for another's sake (40001, 40P01), or its connection broke: it must not
//     count on running once.
//   - A trip to the server costs more than a statement. A statement for many rows is made of the one for one row, with arrays (unnest,
//     postgres_batch.go), and statements that nobody waits for are sent together (postgres_queue.go): a turn takes four trips.
//   - A statement finds its rows by key, always. Plans must not depend on statistics, which a young table does not have: the ways that read a
//     whole table are closed for these connections, and a plan is made once for each of them.
//   - Lock and statement timeouts, the idle transaction's and a deadline for the connection itself end what hangs. A trip that lasts is a reason
//     to ask the server on another connection: one that is slow is waited for, one that is silent is given up within about a second, and while it
//     is away nobody waits (postgres_watch.go). A connection that breaks before its COMMIT costs no
//     caller anything: the operation runs again on another one. What the server cannot do now is Unavailable; nothing there is ever final
//     (Failed is never closed): the server keeps its own promises about its disk, and Open refuses one that runs with fsync or synchronous_commit off.
//   - When the answer to a COMMIT is lost, the outcome is found out before the caller is answered (postgres_outcome.go). An error means that nothing was saved,
//     but for one that wraps ErrOutcomeUnknown.
//   - A node has a number, leased by its token, and a generation. The clock of nodes is the server's. A node that is silent for LeaseFor has
//     its leases ended by the heartbeat of another one, which makes its lanes due; a turn is refused when its node's lease has ended
//     (postgres_nodes.go). Nodes tell each other by NOTIFY what a poll would find later (postgres_news.go).
//   - What an erasure removes leaves the tables at its commit. The server's dead rows go with its autovacuum, its log and its backups with their
//     own keeping: neither is this program's to end, so that an erasure waits for neither.
package store
