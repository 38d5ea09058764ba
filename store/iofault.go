package store

import (
	"errors"
	"time"

	"github.com/ncruces/go-sqlite3"

	"signalbox"
)

// verdict is what an error of the database means for what comes after it.
type verdict uint8

const (
	ownFault   verdict       = iota // the operation's own: nothing is wrong with the database
	notNow                          // it could not do it now and nothing was changed; a later write may work again
	untrusted                       // nobody knows what is on the disk: no write is acknowledged any more
	retryAfter = time.Second        // when a caller that was told notNow should come again
)

// Failures of a write, lock or space that leave the database as it was: SQLite has rolled the transaction back, and what it
// had written beyond the end of the log is overwritten by the next commit.
var notNowCodes = map[sqlite3.ExtendedErrorCode]bool{
	sqlite3.IOERR_READ:              true,
	sqlite3.IOERR_WRITE:             true, // also how the file layer reports a full disk (ENOSPC) and a short write
	sqlite3.IOERR_TRUNCATE:          true,
	sqlite3.IOERR_FSTAT:             true,
	sqlite3.IOERR_SEEK:              true,
	sqlite3.IOERR_ACCESS:            true,
	sqlite3.IOERR_DELETE:            true,
	sqlite3.IOERR_DELETE_NOENT:      true,
	sqlite3.IOERR_GETTEMPPATH:       true,
	sqlite3.IOERR_BLOCKED:           true,
	sqlite3.IOERR_LOCK:              true,
	sqlite3.IOERR_RDLOCK:            true,
	sqlite3.IOERR_CHECKRESERVEDLOCK: true,
	sqlite3.IOERR_SHMOPEN:           true,
	sqlite3.IOERR_SHMSIZE:           true,
	sqlite3.IOERR_SHMLOCK:           true,
	sqlite3.IOERR_SHMMAP:            true,
}

// At a commit only these are known to have left nothing behind; any other failure of the file layer comes too late to tell.
var notNowCommits = map[sqlite3.ExtendedErrorCode]bool{
	sqlite3.IOERR_READ:     true,
	sqlite3.IOERR_WRITE:    true,
	sqlite3.IOERR_TRUNCATE: true,
	sqlite3.IOERR_SHMSIZE:  true,
	sqlite3.IOERR_SHMMAP:   true,
}

// judge says what an error means. A failed fsync is final: the kernel may have dropped the pages it could not write, and a second
// fsync would report success for data that is gone, so it is never retried (design, Storage; PostgreSQL's fsyncgate). What is not
// known to be harmless is not trusted.
func judge(err error, committing bool) verdict {
	var primary sqlite3.ErrorCode
	var code sqlite3.ExtendedErrorCode
	if err == nil || !errors.As(err, &primary) || !errors.As(err, &code) {
		return ownFault
	}
	switch primary {
	case sqlite3.IOERR:
		if committing && notNowCommits[code] || !committing && notNowCodes[code] {
			return notNow
		}
		return untrusted
	case sqlite3.CORRUPT, sqlite3.NOTADB:
		return untrusted
	case sqlite3.FULL, sqlite3.BUSY, sqlite3.LOCKED, sqlite3.CANTOPEN, sqlite3.READONLY, sqlite3.PERM, sqlite3.PROTOCOL,
		sqlite3.NOMEM, sqlite3.INTERRUPT:
		return notNow
	}
	return ownFault
}

// unavailable is the refusal that a caller gets when the database cannot take or answer something now.
func unavailable(cause error) error {
	return &signalbox.Error{
		Code:       signalbox.Unavailable,
		Msg:        "the database cannot take this now",
		RetryAfter: retryAfter,
		Err:        cause,
	}
}

// isBusy says whether err only means that a lock was not free.
func isBusy(err error) bool {
	var primary sqlite3.ErrorCode
	return errors.As(err, &primary) && (primary == sqlite3.BUSY || primary == sqlite3.LOCKED)
}
