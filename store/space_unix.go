//go:build linux || darwin || freebsd || dragonfly

package store

import "syscall"

// diskUsage asks the file system that holds dir; free is what an ordinary user may still use.
func diskUsage(dir string) (free, total uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), uint64(s.Blocks) * uint64(s.Bsize), nil
}
