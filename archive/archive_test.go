package archive_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"signalbox/archive"
)

// head is a header with three tables.
func head() archive.Header {
	return archive.Header{
		MadeAt: time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC), Program: "1.2.3", Source: "embedded", Schema: 4, KeyIDs: []string{"k_0011"},
		Tables: []archive.Table{
			{Name: "settings", Key: 1, Columns: []string{"name text", "value blob"}},
			{Name: "signals", Key: 2, Columns: []string{"workspace_id", "id"}},
			{Name: "due", Key: 1, Columns: []string{"at"}},
		},
	}
}

// write makes an archive of rows by table.
func write(t testing.TB, h archive.Header, rows [][]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := archive.NewWriter(&out, h)
	if err != nil {
		t.Fatal(err)
	}
	for table, list := range rows {
		for _, row := range list {
			if err := w.Row(table, []byte(row)); err != nil {
				t.Fatal(err)
			}
		}
	}
	done, err := w.Close()
	if sum := fmt.Sprintf("%x", sha256.Sum256(out.Bytes())); err != nil || done.Bytes != int64(out.Len()) || done.SHA256 != sum {
		t.Fatalf("%v: wrote %d bytes with SHA-256 %s, and says %+v", err, out.Len(), sum, done)
	}
	if read, err := archive.Check(bytes.NewReader(out.Bytes()), nil); err != nil || !cmp.Equal(read, done) {
		t.Fatalf("read %+v, %v; want %+v", read, err, done)
	}
	return out.Bytes()
}

// read gives all rows of an archive by table.
func read(r io.Reader) (archive.Contents, [][]string, error) {
	rows := make([][]string, len(head().Tables))
	c, err := archive.Check(r, func(table int, row []byte) error {
		rows[table] = append(rows[table], string(row))
		return nil
	})
	return c, rows, err
}

// little is a small archive with several blocks.
func little(t testing.TB) []byte {
	t.Helper()
	return write(t, head(), [][]string{{"a", ""}, {"one", "two", "three"}, {"\x00\xff"}})
}

func TestArchive_HoldsWhatWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		row := rapid.OneOf(
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.Map(rapid.IntRange(0, 200<<10), func(n int) string { return strings.Repeat("x", n) }),
		)
		want := make([][]string, 3)
		for i := range want {
			want[i] = rapid.SliceOfN(row, 0, 12).Draw(rt, fmt.Sprint("table ", i))
			if len(want[i]) == 0 {
				want[i] = nil
			}
		}
		file := write(t, head(), want)
		if again := write(t, head(), want); !bytes.Equal(again, file) {
			rt.Error("the same rows gave another file")
		}
		c, got, err := read(iotest.HalfReader(bytes.NewReader(file)))
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Error(diff)
		}
		if diff := cmp.Diff(head(), c.Header); diff != "" {
			rt.Error(diff)
		}
		n := 0
		for i, s := range c.Sums {
			n += len(want[i])
			if s.Rows != int64(len(want[i])) {
				rt.Errorf("table %d has %d rows, want %d", i, s.Rows, len(want[i]))
			}
		}
		if c.Rows() != int64(n) || c.Bytes != int64(len(file)) {
			rt.Errorf("%d rows in %d bytes, want %d in %d", c.Rows(), c.Bytes, n, len(file))
		}
	})
}

// TestReader_EveryFlippedBitIsSeen flips each bit of a small archive, one at a time.
func TestReader_EveryFlippedBitIsSeen(t *testing.T) {
	t.Parallel()
	file := little(t)
	for at := range file {
		for bit := range 8 {
			bad := bytes.Clone(file)
			bad[at] ^= 1 << bit
			_, _, err := read(bytes.NewReader(bad))
			var damaged *archive.Damaged
			switch {
			case at < len("signalbox archive\n"):
				if !errors.Is(err, archive.ErrNoArchive) {
					t.Errorf("byte %d, bit %d: %v", at, bit, err)
				}
			case !errors.As(err, &damaged):
				t.Errorf("byte %d, bit %d: %v", at, bit, err)
			case damaged.At > int64(at):
				t.Errorf("byte %d, bit %d: it says that everything is right up to byte %d", at, bit, damaged.At)
			}
		}
	}
}

