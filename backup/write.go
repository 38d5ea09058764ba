package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"signalbox"
	"signalbox/archive"
	"signalbox/internal/fault"
	"signalbox/seal"
	"signalbox/store"
)

// Source says where an archive's rows come from.
type Source struct {
	MadeAt  time.Time // when it was begun
	Program string    // this program's version
	Kind    string    // of database
	Probe   string    // the setting that holds the probe that the secret key is held against
}

// Write writes all of a snapshot to w.
func Write(ctx context.Context, s *store.Snapshot, w io.Writer, from Source) (archive.Contents, error) {
	keys, err := keysOf(s, from.Probe)
	if err != nil {
		return archive.Contents{}, err
	}
	h := archive.Header{MadeAt: from.MadeAt.UTC().Truncate(time.Second), Program: from.Program, Source: from.Kind, Schema: s.Version(), KeyIDs: keys}
	tables := store.Tables()
	for _, t := range tables {
		h.Tables = append(h.Tables, archive.Table{Name: t.Name, Key: t.Key, Columns: t.Words()})
	}
	a, err := archive.NewWriter(w, h)
	if err != nil {
		return archive.Contents{}, err
	}
	for i, t := range tables {
		var after []byte
		for more := true; more; more = after != nil {
			if err := ctx.Err(); err != nil {
				return archive.Contents{}, err
			}
			after, err = s.Rows(t.Name, after, signalbox.SliceRows, func(row []byte) error { return a.Row(i, row) })
			if err != nil {
				return archive.Contents{}, err
			}
			fault.Point("backup.rows")
		}
	}
	return a.Close()
}

// keysOf names the keys that a database's sealed values need, sorted.
func keysOf(s *store.Snapshot, probe string) (list []string, err error) {
	headers, err := s.SealedHeaders(seal.HeaderSize)
	if err != nil {
		return nil, err
	}
	value, err := s.Setting(probe)
	if err != nil {
		return nil, err
	}
	if len(value) >= seal.HeaderSize {
		headers = append(headers, value[:seal.HeaderSize])
	}
	return Keys(headers), nil
}

// Keys names the keys that sealed values of these beginnings need, sorted. A beginning of no sealed value names none: no key opens it.
func Keys(headers [][]byte) []string {
	list := []string{}
	for _, h := range headers {
		if id, err := seal.HeaderKey(h); err == nil {
			list = append(list, string(id))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// KeyError says that keys are missing.
type KeyError struct {
	What    string // needs them
	Missing []string
	Have    []seal.KeyID
}

// Error names the keys that are wanted.
func (e *KeyError) Error() string {
	var given []string
	for _, id := range e.Have {
		given = append(given, string(id))
	}
	have := "none is given"
	switch len(given) {
	case 0:
	case 1:
		have = "the given one is " + given[0]
	default:
		have = "the given ones are " + sentence(given)
	}
	return fmt.Sprintf("%s needs the secret key %s, and %s", e.What, sentence(e.Missing), have)
}

// CheckKeys says which of the wanted keys are not among those that are there; nil when all are. what is that which needs them.
func CheckKeys(what string, want []string, have []seal.KeyID) error {
	var missing []string
	for _, id := range want {
		if !slices.Contains(have, seal.KeyID(id)) {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &KeyError{what, missing, have}
}

// sentence joins names for people.
func sentence(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// errChanged says that a file is not the one that was checked.
var errChanged = errors.New("the archive changed while it was being restored")
