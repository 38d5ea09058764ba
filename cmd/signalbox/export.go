package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"signalbox/client"
	"signalbox/sheet"
	"signalbox/strictjson"
)

// The formats of files of records.
const (
	formatCSV   = "csv"
	formatJSONL = "jsonl"
)

// The bounds of an export.
const (
	exportPage  = 200     // rows asked for at a time
	exportBlock = 1 << 20 // bytes that are turned round in memory
)

// exporting are the flags of export.
type exporting struct {
	conn     connection
	kind     *recordKind
	format   string
	output   string
	since    string
	until    string
	raw      bool
	from, to time.Time
}

// export makes the command that writes what a server holds to a file.
func (p *program) export() *cobra.Command {
	var e exporting
	cmd := &cobra.Command{
		Use:   "export KIND",
		Short: "Write accounts, contacts or signals to a file",
		Long: `Write all accounts, contacts or signals of the workspace as CSV or JSONL, oldest
first. signalbox import takes the file as it is. In CSV, cells that a
spreadsheet would run as a formula begin with an apostrophe, which import takes
back. The file appears when it is whole.`,
		Example: `  signalbox export accounts --output accounts.csv
  signalbox export signals --since 2026-01-01 --until 2026-01-31 --output january.jsonl
  signalbox export contacts | head`,
		Args:      exactly("KIND"),
		ValidArgs: []string{"accounts", "contacts", "signals"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := e.check(args[0]); err != nil {
				return err
			}
			c, err := e.conn.patient(p, func(quick *client.Client) error {
				_, err := quick.Workspace(cmd.Context())
				return err
			})
			if err != nil {
				return err
			}
			return p.exportFile(cmd.Context(), c, &e)
		},
	}
	f := cmd.Flags()
	f.StringVar(&e.output, "output", "", "the file (default standard output)")
	f.StringVar(&e.format, "format", "", "csv or jsonl (default by the file's name, else csv)")
	f.StringVar(&e.since, "since", "", "signals that occurred at or after this day or time, 2026-01-31 or RFC 3339")
	f.StringVar(&e.until, "until", "", "signals that occurred at or before this time, or on this day")
	f.BoolVar(&e.raw, "raw", false, "CSV for programs only: no apostrophe before what a spreadsheet would run")
	e.conn.flags(cmd)
	complete(cmd, "format", formatCSV, formatJSONL)
	return cmd
}

// complete has the shell offer values of a flag.
func complete(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
}

// check reads the flags.
func (e *exporting) check(kind string) (err error) {
	if e.kind, err = kindNamed(kind); err != nil {
		return err
	}
	if e.format == "" {
		e.format = formatCSV
		if formatByName(e.output) != "" {
			e.format = formatByName(e.output)
		}
	}
	if err := checkFormat(e.format); err != nil {
		return err
	}
	if (e.since != "" || e.until != "") && !e.kind.signals() {
		return usagef("--since and --until are for signals")
	}
	if e.raw && e.format != formatCSV {
		return usagef("--raw is for CSV")
	}
	if e.from, err = dayOrTime("since", e.since, 0); err != nil {
		return err
	}
	if e.to, err = dayOrTime("until", e.until, 24*time.Hour-time.Microsecond); err != nil {
		return err
	}
	if !e.from.IsZero() && !e.to.IsZero() && e.to.Before(e.from) {
		return usagef("--until is before --since")
	}
	return nil
}

func checkFormat(format string) error {
	if format != formatCSV && format != formatJSONL {
		return usagef("--format: %q is neither csv nor jsonl", clean(format, 40))
	}
	return nil
}

// formatByName is the format that a file's name says, "" for none.
func formatByName(name string) string {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv":
		return formatCSV
	case ".jsonl", ".ndjson":
		return formatJSONL
	}
	return ""
}

// dayOrTime reads a time, or a day: then the moment so long after it begins.
func dayOrTime(flag, text string, into time.Duration) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t.Add(into), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, usagef("--%s: %q is neither a day such as 2026-01-31 nor a time such as 2026-01-31T15:04:05Z", flag, clean(text, 80))
	}
	return t, nil
}

// exportFile writes the file: under another name until it is whole.
func (p *program) exportFile(ctx context.Context, c *client.Client, e *exporting) (err error) {
	if e.output == "" {
		_, err := p.exportTo(ctx, c, e, p.stdout, os.TempDir())
		return err
	}
	part := e.output + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) // what people do is nobody else's business
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // closed already, or of no use to anybody
			err = errors.Join(fmt.Errorf("%s was not written: %w", e.output, err), os.Remove(part))
		}
	}()
	rows, err := p.exportTo(ctx, c, e, f, filepath.Dir(e.output))
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(part, e.output); err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "%d %s written to %s\n", rows, e.kind.name, e.output)
	return nil
}

