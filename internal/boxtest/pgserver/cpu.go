package pgserver

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// tick is the unit of /proc's clocks.
const tick = 10 * time.Millisecond

// CPU is the processor time that the server's processes have used, to 10 ms for each of them.
func (s *Server) CPU() time.Duration { return CPUOf(s.Postmaster()) }

// Postmaster is the server's first process: every other one is its child.
func (s *Server) Postmaster() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process.Pid
}

// CPUOf is the processor time that a postmaster of this machine and its children have used, those that have ended too.
func CPUOf(postmaster int) (total time.Duration) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		var pid, parent int
		var user, system, endedUser, endedSystem int64
		_, rest, _ := strings.Cut(string(text), ") ") // the name may hold anything
		fields := strings.Fields(rest)
		if len(fields) < 15 {
			continue
		}
		if _, err := fmt.Sscan(string(text), &pid); err != nil {
			continue
		}
		if _, err := fmt.Sscan(strings.Join([]string{fields[1], fields[11], fields[12], fields[13], fields[14]}, " "),
			&parent, &user, &system, &endedUser, &endedSystem); err != nil {
			continue
		}
		switch postmaster {
		case pid:
			total += time.Duration(user+system+endedUser+endedSystem) * tick
		case parent:
			total += time.Duration(user+system) * tick
		}
	}
	return total
}
