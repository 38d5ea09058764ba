// Package faultvfs is a file layer for SQLite that fails on purpose, over the real one: the n-th write, sync, truncate or open of a
// run gets an error, is cut short, or becomes the moment of a power cut. Tests sweep n from 1 until a run meets no fault any more.
//
// A power cut takes every byte back that no successful sync covered, in all files, and nothing works after it; so does a failed
// sync that loses what it was to save, as kernels do. Names of files are not taken back. The package refuses nothing and is for tests only.
package faultvfs

import (
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/ncruces/go-sqlite3/vfs"
)

// Op is a kind of call that can fail.
type Op uint8

// The kinds of calls that can fail.
const (
	Write Op = iota
	Sync
	Truncate
	Open
	ops
)

func (o Op) String() string { return [...]string{"write", "sync", "truncate", "open"}[o] }

// Plan says which call fails and how.
type Plan struct {
	Op     Op
	N      int    // counted from 1, over all files; 0 never fails
	Err    error  // what it fails with
	Short  bool   // a write puts half of its bytes down before it fails
	Lose   bool   // a sync that fails loses the bytes it was to save
	Sticky bool   // every later call of the kind fails too
	Cut    bool   // the power is cut at this call
	Only   string // counts and fails only in files whose names end so
}

// ErrOff is what every call gets after a power cut.
var ErrOff = errors.New("the power is off")

// VFS is a registered file layer.
type VFS struct {
	name string
	base vfs.VFSFilename

	mu    sync.Mutex
	plan  Plan
	calls [ops]int
	hit   bool
	off   bool
	undo  map[string][]change // what no sync has covered yet, by file
}

// change is how a part of a file was before a call, and who can put it back.
type change struct {
	file vfs.File
	off  int64
	old  []byte
	size int64
}

// Register makes a file layer that fails as planned, under a name for the store's Config.VFS.
func Register(name string, plan Plan) *VFS {
	v := &VFS{name: name, base: vfs.Find("").(vfs.VFSFilename), plan: plan, undo: map[string][]change{}}
	vfs.Register(name, v)
	return v
}

// Unregister forgets the name; every database that uses it must be closed.
func (v *VFS) Unregister() { vfs.Unregister(v.name) }

// Hit says whether the plan's call was reached.
func (v *VFS) Hit() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.hit
}

// Calls says how many calls of a kind there were.
func (v *VFS) Calls(op Op) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.calls[op]
}

// Cut cuts the power now.
func (v *VFS) Cut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.cut()
}

// fails counts a call and says whether it fails, and with what. The caller holds mu.
func (v *VFS) fails(op Op, path string) error {
	if v.off {
		return ErrOff
	}
	if !strings.HasSuffix(path, v.plan.Only) {
		return nil
	}
	v.calls[op]++
	p := v.plan
	if p.N == 0 || op != p.Op || v.calls[op] < p.N || v.calls[op] > p.N && !p.Sticky {
		return nil
	}
	v.hit = true
	if p.Cut {
		v.cut()
		return ErrOff
	}
	return p.Err
}

func (v *VFS) cut() {
	v.off = true
	for path := range v.undo {
		v.lose(path)
	}
}

// lose takes back what no sync of a file has covered. The caller holds mu.
func (v *VFS) lose(path string) {
	list := v.undo[path]
	delete(v.undo, path)
	for i := len(list) - 1; i >= 0; i-- {
		c := list[i]
		if len(c.old) > 0 {
			_, _ = c.file.WriteAt(c.old, c.off)
		}
		_ = c.file.Truncate(c.size)
	}
}

// remember notes how a part of a file is before it changes. The caller holds mu.
func (v *VFS) remember(f *file, off int64, n int) {
	size, err := f.File.Size()
	if err != nil {
		return
	}
	old := make([]byte, max(0, min(int64(n), size-off)))
	if k, err := f.File.ReadAt(old, off); err != nil && !errors.Is(err, io.EOF) || k != len(old) {
		return
	}
	v.undo[f.path] = append(v.undo[f.path], change{f.File, off, old, size})
}

// Open implements vfs.VFS; SQLite calls OpenFilename instead.
func (v *VFS) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return v.base.Open(name, flags)
}

// OpenFilename opens a file whose calls may fail.
func (v *VFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.fails(Open, name.String()); err != nil {
		return nil, flags, err
	}
	f, flags, err := v.base.OpenFilename(name, flags)
	if err != nil {
		return nil, flags, err
	}
	return &file{File: f, v: v, path: name.String()}, flags, nil
}

// Delete implements vfs.VFS.
func (v *VFS) Delete(name string, syncDir bool) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.off {
		return ErrOff
	}
	delete(v.undo, name)
	return v.base.Delete(name, syncDir)
}

// Access implements vfs.VFS.
func (v *VFS) Access(name string, flags vfs.AccessFlag) (bool, error) {
	return v.base.Access(name, flags)
}

// FullPathname implements vfs.VFS.
func (v *VFS) FullPathname(name string) (string, error) { return v.base.FullPathname(name) }
