// Package bench measures the real server: it starts the program in a process of its own, drives it over loopback from this one,
// lets a verifying receiver in a third process take what it sends, and measures a bare net/http handler in a fourth, in turn with
// the server, in the same run. A rate of one machine says little; the ratio to the bare handler and the CPU time per signal say more.
//
// It refuses to measure anything but loopback, to count an answer that is not the one the contract promises, and to count a
// delivery whose signature does not verify. It decides nothing: targets are compared, never enforced.
//
// Invariants: the server runs as it ships, every commit synced; a load ends by its time and by its count, whichever comes first; no
// child outlives its parent, because each ends when its standard input does; temporary directories are removed. CPU and memory
// are read from /proc, so they are missing on systems that have none.
package bench
