package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
)

// Socket is the name of the socket in the data directory.
const Socket = "admin.sock"

// maxPath is the longest path of a socket that systems take: 108 bytes with a zero behind, and fewer where BSD's word is law.
var maxPath = map[bool]int{true: 107, false: 103}[runtime.GOOS == "linux"]

// PathError says that the data directory's path is too long for a socket in it.
type PathError struct{ Path string }

// Error says how long it may be.
func (e *PathError) Error() string {
	return fmt.Sprintf("the path of the socket %s has %d bytes and a socket's may have %d: give --data-dir a shorter path, perhaps a relative one", e.Path, len(e.Path), maxPath)
}

// shortest is the shortest way to write the path of a file in a directory; a name as long as the socket's must fit there besides.
func shortest(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	if abs, err := filepath.Abs(path); err == nil {
		if len(abs) < len(path) {
			path = abs
		}
		if wd, err := os.Getwd(); err == nil {
			if rel, err := filepath.Rel(wd, abs); err == nil && len(rel) < len(path) {
				path = rel
			}
		}
	}
	if len(path) > maxPath {
		return "", &PathError{path}
	}
	return path, nil
}

// listen makes the socket in place of one that a crash left. Nobody else may be listening: the caller has the database's lock.
func listen(dir string) (net.Listener, error) {
	path, err := shortest(dir, Socket)
	if err != nil {
		return nil, err
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("%s is no socket: remove it", path)
	}
	// It is made where nobody else can look, and comes to its place with its mode.
	private, err := os.MkdirTemp(filepath.Dir(path), ".s*") // mode 0700
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(private)
	made := filepath.Join(private, "s")
	if len(made) > maxPath {
		return nil, &PathError{made}
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &socket{l, path}, nil
}

// socket is a listener that takes its file with it.
type socket struct {
	*net.UnixListener
	path string
}

// Close ends listening and removes the file.
func (s *socket) Close() error {
	err := s.UnixListener.Close()
	if errors.Is(err, net.ErrClosed) {
		return err // it was done before
	}
	return errors.Join(err, os.Remove(s.path))
}
