package store_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"signalbox"
	"signalbox/store"
)

// TestJudge_EveryCode says of each error code what it means while an operation runs, and at a commit.
func TestJudge_EveryCode(t *testing.T) {
	t.Parallel()
	own, notNow, untrusted := store.OwnFault, store.NotNow, store.Untrusted
	cases := []struct {
		err        error
		running    any
		committing any
	}{
		{nil, own, own},
		{errors.New("any other error"), own, own},
		{signalbox.NoSuch("webhook"), own, own},
		{sqlite3.ERROR, own, own},
		{sqlite3.CONSTRAINT, own, own},
		{sqlite3.CONSTRAINT_UNIQUE, own, own},
		{sqlite3.TOOBIG, own, own},
		{sqlite3.MISMATCH, own, own},
		{sqlite3.FULL, notNow, notNow},
		{sqlite3.BUSY, notNow, notNow},
		{sqlite3.BUSY_SNAPSHOT, notNow, notNow},
		{sqlite3.LOCKED, notNow, notNow},
		{sqlite3.PERM, notNow, notNow},
		{sqlite3.PROTOCOL, notNow, notNow},
		{sqlite3.NOMEM, notNow, notNow},
		{sqlite3.INTERRUPT, notNow, notNow},
		{sqlite3.CANTOPEN, notNow, notNow},
		{sqlite3.READONLY, notNow, notNow},
		{sqlite3.IOERR_READ, notNow, notNow},
		{sqlite3.IOERR_WRITE, notNow, notNow},
		{sqlite3.IOERR_TRUNCATE, notNow, notNow},
		{sqlite3.IOERR_SHMSIZE, notNow, notNow},
		{sqlite3.IOERR_SHMMAP, notNow, notNow},
		{sqlite3.IOERR_FSTAT, notNow, untrusted},
		{sqlite3.IOERR_SEEK, notNow, untrusted},
		{sqlite3.IOERR_ACCESS, notNow, untrusted},
		{sqlite3.IOERR_DELETE, notNow, untrusted},
		{sqlite3.IOERR_DELETE_NOENT, notNow, untrusted},
		{sqlite3.IOERR_GETTEMPPATH, notNow, untrusted},
		{sqlite3.IOERR_BLOCKED, notNow, untrusted},
		{sqlite3.IOERR_LOCK, notNow, untrusted},
		{sqlite3.IOERR_RDLOCK, notNow, untrusted},
		{sqlite3.IOERR_CHECKRESERVEDLOCK, notNow, untrusted},
		{sqlite3.IOERR_SHMOPEN, notNow, untrusted},
		{sqlite3.IOERR_SHMLOCK, notNow, untrusted},
		{sqlite3.IOERR_FSYNC, untrusted, untrusted},
		{sqlite3.IOERR_DIR_FSYNC, untrusted, untrusted},
		{sqlite3.IOERR_SHORT_READ, untrusted, untrusted},
		{sqlite3.IOERR_UNLOCK, untrusted, untrusted},
		{sqlite3.IOERR_CLOSE, untrusted, untrusted},
		{sqlite3.IOERR_DATA, untrusted, untrusted},
		{sqlite3.IOERR_CORRUPTFS, untrusted, untrusted},
		{sqlite3.IOERR_COMMIT_ATOMIC, untrusted, untrusted},
		{sqlite3.IOERR_IN_PAGE, untrusted, untrusted},
		{sqlite3.IOERR, untrusted, untrusted},
		{sqlite3.CORRUPT, untrusted, untrusted},
		{sqlite3.CORRUPT_INDEX, untrusted, untrusted},
		{sqlite3.NOTADB, untrusted, untrusted},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.err), func(t *testing.T) {
			t.Parallel()
			err := c.err
			if err != nil {
				err = fmt.Errorf("wrapped: %w", err)
			}
			if got := store.Judge(err, false); got != c.running {
				t.Errorf("while running: %v, want %v", got, c.running)
			}
			if got := store.Judge(err, true); got != c.committing {
				t.Errorf("at a commit: %v, want %v", got, c.committing)
			}
		})
	}
}