// Cut off anywhere, or longer by anything, it is no whole archive.
func TestReader_EveryLengthButItsOwnIsSeen(t *testing.T) {
	t.Parallel()
	file := little(t)
	for n := range file {
		_, _, err := read(bytes.NewReader(file[:n]))
		var cut *archive.CutOff
		if n == 0 && errors.Is(err, archive.ErrNoArchive) {
			continue
		}
		if !errors.As(err, &cut) || cut.At != int64(n) {
			t.Errorf("%d of %d bytes: %v", n, len(file), err)
		}
	}
	for _, more := range []string{"\x00", "\n", string(file)} {
		_, _, err := read(bytes.NewReader(append(bytes.Clone(file), more...)))
		if !errors.As(err, new(*archive.Damaged)) || !strings.Contains(err.Error(), "behind its end") {
			t.Errorf("with %d bytes more: %v", len(more), err)
		}
	}
}

// frames takes an archive apart.
func frames(file []byte) (list [][]byte) {
	for rest := file[len("signalbox archive\n"):]; len(rest) > 0; {
		n := 13 + int(binary.BigEndian.Uint32(rest[5:])) + 4
		list, rest = append(list, rest[:n]), rest[n:]
	}
	return list
}

func join(list ...[]byte) []byte {
	return append([]byte("signalbox archive\n"), bytes.Join(list, nil)...)
}

// renumber gives a frame another number, with checksums that are right.
func renumber(frame []byte, number uint32) []byte {
	f := bytes.Clone(frame)
	table := crc32.MakeTable(crc32.Castagnoli)
	binary.BigEndian.PutUint32(f[1:], number)
	binary.BigEndian.PutUint32(f[9:], crc32.Checksum(f[:9], table))
	binary.BigEndian.PutUint32(f[len(f)-4:], crc32.Checksum(f[:len(f)-4], table))
	return f
}

