package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"signalbox/client"
	"signalbox/sheet"
)

// naughty are values that have broken somebody's file.
var naughty = []string{
	"a", "'", "''", "'a", "'=1+1", "''=1", `"`, `""`, `"quoted"`, `a"b`, ",", ";", "a,b;c", "a\nb", "a\r\nb\rc", "=1+1", "+49 30 1234", "-1", "@SUM(A1)",
	"=cmd|' /C calc'!A0", "＝1", "＠x", "\ufeffmark", "null", "NULL", "true", "0", "007", "1e5", "12345678901234567890", "NaN", "sep=;", "#N/A", "Ünïcödé", "e\u0301",
	"日本語", "🏳️‍🌈", "\u202eabc", "x\u2028y", "\x01\x7f", "<script>alert(1)</script>", `{"a":1}`, `[1]`, `\`, `\n`, `\u0041`, "DROP TABLE accounts", "%s%n", "../../etc/passwd",
	"${jndi:ldap://x}", "undefined", "-", "=", "import_error", strings.Repeat("é", 200), "\u0085x", "\u00adsoft", "ﷺ", "Ｆｕｌｌ", "I̗n̖v̯o̗k̯e̖", "0x1F", "１２",
}

// texts generates texts of at most 200 characters that a field can hold: they are trimmed, and have no U+0000.
var texts = rapid.Map(rapid.OneOf(rapid.SampledFrom(naughty), rapid.StringOf(rapid.SampledFrom([]rune("'=+-@\t\r\n\",; a"))), rapid.String()), func(s string) string {
	runes := []rune(strings.ReplaceAll(s, "\x00", ""))
	return strings.TrimSpace(string(runes[:min(len(runes), 200)]))
})

// values generates JSON values as attributes and properties hold them.
var values = rapid.Custom(func(t *rapid.T) json.RawMessage {
	list := []json.RawMessage{
		json.RawMessage(`12345678901234567890123`), json.RawMessage(`-0.5`), json.RawMessage(`1e21`), json.RawMessage(`true`), json.RawMessage(`[null,{"a":null,"b":[]}]`),
		json.RawMessage(`{"deep":{"er":"=1","x":{}}}`), json.RawMessage(`""`), json.RawMessage(`9007199254740993`), quoted(texts.Draw(t, "text")),
	}
	return rapid.SampledFrom(list).Draw(t, "value")
})

// objects generates JSON objects, empty ones too.
var objects = rapid.Custom(func(t *rapid.T) json.RawMessage {
	var o tree
	for range rapid.IntRange(0, 4).Draw(t, "members") {
		_ = o.set([]string{texts.Draw(t, "name")}, values.Draw(t, "value")) // a name that is there already is left out
	}
	return o.append(nil)
})

func quoted(s string) json.RawMessage {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return text
}

// drawnRows are so many rows of a kind, always the same ones.
func drawnRows(kind string, n int) []json.RawMessage {
	rows := make([]json.RawMessage, n)
	for i := range rows {
		draw := func(salt int) json.RawMessage { return quoted(texts.Example(10*i + salt)) }
		object := objects.Example(i)
		switch kind {
		case "accounts":
			rows[i] = fmt.Appendf(nil, `{"domain":"company%d.com","name":%s,"status":%s,"attributes":%s}`, i, draw(0), draw(1), object)
		case "contacts":
			who := []string{
				fmt.Sprintf(`"email":"Person.%d+x@Company%d.com","linkedin_url":"https://linkedin.com/in/p%d-é"`, i, i%7, i),
				fmt.Sprintf(`"email":"person%d@gmail.com","account_domain":"client%d.com"`, i, i%3),
				fmt.Sprintf(`"linkedin_url":"linkedin.com/in/p%d"`, i),
				fmt.Sprintf(`"email":"o'neil%d@company.com","account_domain":"other.com"`, i),
			}[i%4]
			rows[i] = fmt.Appendf(nil, `{%s,"first_name":%s,"last_name":%s,"title":%s,"attributes":%s}`, who, draw(0), draw(1), draw(2), object)
		default:
			who := []string{
				fmt.Sprintf(`"contact":{"email":"p%d@company%d.com","linkedin_url":"linkedin.com/in/p%d"},`, i%20, i%5, i%20),
				fmt.Sprintf(`"contact":{"linkedin_url":"linkedin.com/in/q%d"},`, i%9),
				fmt.Sprintf(`"account":{"domain":"company%d.com"},"contact":{"email":"p%d@gmail.com"},`, i%6, i%10),
				``,
			}[i%4]
			rows[i] = fmt.Appendf(nil, `{"type":%s,"source":%s,%s"properties":%s,"occurred_at":"2024-03-%02dT00:00:%02d.%03d789Z"}`,
				quoted(cmp.Or(texts.Example(10*i), "t")), quoted(cmp.Or(texts.Example(10*i+1), "s")), who, object, i%28+1, i%60, i%1000)
		}
	}
	return rows
}

// fill gives a server rows of every kind, through its doors.
func (s *server) fill(t *testing.T, kind *recordKind, n int) {
	t.Helper()
	results, err := kind.send(t.Context(), s.client(), drawnRows(kind.name, n), false)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Status != client.Created {
			t.Fatalf("row %d: %+v %+v: %s", i, r, r.Error, drawnRows(kind.name, n)[i])
		}
	}
}

// comparable is an exported file without what the server sets.
func comparable(t *testing.T, path string) [][]string {
	t.Helper()
	var out [][]string
	text := readFile(t, path)
	if strings.HasSuffix(path, ".jsonl") {
		for line := range strings.Lines(text) {
			names, values, err := membersOf([]byte(line))
			if err != nil {
				t.Fatal(err)
			}
			var row []string
			for i, name := range names {
				if !slices.Contains(serverSets, name) {
					row = append(row, name+"="+string(values[i]))
				}
			}
			out = append(out, row)
		}
		return out
	}
	r := sheet.NewReader(strings.NewReader(text))
	var header []string
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if header == nil {
			header = row.Cells
		}
		var kept []string
		for i, name := range header {
			if !slices.Contains(serverSets, name) {
				kept = append(kept, row.Cells[i])
			}
		}
		out = append(out, kept)
	}
}

// What is exported and imported elsewhere is exported there as the same, in the same order, whatever is in it; imported where it
// comes from, it changes nothing.
func TestExport_ImportAndExportAgainIsTheSame(t *testing.T) {
	t.Parallel()
	const rows = 240
	for _, kind := range recordKinds {
		for _, format := range []string{formatCSV, formatJSONL} {
			for _, raw := range []bool{false, true} {
				if raw && format != formatCSV {
					continue
				}
				t.Run(fmt.Sprintf("%s as %s raw %t", kind.name, format, raw), func(t *testing.T) {
					t.Parallel()
					from, to := startServer(t), startServer(t)
					from.fill(t, kind, rows)
					var flags []string
					if raw {
						flags = []string{"--raw"}
					}
					first, second := filepath.Join(t.TempDir(), "first."+format), filepath.Join(t.TempDir(), "second."+format)
					export := func(s *server, path string) {
						t.Helper()
						s.cli().run(t, append([]string{"export", kind.name, "--output", path}, flags...)...).ended(t, exitOK, "", fmt.Sprintf("%d %s written to ", rows, kind.name))
					}
					export(from, first)
					if got := to.cli().run(t, append([]string{"import", kind.name, first, "--batch", "100"}, flags...)...); got.code != exitOK || !strings.HasPrefix(got.out, fmt.Sprintf("%d created, ", rows)) {
						t.Fatalf("import: status %d, %s%s", got.code, got.out, got.err)
					}
					export(to, second)
					if diff := gocmp.Diff(comparable(t, first), comparable(t, second)); diff != "" {
						t.Errorf("the second export is another one (-first +second):\n%s", diff)
					}
					if format == formatCSV && !raw {
						nothingRuns(t, first)
					}
					if kind.signals() {
						return // they have new ids: the server cannot know that they are the same
					}
					if got := from.cli().run(t, append([]string{"import", kind.name, first}, flags...)...); got.out != fmt.Sprintf("0 created, 0 updated, %d unchanged, 0 rejected\n", rows) {
						t.Errorf("imported where it comes from: %s%s", got.out, got.err)
					}
				})
			}
		}
	}
}

// nothingRuns holds every cell of a file against what spreadsheets take for a formula.
func nothingRuns(t *testing.T, path string) {
	t.Helper()
	r := sheet.NewReader(strings.NewReader(readFile(t, path)))
	guarded := 0
	for {
		row, err := r.Read()
		if err != nil {
			break
		}
		for _, cell := range row.Cells {
			if cell == "" {
				continue
			}
			if first, _ := utf8.DecodeRuneInString(cell); strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
				t.Errorf("%s:%d: a spreadsheet runs %q", path, row.Line, cell)
			}
			if strings.HasPrefix(cell, "'") {
				guarded++
			}
		}
	}
	if guarded == 0 {
		t.Error("no cell needed a guard: the test shows nothing")
	}
}

func TestExport_SignalsOfATime(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	for _, day := range []string{"2026-01-30T23:59:59Z", "2026-01-31T00:00:00Z", "2026-01-31T23:59:59.999Z", "2026-02-01T00:00:00Z"} {
		if got := s.cli().run(t, "send", "--type", day, "--source", "s", "--occurred-at", day); got.code != exitOK {
			t.Fatal(got.err)
		}
	}
	for flags, want := range map[string]string{
		"--since 2026-01-31 --until 2026-01-31": "2026-01-31T00:00:00Z 2026-01-31T23:59:59.999Z",
		"--since 2026-01-31T12:00:00Z":          "2026-01-31T23:59:59.999Z 2026-02-01T00:00:00Z",
		"--until 2026-01-30":                    "2026-01-30T23:59:59Z",
		"--since 2027-01-01":                    "",
	} {
		got := s.cli().run(t, append([]string{"export", "signals", "--format", "jsonl"}, strings.Fields(flags)...)...)
		var types []string
		for line := range strings.Lines(got.out) {
			var row struct{ Type string }
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			types = append(types, row.Type)
		}
		if strings.Join(types, " ") != want || got.code != exitOK || got.err != "" {
			t.Errorf("%s: status %d, %v %s, want %s", flags, got.code, types, got.err, want)
		}
	}
}

func TestExport_OfNothingIsAHeader(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.cli().run(t, "export", "accounts").ended(t, exitOK, "domain,name,status,attributes,id,created_at,updated_at\r\n")
	s.cli().run(t, "export", "contacts", "--format", "jsonl").ended(t, exitOK, "")
	file := filepath.Join(t.TempDir(), "a.csv")
	s.cli().run(t, "export", "accounts", "--output", file).ended(t, exitOK, "", "0 accounts written to "+file)
	s.cli().run(t, "import", "accounts", file).ended(t, exitOK, "0 created, 0 updated, 0 unchanged, 0 rejected\n")
}

func TestExport_AFileAppearsWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "a.csv")
	c := s.cli()
	c.environ = append(c.environ, "SIGNALBOX_API_KEY=sk_live_wrong")
	c.run(t, "export", "accounts", "--output", file).ended(t, exitFailure, "", "unauthorized")
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // fails on the second page
		if r.URL.Query().Get("cursor") != "" {
			w.WriteHeader(http.StatusInternalServerError)
		} else if r.URL.Path == "/v1/accounts" {
			_, _ = io.WriteString(w, `{"data":[{"id":"acc_1","domain":"a.com"}],"meta":{"next_cursor":"x"}}`)
		}
	}))
	defer broken.Close()
	cli{environ: []string{"SIGNALBOX_URL=" + broken.URL, "SIGNALBOX_API_KEY=k"}}.run(t, "export", "accounts", "--output", file).
		ended(t, exitFailure, "", file+" was not written: internal server error")
	s.cli().run(t, "export", "accounts", "--output", filepath.Join(dir, "none", "a.csv")).ended(t, exitFailure, "", "no such file")
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	hidden, err2 := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || err2 != nil || len(left)+len(hidden) != 0 {
		t.Errorf("left behind: %v %v, %v %v", left, hidden, err, err2)
	}
	s.fill(t, recordKinds[0], 3)
	tty := s.cli()
	tty.terminal = true
	tty.run(t, "export", "accounts", "--output", file).ended(t, exitOK, "", "3 accounts written to "+file)
}

func TestExport_BadFlags(t *testing.T) {
	t.Parallel()
	for args, says := range map[string]string{
		"export":                             "KIND is missing",
		"export people":                      `"people" is none of accounts, contacts, signals`,
		"export accounts --since 2026-01-01": "--since and --until are for signals",
		"export signals --since yesterday":   `--since: "yesterday" is neither a day such as 2026-01-31`,
		"export signals --since 2026-02-01 --until 2026-01-01": "--until is before --since",
		"export accounts --format xml":                         `"xml" is neither csv nor jsonl`,
		"export accounts --format jsonl --raw":                 "--raw is for CSV",
	} {
		if got := (cli{}).run(t, strings.Fields(args)...); got.code != exitUsage || !strings.Contains(got.err, says) || got.out != "" {
			t.Errorf("%s: status %d, %s%s; want %q", args, got.code, got.out, got.err, says)
		}
	}
}

// Blocks are turned round in a file: many rows come out as few do.
func TestBackwards_GivesTheLastRowFirst(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 100_000, exportBlock, exportBlock + 1} {
		for _, rows := range []int{0, 1, 2, 11} {
			file, err := os.CreateTemp(t.TempDir(), "kept")
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			b := backwards{file: file}
			var want []string
			for i := range rows {
				row := strings.Repeat(string(rune('a'+i)), size)
				if err := b.add([]byte(row)); err != nil {
					t.Fatal(err)
				}
				want = append([]string{row}, want...)
			}
			var got strings.Builder
			if err := b.copyTo(&got); err != nil || got.String() != strings.Join(want, "") {
				t.Errorf("%d rows of %d bytes: %v, and not backwards", rows, size, err)
			}
		}
	}
}

// BenchmarkImportAccounts is one row of an import: read, sent, decided, saved and answered.
func BenchmarkImportAccounts(b *testing.B) {
	s := startServer(b)
	var text strings.Builder
	text.WriteString("domain,name,status,attributes.plan,attributes.seats\n")
	for i := range b.N {
		fmt.Fprintf(&text, "company%d.com,\"Company, %d\",customer,pro,%d\n", i, i, i)
	}
	file := write(b, "accounts.csv", text.String())
	b.ResetTimer()
	begin := time.Now()
	if got := s.cli().run(b, "import", "accounts", file); got.code != exitOK {
		b.Fatal(got.out, got.err)
	}
	b.ReportMetric(float64(b.N)/time.Since(begin).Seconds(), "rows/s")
}
