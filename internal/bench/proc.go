package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc: USER_HZ is 100 on every Linux.
const tick = 10 * time.Millisecond

var errProc = errors.New("/proc reads differently than on Linux")

// cpuTime is the CPU time that a process has used, user and system together.
func cpuTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The command's name may hold anything; the fields are counted from the parenthesis that ends it.
	end := strings.LastIndexByte(string(text), ')')
	fields := strings.Fields(string(text[end+1:]))
	if end < 0 || len(fields) < 13 {
		return 0, errProc
	}
	return ticks(fields[11], fields[12])
}

// machineTime is the CPU time that all processes have used since the machine started.
func machineTime() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, errProc
	}
	return ticks(fields[1], fields[2], fields[3], fields[6], fields[7], fields[8]) // not idle, not iowait
}

func ticks(fields ...string) (sum time.Duration, err error) {
	for _, f := range fields {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, errProc
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// memory is the resident memory of a process, now and at its highest, in bytes.
func memory(pid int) (resident, peak int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[2] != "kB" {
			continue
		}
		n, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return 0, 0, errProc
		}
		switch fields[0] {
		case "VmRSS:":
			resident = n << 10
		case "VmHWM:":
			peak = n << 10
		}
	}
	if resident == 0 {
		return 0, 0, errProc
	}
	return resident, peak, nil
}

// fileSystem names the kind of file system that a directory lies on, "" when it cannot be told: on tmpfs a sync costs nothing.
func fileSystem(dir string) string {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return ""
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return ""
	}
	best, kind := "", ""
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		point := strings.TrimSuffix(fields[1], "/")
		if (dir == point || strings.HasPrefix(dir, point+"/")) && len(point) >= len(best) {
			best, kind = point, fields[2]
		}
	}
	return kind
}

// dirBytes sums the files of a directory.
func dirBytes(dir string) (sum int64) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
	}
	return sum
}
