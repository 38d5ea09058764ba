package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"signalbox/backup"
	"signalbox/seal"
	"signalbox/store"
)

// Restored is what a restore has done, and RestoreProgress how far it is.
type (
	Restored        = backup.Restored
	RestoreProgress = backup.Progress
)

// RestoreOptions say how a backup is restored.
type RestoreOptions struct {
	Hold   bool                  // what was still to be sent is not
	Force  bool                  // begin anew where a restore was cut short
	Report func(RestoreProgress) // nil: nobody
}

// Restore puts the backup in a file into the configured database, which must be empty. The secret keys that its sealed values need must be there.
func Restore(ctx context.Context, cfg Config, path string, o RestoreOptions) (Restored, error) {
	sc, err := cfg.database()
	if err != nil {
		return Restored{}, err
	}
	cfg = cfg.withDefaults()
	f, err := os.Open(path)
	if err != nil {
		return Restored{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Restored{}, err
	}
	if !info.Mode().IsRegular() {
		return Restored{}, fmt.Errorf("%s is no file: a backup is read twice, first to see that it is whole", path)
	}
	keys, err := cfg.keysForRestore()
	if err != nil {
		return Restored{}, err
	}
	r := backup.Restore{
		File: f, Size: info.Size(), Into: sc, Where: cfg.DataDir, Keys: keys, Hold: o.Hold, Force: o.Force,
		Now: cfg.Now().UTC().Truncate(time.Microsecond), Report: o.Report,
	}
	if sc.DatabaseURL != "" {
		r.Where = store.RedactURL(sc.DatabaseURL)
	} else {
		r.Prepare = func() error { return os.MkdirAll(cfg.DataDir, 0o700) }
	}
	done, err := r.Run(ctx)
	if errors.As(err, new(*backup.KeyError)) {
		return done, cfg.howToGiveKeys(err)
	}
	return done, err
}

// keysForRestore names the keys that are there: none is made.
func (c *Config) keysForRestore() ([]seal.KeyID, error) {
	box, err := c.box(func() (seal.Key, error) { return seal.LoadKeyFile(filepath.Join(c.DataDir, keyFile)) })
	switch {
	case err == nil:
		return box.IDs(), nil
	case errors.Is(err, fs.ErrNotExist) && c.SecretKey == "" && c.SecretKeyFile == "":
		return nil, nil
	}
	return nil, err
}

func (c *Config) howToGiveKeys(err error) error {
	if c.DatabaseURL != "" {
		return fmt.Errorf("%w: set SIGNALBOX_SECRET_KEY or give --secret-key-file (and SIGNALBOX_OLD_SECRET_KEYS, where there is more than one)", err)
	}
	return fmt.Errorf("%w: put its file at %s first, or set SIGNALBOX_SECRET_KEY (and SIGNALBOX_OLD_SECRET_KEYS, where there is more than one)",
		err, filepath.Join(c.DataDir, keyFile))
}