// Frames that are whole but not those that were written, or not in their order, are seen.
func TestReader_OtherFramesAreSeen(t *testing.T) {
	t.Parallel()
	f := frames(little(t)) // header, three blocks, footer
	other := frames(write(t, head(), [][]string{{"a", ""}, {"one", "two", "threE"}, {"\x00\xff"}}))
	if len(f) != 5 || len(other) != 5 {
		t.Fatalf("%d and %d frames", len(f), len(other))
	}
	cases := map[string]struct {
		file []byte
		want string
	}{
		"swapped":              {join(f[0], f[2], f[1], f[3], f[4]), "frame 2 stands where frame 1 belongs"},
		"left out":             {join(f[0], f[1], f[3], f[4]), "frame 3 stands where frame 2 belongs"},
		"twice":                {join(f[0], f[1], f[1], f[2], f[3], f[4]), "frame 1 stands where frame 2 belongs"},
		"no header":            {join(f[1:]...), "frame 1 stands where frame 0 belongs"},
		"footer first":         {join(f[0], renumber(f[4], 1)), "SHA-256"},
		"header again":         {join(f[0], renumber(f[0], 1), f[4]), `of kind 'H'`},
		"block for header":     {join(renumber(f[1], 0)), "where the header belongs"},
		"another's block":      {join(f[0], f[1], other[2], f[3], f[4]), "SHA-256"},
		"another's footer":     {join(f[0], f[1], f[2], f[3], other[4]), "SHA-256"},
		"a table goes back":    {join(f[0], renumber(f[2], 1), renumber(f[1], 2)), "after one of table 1"},
		"left out, renumbered": {join(f[0], f[1], renumber(f[3], 2), renumber(f[4], 3)), "SHA-256"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := read(bytes.NewReader(tc.file))
			if !errors.As(err, new(*archive.Damaged)) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestReader_RefusesWhatIsNoArchive(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing": "", "text": "hello", "a database": "SQLite format 3\x00" + strings.Repeat("\x00", 100), "gzip": "\x1f\x8b\x08\x00",
	} {
		if _, _, err := read(strings.NewReader(text)); !errors.Is(err, archive.ErrNoArchive) {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := errors.New("the disk says no")
	for _, n := range []int{0, 30, 500} {
		_, _, err := read(io.MultiReader(bytes.NewReader(little(t)[:n]), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

// A later version of the format is refused politely, a frame with a right checksum.
func TestReader_RefusesALaterFormat(t *testing.T) {
	t.Parallel()
	f := frames(little(t))
	later := bytes.Replace(f[0], []byte(`"format":1`), []byte(`"format":2`), 1)
	_, _, err := read(bytes.NewReader(join(renumber(later, 0))))
	if err == nil || !strings.Contains(err.Error(), "format 2") || errors.As(err, new(*archive.Damaged)) {
		t.Error(err)
	}
}

// What a file claims is not believed: it takes no more memory than a block may.
func TestReader_TakesBoundedMemory(t *testing.T) {
	bomb := func(size uint64, packed []byte) []byte {
		text := binary.AppendUvarint(nil, 0)
		text = binary.AppendUvarint(text, 1)
		text = append(binary.AppendUvarint(text, size), packed...)
		frame := append([]byte{'B', 0, 0, 0, 1}, binary.BigEndian.AppendUint32(nil, uint32(len(text)))...)
		frame = append(append(frame, 0, 0, 0, 0), text...)
		return renumber(append(frame, 0, 0, 0, 0), 1)
	}
	f := frames(little(t))
	packed := f[1][13+3 : len(f[1])-4]
	claim := renumber(append([]byte{'B', 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0}, 0, 0, 0, 0), 1)
	for name, file := range map[string][]byte{
		"a block of an exabyte":      join(f[0], bomb(1<<60, packed)),
		"a block shorter than said":  join(f[0], bomb(30<<20, packed)),
		"a block longer than said":   join(f[0], bomb(1, packed)),
		"a frame of 32 MiB, cut off": join(f[0], claim),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := read(bytes.NewReader(file))
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: it was read", name)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
			t.Errorf("%s: took %d bytes", name, took)
		}
	}
}

func TestWriter_RefusesWhatItCouldNotRead(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]archive.Header{
		"no table": {}, "a table twice": {Tables: []archive.Table{{Name: "a"}, {Name: "a"}}}, "no name": {Tables: []archive.Table{{}}},
		"too long": {Program: strings.Repeat("x", 1<<20), Tables: []archive.Table{{Name: "a"}}},
	} {
		if _, err := archive.NewWriter(io.Discard, h); err == nil {
			t.Errorf("%s: it was begun", name)
		}
	}
	w, err := archive.NewWriter(io.Discard, head())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Row(1, []byte("row")); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"a table before": w.Row(0, nil), "no such table": w.Row(3, nil), "too long": w.Row(1, make([]byte, archive.MaxRow+1)),
	} {
		if err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	if _, err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := w.Row(2, nil); err == nil {
		t.Error("a row was taken after the end")
	}
}

// A row as long as may be, that cannot be packed, is held.
func TestArchive_HoldsTheLongestRow(t *testing.T) {
	t.Parallel()
	row := make([]byte, archive.MaxRow)
	source := rand.New(rand.NewPCG(1, 2))
	for i := 0; i < len(row); i += 8 {
		binary.LittleEndian.PutUint64(row[i:], source.Uint64())
	}
	want := [][]string{nil, {"short", string(row), "short"}, {"end"}}
	_, got, err := read(bytes.NewReader(write(t, head(), want)))
	if err != nil || !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("it came back otherwise: %v", err)
	}
}

// full takes so many bytes and then fails.
type full struct{ left int }

var errFull = errors.New("no space left")

func (f *full) Write(b []byte) (int, error) {
	if len(b) > f.left {
		n := f.left
		f.left = 0
		return n, errFull
	}
	f.left -= len(b)
	return len(b), nil
}

// Wherever writing fails, the writer says so and never that it is done.
func TestWriter_AFailedWriteIsFinal(t *testing.T) {
	t.Parallel()
	whole := len(little(t))
	for room := range whole + 1 {
		w, err := archive.NewWriter(&full{room}, head())
		if err == nil {
			for table, rows := range [][]string{{"a", ""}, {"one", "two", "three"}, {"\x00\xff"}} {
				for _, row := range rows {
					_ = w.Row(table, []byte(row)) // an error stays
				}
			}
			_, err = w.Close()
		}
		if want := room < whole; errors.Is(err, errFull) != want || (err == nil) == want {
			t.Errorf("room for %d of %d bytes: %v", room, whole, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	parts := frames(little(f))
	f.Add(join(parts...), false)
	f.Add(join(parts[0], renumber(parts[4], 1)), false)
	f.Add(parts[1][13:len(parts[1])-4], true)
	f.Fuzz(func(t *testing.T, text []byte, block bool) {
		if block { // with checksums that are right it gets further in
			frame := binary.BigEndian.AppendUint32([]byte{'B', 0, 0, 0, 1}, uint32(len(text)))
			frame = append(append(frame, 0, 0, 0, 0), text...)
			text = join(parts[0], renumber(append(frame, 0, 0, 0, 0), 1), renumber(parts[4], 2))
		}
		c, err := archive.Check(bytes.NewReader(text), nil)
		if err == nil && c.Bytes != int64(len(text)) {
			t.Errorf("it is whole with %d of %d bytes", c.Bytes, len(text))
		}
	})
}
