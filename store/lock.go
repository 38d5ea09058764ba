package store

import "io"

// Lock keeps other programs away from what path stands for until it is closed: one that comes meanwhile is refused with an error that names the
// file. It goes with the process, however that ends.
func Lock(path string) (io.Closer, error) {
	l, err := lockPath(path)
	if err != nil {
		return nil, err
	}
	return closer(l.release), nil
}

// closer is a function that closes something.
type closer func() error

// Close calls it.
func (c closer) Close() error { return c() }
