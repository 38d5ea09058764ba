package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"signalbox/client"
)

// The bounds of a file of signals.
const (
	maxLine   = 1 << 20 // bytes of a line, as of a signal (contract section 2)
	maxChunk  = 4 << 20 // bytes of a request, below the 5 MiB that the server takes
	maxPrefix = 200     // bytes of --key-prefix: a key has at most 255
	maxRounds = 4       // tries of a line whose transaction failed
)

// line is one signal of a file, keyed and ready to send.
type line struct {
	number int
	body   json.RawMessage
}

// lineSender sends a file chunk by chunk and counts what became of its lines.
type lineSender struct {
	p      *program
	client *client.Client
	name   string
	prefix string
	report io.Writer // where refused lines are told
	bar    *mpb.Bar  // nil: no terminal, or nobody knows how long the file is

	chunk     []line
	bytes     int
	read      int64 // bytes of the file
	confirmed int   // the last line of the last chunk that was answered

	Sent      int `json:"sent"`
	Duplicate int `json:"duplicate"` // sent before
	Refused   int `json:"refused"`
}

// sendLines sends every line of a file; a bad line is told and passed over.
func (p *program) sendLines(ctx context.Context, c *client.Client, s *sending) error {
	in, size, name := p.stdin, int64(0), "standard input"
	if s.jsonl != "-" {
		f, err := os.Open(s.jsonl)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		in, size, name = f, info.Size(), filepath.Base(s.jsonl)
	}
	l := &lineSender{p: p, client: c, name: name, prefix: s.keyPrefix, report: p.stderr}
	switch {
	case l.prefix == "" && s.jsonl == "-":
		l.prefix = rand.Text() // nobody knows what was piped in: sending it again is sending it anew
	case l.prefix == "":
		l.prefix = name[:min(len(name), maxPrefix)]
	}
	done := l.showBar(size)
	err := l.all(ctx, bufio.NewReaderSize(in, 64<<10), s.batch)
	done()
	return l.summary(err, s.asJSON)
}

// showBar shows how far the file is, on a terminal.
func (l *lineSender) showBar(size int64) (done func()) {
	bar, out, end := l.p.fileBar(l.name, size)
	l.bar, l.report = bar, out
	return func() {
		end()
		l.report = l.p.stderr
	}
}

// fileBar shows how far a file is, on a terminal; without one, or when nobody knows how long the file is, there is no bar. What is
// said meanwhile goes to out. speed stands in the place of the bytes.
func (p *program) fileBar(name string, size int64, speed ...decor.Decorator) (bar *mpb.Bar, out io.Writer, done func()) {
	if !p.terminal || size == 0 {
		return nil, p.stderr, func() {}
	}
	progress := mpb.New(mpb.WithOutput(p.stderr), mpb.WithWidth(40), mpb.WithAutoRefresh())
	if len(speed) == 0 {
		speed = []decor.Decorator{decor.CountersKibiByte("% .1f of % .1f")}
	}
	right := append(append([]decor.Decorator{decor.Percentage(), decor.Name("  ")}, speed...), decor.Name("  "), decor.AverageETA(decor.ET_STYLE_GO))
	bar = progress.AddBar(size, mpb.PrependDecorators(decor.Name(clean(name, 30)+" ")), mpb.AppendDecorators(right...))
	return bar, progress, func() {
		bar.Abort(false) // stays as it is; without effect once complete
		progress.Wait()
	}
}

// all reads and sends to the end of the file.
func (l *lineSender) all(ctx context.Context, in *bufio.Reader, batch int) error {
	for number := 1; ; number++ {
		text, size, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read %s: %w", l.name, err)
		}
		ended := errors.Is(err, io.EOF)
		if len(l.chunk) > 0 && (len(l.chunk) >= batch || l.bytes+len(text) > maxChunk) {
			if err := l.flush(ctx, number-1); err != nil {
				return err
			}
		}
		l.read += int64(size)
		l.take(number, text, size)
		if ended {
			return l.flush(ctx, number)
		}
	}
}

