//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package store

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// lockFile keeps a second program away from a database. It holds the owner's process id for people to read; the lock itself is the
// kernel's and goes with the process, so that a crash leaves nothing to clean up. The file stays: removing it would race.
type lockFile struct{ f *os.File }

// lockPath takes the lock at once or refuses, naming the file and who has it.
func lockPath(path string) (*lockFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		pid, _ := os.ReadFile(path)
		return nil, fmt.Errorf("%s is held by process %s: another server has it open", path, strings.TrimSpace(string(pid)))
	}
	if err := f.Truncate(0); err == nil {
		_, _ = fmt.Fprintln(f, os.Getpid()) // for people only: a full disk does not keep the lock from being one
	}
	return &lockFile{f}, nil
}

// release gives the lock up before the file: closing alone would leave it with a child process that is just being made and has not
// let go of this file yet.
func (l *lockFile) release() error {
	return errors.Join(syscall.Flock(int(l.f.Fd()), syscall.LOCK_UN), l.f.Close())
}
