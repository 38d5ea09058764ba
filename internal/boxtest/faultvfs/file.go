package faultvfs

import (
	"slices"

	"github.com/ncruces/go-sqlite3/vfs"
)

// file is one open file. What SQLite asks of a file beyond vfs.File goes to the real one.
type file struct {
	vfs.File
	v    *VFS
	path string
}

var (
	_ vfs.FileLockState          = (*file)(nil)
	_ vfs.FileHasMoved           = (*file)(nil)
	_ vfs.FileSizeHint           = (*file)(nil)
	_ vfs.FilePersistWAL         = (*file)(nil)
	_ vfs.FilePowersafeOverwrite = (*file)(nil)
	_ vfs.FileSharedMemory       = (*file)(nil)
)

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	f.v.mu.Lock()
	defer f.v.mu.Unlock()
	if err := f.v.fails(Write, f.path); err != nil {
		if f.v.plan.Short && !f.v.off {
			f.v.remember(f, off, len(p)/2)
			n, _ := f.File.WriteAt(p[:len(p)/2], off)
			return n, err
		}
		return 0, err
	}
	f.v.remember(f, off, len(p))
	return f.File.WriteAt(p, off)
}

func (f *file) Sync(flags vfs.SyncFlag) error {
	f.v.mu.Lock()
	defer f.v.mu.Unlock()
	if err := f.v.fails(Sync, f.path); err != nil {
		if f.v.plan.Lose && !f.v.off {
			f.v.lose(f.path)
		}
		return err
	}
	delete(f.v.undo, f.path)
	return nil // nobody pulls this machine's plug: what counts as durable is what was synced by then
}

func (f *file) Truncate(size int64) error {
	f.v.mu.Lock()
	defer f.v.mu.Unlock()
	if err := f.v.fails(Truncate, f.path); err != nil {
		return err
	}
	if now, err := f.File.Size(); err == nil && now > size {
		f.v.remember(f, size, int(now-size))
	}
	return f.File.Truncate(size)
}

// Close keeps the real file open while a power cut may still have to take its bytes back.
func (f *file) Close() error {
	f.v.mu.Lock()
	defer f.v.mu.Unlock()
	for _, list := range f.v.undo {
		if slices.ContainsFunc(list, func(c change) bool { return c.file == f.File }) {
			return f.File.Unlock(vfs.LOCK_NONE)
		}
	}
	return f.File.Close()
}

func (f *file) SharedMemory() vfs.SharedMemory {
	if s, ok := f.File.(vfs.FileSharedMemory); ok {
		return s.SharedMemory()
	}
	return nil
}

func (f *file) LockState() vfs.LockLevel { return f.File.(vfs.FileLockState).LockState() }

func (f *file) HasMoved() (bool, error) { return f.File.(vfs.FileHasMoved).HasMoved() }

// SizeHint allocates nothing: a fault belongs to the write that needs the space.
func (f *file) SizeHint(int64) error { return nil }

func (f *file) PersistWAL() bool { return f.File.(vfs.FilePersistWAL).PersistWAL() }

func (f *file) SetPersistWAL(keep bool) { f.File.(vfs.FilePersistWAL).SetPersistWAL(keep) }

func (f *file) PowersafeOverwrite() bool {
	return f.File.(vfs.FilePowersafeOverwrite).PowersafeOverwrite()
}

func (f *file) SetPowersafeOverwrite(on bool) {
	f.File.(vfs.FilePowersafeOverwrite).SetPowersafeOverwrite(on)
}
