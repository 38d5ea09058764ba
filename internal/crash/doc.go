// Package crash is the harness that kills the real program and reconciles what it promised with what is left.
//
// It holds only tests. They build cmd/signalbox with the faults tag and run it as a process of its own, with a load in a second
// process and receivers in a third. The load writes down every signal that was acknowledged, the receivers every webhook that
// arrived, each in a ledger that is synced before the entry counts. No ledger is kept in the process that is killed, and what is
// compared with them is read from the database file by this harness, not asked of the program.
//
//	TestKill          SIGKILL at random moments and at every fault point, all on one data directory
//	TestPowerCut      an image of the file system at one instant, mounted and served; needs root and loop devices
//	TestDiskFull      a small tmpfs, and a disk, that fill up under load, and heal; needs root
//	TestFsyncFails    fsync answers EIO from some moment on; needs strace
//	TestOverload      twice the capacity, open loop
//
// Two wrong programs must be caught, or the harness shows nothing: one that acknowledges before the commit
// (TestKill_CatchesAcknowledgingBeforeTheCommit) and one that never syncs (the control of TestPowerCut).
//
// A test that cannot run fails and says why; it is never skipped. The tests run one after the other: each measures time, memory
// or rates of the whole machine. Whatever happens to this process, a janitor of its own unmounts, resets and removes (janitor_test.go).
//
// The counts are flags: go test ./internal/crash -run Kill -kills=1000.
package crash
