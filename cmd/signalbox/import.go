package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"signalbox/client"
	"signalbox/sheet"
)

// importing are the flags of import.
type importing struct {
	conn        connection
	kind        *recordKind
	file        string
	format      string
	maps        []string
	sets        []string
	skipUnknown bool
	dryRun      bool
	errors      string
	batch       int
	trigger     bool
	text        bool
	raw         bool
	delimiter   string
	asJSON      bool
}

// importRows is how many rows a request has unless --batch says otherwise.
const importRows = 500

// importCommand makes the command that takes a file in.
func (p *program) importCommand() *cobra.Command {
	var s importing
	cmd := &cobra.Command{
		Use:   "import KIND FILE",
		Short: "Take accounts, contacts or signals in from a file",
		Long: `Take accounts, contacts or signals in from a CSV or JSONL file; - reads standard
input. Accounts are known by their domain, contacts by their e-mail or LinkedIn
profile: what is there already is changed as if by hand, what is not is made.
Signals are history, which triggers nothing, unless --trigger is given.

Columns are known by name ("Company Domain", "E-mail"); what each one means is
shown before anything is sent. A row that cannot be taken is told and never
stops the others. The same file again changes nothing twice (signals: for seven
days), so an import that stopped goes on by the same command.`,
		Example: `  signalbox import accounts companies.csv --dry-run
  signalbox import accounts companies.csv --map "Plan=attributes.plan" --errors bad.csv
  signalbox import contacts people.csv --map "Notes=-"
  signalbox import signals history.csv --set source=hubspot`,
		Args:      exactly("KIND", "FILE"),
		ValidArgs: []string{"accounts", "contacts", "signals"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.check(args[0], args[1]); err != nil {
				return err
			}
			return p.importFile(cmd.Context(), &s)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&s.dryRun, "dry-run", false, "say what would come of each row, and change nothing")
	f.StringArrayVar(&s.maps, "map", nil, `what a column is, "column=field"; field - leaves it out; repeatable`)
	f.StringArrayVar(&s.sets, "set", nil, "give every row the same value, field=value; repeatable")
	f.BoolVar(&s.skipUnknown, "skip-unknown", false, "leave out columns that nobody knows")
	f.StringVar(&s.errors, "errors", "", "write the rows that were not taken to this file, with why; it can be imported")
	f.StringVar(&s.format, "format", "", "csv or jsonl (default by the file's name or its first character)")
	f.StringVar(&s.delimiter, "delimiter", ",", `what separates cells; "\t" is a tab`)
	f.BoolVar(&s.text, "text", false, "CSV: keep numbers, true and false of attributes.NAME and properties.NAME as text")
	f.BoolVar(&s.raw, "raw", false, "CSV: take apostrophes as they are; for files of export --raw")
	f.BoolVar(&s.trigger, "trigger", false, "signals: as if they happened now: webhooks are told")
	f.IntVar(&s.batch, "batch", importRows, "rows per request, at most 1000 (signals 2500)")
	f.BoolVar(&s.asJSON, "json", false, "write the counts as JSON")
	s.conn.flags(cmd)
	complete(cmd, "format", formatCSV, formatJSONL)
	return cmd
}

// check reads the flags.
func (s *importing) check(kind, file string) (err error) {
	if s.kind, err = kindNamed(kind); err != nil {
		return err
	}
	s.file = file
	if s.format != "" {
		if err := checkFormat(s.format); err != nil {
			return err
		}
	}
	if s.delimiter == `\t` {
		s.delimiter = "\t"
	}
	switch {
	case len(s.delimiter) != 1 || strings.Contains("\"\r\n", s.delimiter):
		return usagef("--delimiter: %q is not one character such as ; or \\t", clean(s.delimiter, 40))
	case s.batch < 1 || s.batch > s.kind.most:
		return usagef("--batch must be 1 to %d", s.kind.most)
	case s.trigger && !s.kind.signals():
		return usagef("--trigger is for signals")
	case sameFile(s.errors, s.file):
		return usagef("--errors names the file itself; name another one")
	}
	return nil
}

// sameFile says whether two names are of one file.
func sameFile(a, b string) bool {
	first, err1 := os.Stat(a)
	second, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(first, second)
}

// importFile takes a file in.
func (p *program) importFile(ctx context.Context, s *importing) error {
	in, name, size := p.stdin, "standard input", int64(0)
	var file *os.File
	if s.file != "-" {
		f, err := os.Open(s.file)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		switch {
		case err != nil:
			return err
		case info.IsDir():
			return fmt.Errorf("%s is a folder", s.file)
		case info.Mode().IsRegular():
			file, size = f, info.Size()
		}
		in, name = f, filepath.Base(s.file)
	}
	buffered := bufio.NewReaderSize(in, 64<<10)
	if err := s.sniff(buffered, name); err != nil {
		return err
	}
	m := &importer{p: p, flags: s, name: name, report: p.stderr}
	src, err := m.open(buffered)
	if err != nil {
		return err
	}
	if file != nil && s.format == formatCSV {
		if err := checkWhole(file, s, name); err != nil {
			return err
		}
	}
	if m.client, err = s.conn.patient(p, func(quick *client.Client) error {
		_, err := s.kind.send(ctx, quick, nil, true) // of nothing; a server that knows no dry run would store what a later one holds
		return err
	}); err != nil {
		return err
	}
	return m.run(ctx, src, size)
}

// sniff finds the format out where neither a flag nor the file's name says it, and refuses what is none.
func (s *importing) sniff(in *bufio.Reader, name string) error {
	head, err := in.Peek(1) // no more: who types it in may have typed one line
	if err == nil {
		head, err = in.Peek(in.Buffered())
	}
	if len(head) == 0 {
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read %s: %w", name, err)
		}
		return fmt.Errorf("%s is empty", name)
	}
	if s.format == "" {
		s.format = formatByName(s.file)
	}
	if s.format == "" {
		s.format = formatCSV
		if strings.HasPrefix(strings.TrimSpace(strings.TrimPrefix(string(head), "\ufeff")), "{") {
			s.format = formatJSONL
		}
	}
	if s.format == formatJSONL && !utf8.FullRune(head[:1]) && head[0] >= 0xfe {
		return fmt.Errorf("%s:1: the file is UTF-16; save it as UTF-8", name)
	}
	if s.format == formatJSONL && (s.delimiter != "," || s.text || s.raw) {
		return usagef("--delimiter, --text and --raw are for CSV, and %s is JSONL", name)
	}
	return nil
}

