package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"signalbox/archive"
	"signalbox/internal/fault"
)

// Check reads a whole backup and says what is in it; report, if not nil, is told how many bytes are read.
func Check(ctx context.Context, r io.Reader, report func(bytes int64)) (archive.Contents, error) {
	a, err := archive.NewReader(r)
	if err != nil {
		return archive.Contents{}, err
	}
	for {
		_, _, err := a.Next()
		switch {
		case errors.Is(err, io.EOF):
			return a.Contents(), nil
		case err != nil:
			return archive.Contents{}, err
		case ctx.Err() != nil:
			return archive.Contents{}, ctx.Err()
		}
		if report != nil {
			report(a.Offset())
		}
	}
}

// Written is how far a file is.
type Written struct {
	Checking bool  // it is written, and is read again
	Bytes    int64 // written or read
	Total    int64 // of the file, while it is read
}

// ToFile has produce write a backup to a file that only its owner can read. The file has its name only when it is whole, on the disk, and was read again. One
// that is there is replaced only with force.
func ToFile(ctx context.Context, path string, force bool, produce func(io.Writer) error, report func(Written)) (c archive.Contents, err error) {
	part := path + ".part"
	f, err := createPart(path, part, force)
	if err != nil {
		return c, err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			err = errors.Join(err, os.Remove(part))
		}
	}()
	to := &tracked{w: f, report: func(n int64) { report(Written{Bytes: n}) }}
	if err := produce(to); err != nil {
		return c, err
	}
	fault.Point("backup.written")
	if err := f.Sync(); err != nil {
		return c, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return c, err
	}
	c, err = Check(ctx, f, func(n int64) { report(Written{true, n, to.n}) })
	if err != nil {
		return c, fmt.Errorf("the backup was written, but cannot be read again: %w", err)
	}
	if err := f.Close(); err != nil {
		return c, err
	}
	if err := os.Rename(part, path); err != nil {
		return c, err
	}
	return c, syncDir(filepath.Dir(path))
}

// ToStream has produce write a backup to what cannot be read again, and reads it as it passes.
func ToStream(ctx context.Context, w io.Writer, produce func(io.Writer) error) (archive.Contents, error) {
	r, copied := io.Pipe()
	made := make(chan error, 1)
	go func() {
		err := produce(io.MultiWriter(w, copied))
		_ = copied.CloseWithError(err) // nil is the end
		made <- err
	}()
	c, err := Check(ctx, r, nil)
	_ = r.CloseWithError(err) // whoever still writes hears why not
	if madeErr := <-made; madeErr != nil {
		return c, madeErr
	}
	return c, err
}

// createPart makes the file that a backup is written to.
func createPart(path, part string, force bool) (*os.File, error) {
	if dir := filepath.Dir(path); !isDir(dir) {
		return nil, fmt.Errorf("there is no directory %s to put the backup in", dir)
	}
	info, err := os.Lstat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s is a directory: name a file", path)
	case err == nil && !force:
		return nil, fmt.Errorf("%s is there already: give another name, or --force to replace it", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	flags := os.O_RDWR | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_RDWR | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(part, flags, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s is there already: another backup is being written, or one was cut short; remove it, or give --force", part)
	}
	return f, err
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// tracked tells how much went through it.
type tracked struct {
	w      io.Writer
	n      int64
	report func(n int64)
}

func (t *tracked) Write(b []byte) (int, error) {
	k, err := t.w.Write(b)
	t.n += int64(k)
	t.report(t.n)
	return k, err
}