// readLine reads a line without its end. Of a line that is too long it keeps nothing but its size.
func readLine(in *bufio.Reader) (text []byte, size int, err error) {
	for {
		part, err := in.ReadSlice('\n')
		size += len(part)
		if size <= maxLine+2 {
			text = append(text, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if size > maxLine+2 {
				text = nil
			}
			return bytes.TrimSpace(text), size, err
		}
	}
}

// take puts a line into the chunk, keyed, or tells why it cannot be sent. Empty lines mean nothing.
func (l *lineSender) take(number int, text []byte, size int) {
	switch {
	case len(text) == 0 && size <= maxLine+2:
		return
	case len(text) == 0 || len(text) > maxLine:
		l.refuse(number, fmt.Sprintf("the line is longer than %d bytes", maxLine))
		return
	}
	keyed, err := withKey(text, fmt.Sprintf("%s/%d", l.prefix, number))
	if err != nil {
		l.refuse(number, err.Error())
		return
	}
	l.chunk = append(l.chunk, line{number, keyed})
	l.bytes += len(keyed) + 1
}

// withKey gives a signal an idempotency key unless it has its own. The rest of its text stays as it is.
func withKey(text []byte, key string) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("not JSON: %w, at byte %d", err, syntax.Offset)
		}
		return nil, errors.New("not a JSON object")
	}
	if fields == nil {
		return nil, errors.New("not a JSON object")
	}
	if own := fields["idempotency_key"]; own != nil {
		return text, nil
	}
	quoted, err := json.Marshal(key)
	if err != nil {
		return nil, err
	}
	keyed := append([]byte(`{"idempotency_key":`), quoted...)
	if len(fields) > 0 {
		keyed = append(keyed, ',')
	}
	return append(keyed, bytes.TrimSpace(text)[1:]...), nil
}

// flush sends the chunk; upTo is the last line of it. Lines whose transaction failed are sent again.
func (l *lineSender) flush(ctx context.Context, upTo int) error {
	for round := 1; len(l.chunk) > 0; round++ {
		items := make([]json.RawMessage, len(l.chunk))
		for i := range l.chunk {
			items[i] = l.chunk[i].body
		}
		results, err := l.client.SendBatchJSON(ctx, items, "")
		if err != nil {
			return err
		}
		if l.chunk = l.count(results, round == maxRounds); len(l.chunk) > 0 {
			wait(ctx, firstPause/4<<round)
		}
	}
	l.bytes, l.confirmed = 0, upTo
	if l.bar != nil {
		l.bar.SetCurrent(l.read)
	}
	return nil
}

// count notes the verdicts and returns the lines to send again.
func (l *lineSender) count(results []client.BatchResult, last bool) (again []line) {
	for i, r := range results {
		switch {
		case r.Status == client.Created:
			l.Sent++
		case r.Status == client.Duplicate:
			l.Duplicate++
		case r.Status == client.NotSaved && !last:
			again = append(again, l.chunk[i])
		default:
			l.refuse(l.chunk[i].number, why(r))
		}
	}
	return again
}

func why(r client.BatchResult) string {
	if r.Error == nil {
		return r.Status
	}
	return cmp.Or(r.Error.Message, r.Error.Code)
}

func (l *lineSender) refuse(number int, reason string) {
	l.Refused++
	fmt.Fprintf(l.report, "%s:%d: %s\n", l.name, number, clean(reason, 400))
}

// summary tells what became of the file.
func (l *lineSender) summary(err error, asJSON bool) error {
	if asJSON {
		if e := writeJSON(l.p.stdout, l); e != nil {
			return e
		}
	} else {
		fmt.Fprintf(l.p.stdout, "%d sent, %d sent before, %d refused\n", l.Sent, l.Duplicate, l.Refused)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s: stopped after line %d (run it again to go on): %w", l.name, l.confirmed, err)
	case l.Refused > 0:
		return errSaid
	}
	return nil
}
