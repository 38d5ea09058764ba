// Package crash is the harness that breaks the real program, its disk, its database and its network, and reconciles what was promised with
// what is left.
//
// It holds only tests. They build cmd/signalbox with the faults tag and run it as processes of their own, with a load in another
// process and receivers in a third. The load writes down every signal that was acknowledged, the receivers every webhook that
// arrived, each in a ledger that is synced before the entry counts. No ledger is kept in a process that is killed, and what is
// compared with them is read from the database by this harness, not asked of the program.
//
// One server on the embedded database:
//
//	TestKill          SIGKILL at random moments and at every fault point, all on one data directory
//	TestPowerCut      an image of the file system at one instant, mounted and served; needs root and loop devices
//	TestDiskFull      a small tmpfs, and a disk, that fill up under load, and heal; needs root
//	TestFsyncFails    fsync answers EIO from some moment on; needs strace
//	TestOverload      twice the capacity, open loop
//
// Nodes on one PostgreSQL (internal/boxtest/pgserver), which the load asks in turn:
//
//	TestPostgres_RestartedImmediately    pg_ctl restart -m immediate, again and again
//	TestPostgres_PostmasterKilled        SIGKILL to the postmaster
//	TestPostgres_ConnectionsTerminated   pg_terminate_backend, ten times a second
//	TestPostgres_NetworkAway             latency, resets, timeouts and half-open connections between nodes and database
//	TestNodes_OneOfThreeIsKilled         SIGKILL every five seconds; one stays away until its work is taken over
//	TestNodes_OneOfThreeStandsStill      SIGSTOP past the lease, then SIGCONT
//	TestNodes_WrongClocks                one node an hour ahead, the other an hour behind
//	TestNodes_TwinsAreOneSignal          eight twins of each idempotency key on two nodes that are killed in turn
//	TestNodes_StopUnderLoad              SIGTERM; and TestNodes_RollingRestart of three nodes
//	TestNodes_Definitions…, _ARevokedKey…, _LimitsAreExact, _DeliveriesStart…   what one node does holds on the other
//
// Always: no acknowledged signal is lost and no delivery; what came twice was in the hand of a server that was killed or stood still, and has the same
// webhook-id; nobody has to do anything. A run counts only when the load was heavy enough and every fault has been seen to happen.
//
// Wrong programs must be caught, or the harness shows nothing: one that acknowledges before the commit, on both databases
// (…CatchesAcknowledgingBeforeTheCommit), and one that never syncs (the control of TestPowerCut).
//
// A test that cannot run fails and says why; it is never skipped. The tests run one after the other: each measures time, memory
// or rates of the whole machine. Whatever happens to this process, a janitor of its own unmounts, resets and removes (janitor_test.go).
//
// The counts are flags (main_test.go): go test ./internal/crash -run TestKill -kills=1000.
package crash
