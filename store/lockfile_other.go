//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package store

import (
	"fmt"
	"os"
)

// lockFile keeps a second program away from a database: where there is no flock, an open file that cannot be removed meanwhile.
type lockFile struct {
	f    *os.File
	path string
}

// lockPath takes the lock at once or refuses, naming the file.
func lockPath(path string) (*lockFile, error) {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("%s is held: another server has it open", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	return &lockFile{f, path}, nil
}

func (l *lockFile) release() error { return l.f.Close() }
