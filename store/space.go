package store

import (
	"fmt"
	"path/filepath"
	"sync"
	"time"
)

// The reserve is the part of the disk that signals and changes may not use up: with it, deliveries that were stored are still sent
// and settled, retention can make room and the log can be copied while the doors answer 503 (reliability R4). It is a fiftieth of
// the file system, within these bounds, and what the log holds beside it.
const (
	minReserve = 4 << 20
	maxReserve = 64 << 20
	spaceFor   = 100 * time.Millisecond // how long one look at the disk is believed
)

// space watches the room on the database's file system.
type space struct {
	dir   string
	usage func(dir string) (free, total uint64, err error)

	mu     sync.Mutex
	looked time.Time
	err    error
}

func newSpace(path string, usage func(string) (free, total uint64, err error)) *space {
	if usage == nil {
		usage = diskUsage
	}
	return &space{dir: filepath.Dir(path), usage: usage}
}

// reserve is how much of a file system is kept.
func reserve(total uint64) uint64 { return min(max(total/50, minReserve), maxReserve) }

// check returns nil, or why nothing more may be taken in. uncopied is what the log holds: the database file may have to grow by as much
// before the log's own room is used again. A file system that does not tell how full it is has room.
func (s *space) check(uncopied int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.looked) >= spaceFor {
		s.looked = now
		s.err = nil
		free, total, err := s.usage(s.dir)
		if kept := reserve(total) + uint64(uncopied); err == nil && free < kept {
			s.err = fmt.Errorf("the disk is nearly full: %d bytes are free, and %d are kept for what is stored already", free, kept)
		}
	}
	return s.err
}