// exportTo writes all rows, oldest first. The API lists the newest first: blocks of rows are kept in a file in dir, and read backwards.
func (p *program) exportTo(ctx context.Context, c *client.Client, e *exporting, out io.Writer, dir string) (rows int, err error) {
	kept, err := os.CreateTemp(dir, ".signalbox-export-*")
	if err != nil {
		return 0, err
	}
	unnamed := os.Remove(kept.Name()) == nil // so that nothing of it is left, however the program ends
	defer func() {
		if err = errors.Join(err, kept.Close()); !unnamed { // a system that lets no open file go
			err = errors.Join(err, os.Remove(kept.Name()))
		}
	}()
	b := backwards{file: kept}
	shown := p.showCount(e)
	header := e.header()
	for row, err := range e.kind.list(ctx, c, e) {
		if err != nil {
			shown(-1)
			return 0, err
		}
		if err := b.add(e.encode(row)); err != nil {
			shown(-1)
			return 0, err
		}
		rows++
		shown(rows)
	}
	shown(-1)
	if _, err := out.Write(header); err != nil {
		return 0, err
	}
	return rows, b.copyTo(out)
}

// header is the first row of a CSV file.
func (e *exporting) header() []byte {
	if e.format != formatCSV {
		return nil
	}
	names := make([]string, len(e.kind.empty))
	for i, c := range e.kind.empty {
		names[i] = c.path
	}
	return sheet.AppendRow(nil, names...)
}

// encode writes one row with its line end.
func (e *exporting) encode(row []cell) []byte {
	if e.format == formatJSONL {
		var t tree
		for _, c := range row {
			value := c.object
			if c.text != "" {
				value = strictjson.AppendString(nil, c.text)
			}
			if value != nil {
				_ = t.set(strings.Split(c.path, "."), value) // the columns are ours: none is there twice
			}
		}
		return append(t.append(nil), '\n')
	}
	texts := make([]string, len(row))
	for i, c := range row {
		if texts[i] = c.text; c.object != nil {
			texts[i] = string(c.object)
		}
		if !e.raw {
			texts[i] = sheet.Defuse(texts[i])
		}
	}
	return sheet.AppendRow(nil, texts...)
}

// showCount shows on a terminal how many rows there are so far, when the rows themselves go elsewhere; −1 ends it.
func (p *program) showCount(e *exporting) func(rows int) {
	if !p.terminal || e.output == "" {
		return func(int) {}
	}
	progress := mpb.New(mpb.WithOutput(p.stderr), mpb.WithWidth(1), mpb.WithAutoRefresh())
	bar := progress.AddSpinner(0, mpb.AppendDecorators(decor.Name(" "), decor.CurrentNoUnit("%d"), decor.Name(" "+e.kind.name+"  "), decor.Elapsed(decor.ET_STYLE_GO)))
	return func(rows int) {
		if rows >= 0 {
			bar.SetCurrent(int64(rows))
			return
		}
		bar.Abort(true)
		progress.Wait()
	}
}

// backwards keeps rows in a file, in blocks, and gives the last one back first.
type backwards struct {
	file   *os.File
	rows   [][]byte // of the block that fills
	bytes  int
	blocks []int64 // where each block in the file ends
}

// add keeps a row.
func (b *backwards) add(row []byte) error {
	b.rows, b.bytes = append(b.rows, row), b.bytes+len(row)
	if b.bytes < exportBlock {
		return nil
	}
	end := int64(b.bytes)
	if n := len(b.blocks); n > 0 {
		end += b.blocks[n-1]
	}
	b.blocks = append(b.blocks, end)
	return b.flush(b.file)
}

// flush writes the block that fills, its last row first.
func (b *backwards) flush(out io.Writer) error {
	block := make([]byte, 0, b.bytes)
	for i := len(b.rows) - 1; i >= 0; i-- {
		block = append(block, b.rows[i]...)
	}
	b.rows, b.bytes = b.rows[:0], 0
	_, err := out.Write(block)
	return err
}

// copyTo writes every row, the last one first.
func (b *backwards) copyTo(out io.Writer) error {
	if err := b.flush(out); err != nil {
		return err
	}
	for i := len(b.blocks) - 1; i >= 0; i-- {
		from := int64(0)
		if i > 0 {
			from = b.blocks[i-1]
		}
		if _, err := io.Copy(out, io.NewSectionReader(b.file, from, b.blocks[i]-from)); err != nil {
			return err
		}
	}
	return nil
}