// open reads what the columns are, tells it, and returns the rows.
func (m *importer) open(in *bufio.Reader) (rowSource, error) {
	s := m.flags
	cs, err := newColumns(s)
	if err != nil {
		return nil, err
	}
	made := &maker{kind: s.kind, trigger: s.trigger}
	if err := made.set(cs, s.sets); err != nil {
		return nil, err
	}
	if s.format == formatJSONL {
		return m.openJSONL(in, cs, made)
	}
	r := sheet.NewReader(in)
	r.Comma = s.delimiter[0]
	header, err := r.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s is empty: its first line must name the columns", m.name)
	case err != nil:
		return nil, at(m.name, err)
	}
	if len(header.Cells) == 1 && s.delimiter == "," {
		for _, other := range []string{";", "\t"} {
			if strings.Contains(header.Cells[0], other) {
				return nil, fmt.Errorf(`%s:%d: the first line is one column, %q; if %q separates the columns, say so with --delimiter %q`, m.name, header.Line, clean(header.Cells[0], 80), other, other)
			}
		}
	}
	if !s.raw {
		for i := range header.Cells {
			header.Cells[i] = sheet.Restore(header.Cells[i])
		}
	}
	list, err := cs.all(header.Cells, made.sets)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	src := &csvSource{in: r, columns: list, make: made, raw: s.raw}
	m.header = src.keep(header.Cells)
	show(m.p.stderr, m.name, list)
	return src, nil
}

// openJSONL reads the first row, whose members are shown as columns are.
func (m *importer) openJSONL(in *bufio.Reader, cs *columns, made *maker) (rowSource, error) {
	src := &jsonSource{in: in, name: m.name, columns: cs, known: map[string]column{}, make: made}
	first, err := src.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s is empty: each line must be a JSON object", m.name)
	case err != nil:
		return nil, err
	}
	var unknown *errUnknown
	if first.body == nil {
		for _, name := range namesOf(first.kept) {
			if _, err := cs.one(name, 0); errors.As(err, &unknown) {
				return nil, fmt.Errorf("%s:%d: %w", m.name, first.line, err)
			}
		}
	}
	if len(first.columns) > 0 {
		show(m.p.stderr, m.name, first.columns)
	}
	return &pushedBack{first: &first, rowSource: src}, nil
}

// namesOf are the members of a JSON object, none of anything else.
func namesOf(text []byte) []string {
	names, _, _ := membersOf(text)
	return names
}

// pushedBack is a source whose first row was read before.
type pushedBack struct {
	first *fileRow
	rowSource
}

func (s *pushedBack) next() (fileRow, error) {
	if first := s.first; first != nil {
		s.first = nil
		return *first, nil
	}
	return s.rowSource.next()
}

// set reads the --set flags. Their values are read as cells of CSV, whatever the file is.
func (m *maker) set(cs *columns, sets []string) error {
	cells := *cs
	cells.json = false
	for _, given := range sets {
		name, text, ok := strings.Cut(given, "=")
		if !ok || strings.TrimSpace(text) == "" {
			return usagef(`--set: %q is not field=value, such as source=hubspot`, clean(given, 80))
		}
		c, err := cells.field(strings.TrimSpace(name))
		if err != nil {
			return usagef("--set: %v", err)
		}
		c.name = "--set " + name
		value, err := valueOf(text, c.shape)
		if err != nil {
			return usagef("--set %s: %v", name, err)
		}
		m.sets, m.values = append(m.sets, c), append(m.values, value)
	}
	return nil
}

// checkWhole reads a whole CSV file before anything of it is sent: a file that is broken somewhere is not taken in half.
func checkWhole(f *os.File, s *importing, name string) error {
	r := sheet.NewReader(io.NewSectionReader(f, 0, 1<<62))
	r.Comma = s.delimiter[0]
	for {
		if _, err := r.Read(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("%w; nothing was sent", at(name, err))
		}
	}
}

// at names the file and the line of what is wrong with a CSV file.
func at(name string, err error) error {
	var bad *sheet.Error
	if errors.As(err, &bad) {
		return fmt.Errorf("%s:%d: %s", name, bad.Line, clean(bad.Msg, 400))
	}
	return fmt.Errorf("read %s: %w", name, err)
}
