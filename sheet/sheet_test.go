package sheet_test

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"signalbox/sheet"
)

// readAll reads every row.
func readAll(in io.Reader) (rows [][]string, lines []int, err error) {
	r := sheet.NewReader(in)
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, lines, nil
		}
		if err != nil {
			return rows, lines, err
		}
		rows, lines = append(rows, row.Cells), append(lines, row.Line)
	}
}

// naughty are values that have broken somebody's CSV.
var naughty = []string{
	"", " ", "  a ", "'", "''", "'a", "'=1", "''=1", `"`, `""`, `"a"`, `a"b`, ",", ";", "a,b", "\n", "\r", "\r\n", "a\r\nb\rc\nd", "\t", "\ta", "a\t",
	"=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "＝1+1", "＋1", "－1", "＠x", "\ufeff", "\ufeffid", "null", "NULL", "true", "0", "007", "1e5",
	"12345678901234567890", "-0", "NaN", "sep=;", "#N/A", "é", "e\u0301", "日本語", "🏳️‍🌈", "\u202eabc", "\u2028", "\u0085", "\u00a0", "\x01\x7f", "Ω≈ç√", "<script>alert(1)</script>",
	`{"a":"b,c","d":[1,"\n"]}`, `\`, `\"`, `\n`, strings.Repeat("x", 70_000), strings.Repeat(`"`, 1000), "'+", "'\t", "'\r\nx", "-", "=",
}

func TestRead_GivesBackWhatWasWritten(t *testing.T) {
	t.Parallel()
	var file []byte
	var want [][]string
	for _, a := range naughty {
		for _, b := range []string{"", "x", a} {
			file = sheet.AppendRow(file, a, b, a)
			want = append(want, []string{a, b, a})
		}
	}
	got, _, err := readAll(iotest.OneByteReader(strings.NewReader(string(file))))
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for _, cell := range naughty {
		got, _, err := readAll(strings.NewReader(string(sheet.AppendRow(nil, cell))))
		if err != nil || len(got) != 1 || got[0][0] != cell {
			t.Errorf("%q alone is read as %q, %v", cell, got, err)
		}
	}
}

// drawn is any text that a cell may be, often of what means something in a file.
func drawn(t *rapid.T, label string) string {
	return rapid.OneOf(
		rapid.SampledFrom(naughty),
		rapid.StringOf(rapid.SampledFrom([]rune("'=+-@\t\r\n\",; a＝\ufeff"))),
		rapid.Map(rapid.String(), func(s string) string { return strings.ReplaceAll(s, "\x00", "") }),
	).Draw(t, label)
}

func TestRead_AnyRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 4).Draw(t, "width")
		var file []byte
		var want [][]string
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			row := make([]string, width)
			for i := range row {
				row[i] = drawn(t, "cell")
			}
			file = sheet.AppendRow(file, row...)
			want = append(want, row)
		}
		got, _, err := readAll(strings.NewReader(string(file)))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%v %s", err, diff)
		}
	})
}

func TestDefuse_RunsNothingAndIsTakenBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cell := drawn(t, "cell")
		safe := sheet.Defuse(cell)
		if got := sheet.Restore(safe); got != cell {
			t.Fatalf("%q became %q and came back as %q", cell, safe, got)
		}
		if safe != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(safe)[0]) {
			t.Fatalf("%q became %q, which a spreadsheet runs", cell, safe)
		}
	})
	for cell, want := range map[string]string{
		"=1": "'=1", "'=1": "''=1", "''=1": "'''=1", "'a": "'a", "'": "'", "O'Neil": "O'Neil", "-5": "'-5", "": "", "a=1": "a=1", "＠x": "'＠x",
	} {
		if got := sheet.Defuse(cell); got != want {
			t.Errorf("%q became %q, want %q", cell, got, want)
		}
	}
	for _, foreign := range []string{"'a", "'", "''", "O'Neil"} { // apostrophes of others' files that Defuse did not put there
		if got := sheet.Restore(foreign); got != foreign {
			t.Errorf("%q lost its apostrophe: %q", foreign, got)
		}
	}
}

func TestRead_TakesWhatOthersWrite(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, file string
		want       [][]string
		lines      []int
	}{
		{"nothing", "", nil, nil},
		{"line ends of both kinds and none at the end", "a,b\r\n1,2\n3,4", [][]string{{"a", "b"}, {"1", "2"}, {"3", "4"}}, []int{1, 2, 3}},
		{"a mark of UTF-8", "\ufeffa,b\n1,2\n", [][]string{{"a", "b"}, {"1", "2"}}, []int{1, 2}},
		{"empty lines", "\n\na,b\n\r\n1,2\n\n", [][]string{{"a", "b"}, {"1", "2"}}, []int{3, 5}},
		{"rows of several lines", "a,b\n\"x\r\n\r\ny\",2\n3,\"4\n\"\n5,6", [][]string{{"a", "b"}, {"x\r\n\r\ny", "2"}, {"3", "4\n"}, {"5", "6"}}, []int{1, 2, 5, 7}},
		{"quotes around all", `"a","b"` + "\n" + `"","say ""hi"""`, [][]string{{"a", "b"}, {"", `say "hi"`}}, []int{1, 2}},
		{"spaces are kept", " a ,b \n", [][]string{{" a ", "b "}}, []int{1}},
		{"empty cells", ",\n,", [][]string{{"", ""}, {"", ""}}, []int{1, 2}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rows, lines, err := readAll(strings.NewReader(c.file))
			if diff := cmp.Diff(c.want, rows); err != nil || diff != "" || !slices.Equal(lines, c.lines) {
				t.Errorf("%v, lines %v, want %v %s", err, lines, c.lines, diff)
			}
		})
	}
}

func TestRead_AnotherSeparator(t *testing.T) {
	t.Parallel()
	r := sheet.NewReader(strings.NewReader("a;b\n\"x;y\";1,5\n"))
	r.Comma = ';'
	first, err1 := r.Read()
	second, err2 := r.Read()
	if err1 != nil || err2 != nil || !slices.Equal(first.Cells, []string{"a", "b"}) || !slices.Equal(second.Cells, []string{"x;y", "1,5"}) {
		t.Errorf("%v %v, %v %v", first, err1, second, err2)
	}
}

func TestRead_RefusesWithTheLine(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, file string
		line       int
		says       string
	}{
		{"UTF-16, little end first", "\xff\xfea\x00,\x00", 1, "UTF-16"},
		{"UTF-16, big end first", "\xfe\xff\x00a", 1, "UTF-16"},
		{"UTF-16 without a mark", "a\x00,\x00b\x00", 1, "UTF-16"},
		{"bytes that are no UTF-8", "a,b\n1,2\nM\xfcller,3\n", 3, "byte 2 is not UTF-8"},
		{"bytes that are no UTF-8 in quotes", "a,b\n\"x\ny\xff\",2\n", 3, "not UTF-8"},
		{"a NUL", "a,b\n1,2\x003\n", 2, "NUL"},
		{"fewer cells", "a,b,c\n1,2,3\n1,2\n", 3, "there are 2 cells, but the first row has 3"},
		{"more cells", "a,b\n1,2,3\n", 2, "there are 3 cells, but the first row has 2"},
		{"one cell", "a,b\n\nx\n", 3, "there is 1 cell, but the first row has 2"},
		{"a quote inside a cell", "a,b\n5\" disk,2\n", 2, "quote inside the cell \"5\\\" disk\""},
		{"text behind a closing quote", "a,b\n\"x\"y,2\n", 2, "follows a closing quote"},
		{"a quote that is never closed", "a,b\n1,\"2\n3,4\n", 2, "never closed"},
		{"a missing quote in a long file", "a,b\n1,\"2\n" + strings.Repeat("3,4\n", sheet.MaxRow/4), 2, "is a closing quote missing?"},
		{"a line without end", "a,b\n" + strings.Repeat("x", sheet.MaxRow+1), 2, "longer than"},
		{"line ends of old Macs", "a,b\r1,2\r", 1, "carriage return"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := readAll(strings.NewReader(c.file))
			var bad *sheet.Error
			if !errors.As(err, &bad) || bad.Line != c.line || !strings.Contains(bad.Msg, c.says) {
				t.Errorf("got %v, want line %d saying %q", err, c.line, c.says)
			}
		})
	}
}

func TestRead_FailsAsItsSourceDoesAndStaysFailed(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk")
	r := sheet.NewReader(io.MultiReader(strings.NewReader("a,b\n1,2\n\"3"), iotest.ErrReader(broken)))
	for range 2 {
		if _, err := r.Read(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, err := r.Read(); !errors.Is(err, broken) {
			t.Errorf("got %v, want the source's error", err)
		}
	}
}

func TestRead_OffsetIsHowFarItIs(t *testing.T) {
	t.Parallel()
	file := "\ufeffa,b\n\"x\ny\",2\n3,4\n"
	r := sheet.NewReader(strings.NewReader(file))
	var got []int64
	for {
		if _, err := r.Read(); err != nil {
			break
		}
		got = append(got, r.Offset())
	}
	if want := []int64{7, 15, 19}; !slices.Equal(got, want) || r.Offset() != int64(len(file)) {
		t.Errorf("%v, then %d of %d", got, r.Offset(), len(file))
	}
}

// FuzzRead: whatever stands in a file, it is refused with a line of it, or its cells are written and read again as they are. What
// the standard library reads strictly is read as the same, but for its line ends inside quotes, which are kept here.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"", "a,b\n1,2\n", "\"a\"\"\",\"\r\n\"\n", "a\r\rb", "\ufeff\"x", "\"\"x", ",,\n", "\xff", "a\x00", "'=1,2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		rows, lines, err := readAll(strings.NewReader(file))
		if err != nil {
			var bad *sheet.Error
			if !errors.As(err, &bad) || bad.Line < 1 || bad.Line > strings.Count(file, "\n")+1 {
				t.Fatalf("%q: %v", file, err)
			}
			return
		}
		var again []byte
		for i, row := range rows {
			again = sheet.AppendRow(again, row...)
			if i > 0 && lines[i] <= lines[i-1] {
				t.Fatalf("%q: lines %v", file, lines)
			}
		}
		if got, _, err := readAll(strings.NewReader(string(again))); err != nil || !cmp.Equal(got, rows) {
			t.Fatalf("%q: %q is read again as %q, %v", file, rows, got, err)
		}
		std := csv.NewReader(strings.NewReader(strings.TrimPrefix(file, "\ufeff")))
		theirs, err := std.ReadAll()
		if err != nil || strings.Contains(file, "\r") {
			return
		}
		if len(theirs) != len(rows) || len(rows) > 0 && !cmp.Equal(theirs, rows) {
			t.Fatalf("%q is %q, the standard library reads %q", file, rows, theirs)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	var file []byte
	for range 10_000 {
		file = sheet.AppendRow(file, "acme.com", "Acme, Inc.", "customer", `{"plan":"pro","seats":12}`)
	}
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if rows, _, err := readAll(strings.NewReader(string(file))); err != nil || len(rows) != 10_000 {
			b.Fatal(len(rows), err)
		}
	}
}
