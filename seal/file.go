package seal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// openTo are the permission bits that a key file may not have: anything for
// others, writing for the group. (A group may read: mounted secrets need it.)
const openTo fs.FileMode = 0o027

// LoadKeyFile reads a key from a file, in a form that [ParseKey] takes. A file
// that others can read is refused: the key must be taken as known.
func LoadKeyFile(path string) (Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, fmt.Errorf("read the key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return Key{}, fmt.Errorf("the key file %s is not a regular file", path)
	}
	if mode := info.Mode().Perm(); mode&openTo != 0 && runtime.GOOS != "windows" {
		return Key{}, fmt.Errorf("the key file %s is open to others (mode %04o); run chmod 600 on it, and rotate the key if others could read it", path, mode)
	}
	file, err := os.Open(path)
	if err != nil {
		return Key{}, fmt.Errorf("read the key file: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, 1024))
	if err != nil {
		return Key{}, fmt.Errorf("read the key file: %w", err)
	}
	key, err := ParseKey(string(text))
	if err != nil {
		return Key{}, fmt.Errorf("the key file %s: %w", path, err)
	}
	return key, nil
}

// LoadOrCreateKeyFile is LoadKeyFile for an embedded installation: where there
// is no file, a new key is made, and is on stable storage (file and directory
// synced, mode 0600) before it is returned. Of several callers at once, all get
// the same key. The directory must exist.
func LoadOrCreateKeyFile(path string) (Key, error) {
	key, err := LoadKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKeyFile(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return Key{}, fmt.Errorf("make the key file: %w", err)
		}
		key, err = LoadKeyFile(path)
	}
	if err != nil {
		return Key{}, err
	}
	// Also for a file that was there: whoever made it may have died before this.
	if err := syncDir(filepath.Dir(path)); err != nil {
		return Key{}, fmt.Errorf("sync the key file's directory: %w", err)
	}
	return key, nil
}

// createKeyFile writes the key beside path and links it there: path is never
// seen half-written, and never overwritten.
func createKeyFile(path string) error {
	key, err := NewKey(rand.Reader)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.WriteString(key.Reveal() + "\n")
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	return os.Link(temp.Name(), path)
}

// syncDir makes a new name in a directory durable.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there; NTFS journals names
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
