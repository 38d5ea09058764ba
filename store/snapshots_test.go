package store_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"signalbox"
	"signalbox/internal/boxtest/storesuite"
	"signalbox/store"
)

// tenFields is how long the print of a record of ten fields is (package poll).
const tenFields = 1 + 4 + 16 + 1 + 10*9

// What is kept of a record of ten fields with an id of 36 characters: on the embedded database a row of about 190 bytes, on PostgreSQL one of about 210 and its key's
// entry in the index. Pages that ids in no order leave a part of empty are counted, too.
func TestSnapshots_TakeLittle(t *testing.T) {
	t.Parallel()
	const records = 20_000
	for name, c := range map[string]struct {
		pg   bool
		size string
		most int64
	}{
		"SQLite":     {false, "SELECT CAST((SELECT * FROM pragma_page_count()) * 4096 AS TEXT)", 240},
		"PostgreSQL": {true, "SELECT pg_total_relation_size('snapshots')::text", 360},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := storesuite.NewBox(t, open(t, c.pg), storesuite.Start)
			size := func() int64 {
				text, err := store.Texts(t.Context(), b.DB, c.size)
				b.Must(err)
				n, err := strconv.ParseInt(text[0], 10, 64)
				b.Must(err)
				return n
			}
			stream := b.NewStream(b.NewLinked().ID)
			before := size()
			random := rand.New(rand.NewPCG(1, 2))
			b.FillSnapshots(stream.ID, records, func(int) signalbox.Snapshot {
				sum := sha256.Sum256(fmt.Append(nil, random.Uint64()))
				print := make([]byte, tenFields)
				for i := range print {
					print[i] = byte(random.Uint32())
				}
				return signalbox.Snapshot{Record: fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]), Print: print}
			})
			each := (size() - before) / records
			t.Logf("%d bytes for each record", each)
			if each > c.most {
				t.Errorf("%d bytes for each record, at most %d", each, c.most)
			}
		})
	}
}
