package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"signalbox/client"
)

// The bounds of what an import says and of how long it waits.
const (
	maxShown   = 20               // refused rows that are told
	maxValue   = 60               // characters of a value in a message
	sayEvery   = 10 * time.Second // how far it is, without a terminal
	limitPause = 15 * time.Second // before rows that a limit refused are sent again
	maxLimited = 8                // times in a row: two minutes
)

// importer takes one file in, chunk by chunk, and counts what became of its rows.
type importer struct {
	p      *program
	client *client.Client
	flags  *importing
	name   string
	header []byte    // of a CSV file, as --errors writes it
	report io.Writer // where refused rows are told
	bar    *mpb.Bar  // nil: no terminal, or nobody knows how long the file is
	bad    *refusedRows

	confirmed int // the last line of the last chunk that was answered
	began     time.Time
	said      time.Time // when it was last told how far it is
	speed     atomic.Int64

	Created   int  `json:"created"`
	Updated   int  `json:"updated"`
	Unchanged int  `json:"unchanged"`
	Duplicate int  `json:"duplicate"` // signals that were sent before
	Rejected  int  `json:"rejected"`
	DryRun    bool `json:"dry_run"`
}

// errSource is an error of the file, not of the way to the server.
type errSource struct{ err error }

func (e *errSource) Error() string { return e.err.Error() }
func (e *errSource) Unwrap() error { return e.err }

// run sends all rows: one chunk is read while the one before it is on its way, so that the server is what it waits for.
func (m *importer) run(ctx context.Context, src rowSource, size int64) (err error) {
	m.DryRun, m.began = m.flags.dryRun, m.p.now()
	m.said = m.began
	if m.bad, err = newRefusedRows(m.flags, m.header); err != nil {
		return err
	}
	done := m.showBar(size)
	err = m.sendAll(ctx, src)
	done()
	return m.summary(errors.Join(err, m.bad.close()))
}

// sendAll sends chunk after chunk as they are read. When it ends early, whoever reads is told but not waited for: nobody can end the
// wait for what a terminal or another program has not written yet.
func (m *importer) sendAll(ctx context.Context, src rowSource) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	chunks, ended := make(chan []fileRow, 1), make(chan error, 1)
	go func() {
		ended <- m.read(ctx, src, chunks)
		close(chunks)
	}()
	for {
		select {
		case chunk, more := <-chunks:
			if !more {
				return <-ended
			}
			if err := m.send(ctx, chunk); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read fills chunks with rows.
func (m *importer) read(ctx context.Context, src rowSource, chunks chan<- []fileRow) error {
	var chunk []fileRow
	size := 0
	pass := func() error {
		select {
		case chunks <- chunk:
			chunk, size = nil, 0
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for {
		it, err := src.next()
		if err != nil {
			if len(chunk) > 0 {
				if err := pass(); err != nil {
					return err
				}
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return &errSource{err}
		}
		if len(chunk) > 0 && (len(chunk) >= m.flags.batch || size+len(it.body) > maxChunk) {
			if err := pass(); err != nil {
				return err
			}
		}
		chunk, size = append(chunk, it), size+len(it.body)+1
	}
}

// send sends a chunk. Rows whose transaction failed, and those that a limit refused, are sent again.
func (m *importer) send(ctx context.Context, chunk []fileRow) error {
	left := make([]*fileRow, 0, len(chunk))
	for i := range chunk {
		left = append(left, &chunk[i])
	}
	failures, limited := 0, 0
	for len(left) > 0 {
		results, err := m.results(ctx, left)
		if err != nil {
			return err
		}
		again, limit := m.count(left, results, failures+1 >= maxRounds, limited < maxLimited)
		switch left = again; {
		case len(left) == 0:
		case limit:
			limited++
			fmt.Fprintf(m.report, "%s: the workspace's limit of signals is used up; waiting %v\n", m.name, limitPause)
			wait(ctx, limitPause)
		default:
			failures++
			wait(ctx, firstPause/4<<failures)
		}
	}
	last := chunk[len(chunk)-1]
	m.confirmed = last.line
	m.tell(last.offset)
	return nil
}

// results are the verdicts on rows: of those that cannot be sent, that they were not.
func (m *importer) results(ctx context.Context, rows []*fileRow) ([]client.BatchResult, error) {
	out := make([]client.BatchResult, len(rows))
	var bodies []json.RawMessage
	var places []int
	for i, it := range rows {
		if it.body == nil {
			out[i] = client.BatchResult{Status: client.Rejected, Error: &client.BatchError{Message: it.bad}}
			continue
		}
		bodies, places = append(bodies, it.body), append(places, i)
	}
	if len(bodies) == 0 {
		return out, nil
	}
	results, err := m.flags.kind.send(ctx, m.client, bodies, m.flags.dryRun)
	if err != nil {
		return nil, err
	}
	for n, i := range places {
		out[i] = results[n]
	}
	return out, nil
}

// count notes verdicts and returns the rows to send again; limited says that a limit refused some of them.
func (m *importer) count(rows []*fileRow, results []client.BatchResult, lastTry, mayWait bool) (again []*fileRow, limited bool) {
	for i, r := range results {
		overLimit := r.Error != nil && r.Error.Code == "rate_limited" && !m.flags.dryRun
		switch {
		case r.Status == client.Created:
			m.Created++
		case r.Status == client.Updated:
			m.Updated++
		case r.Status == client.Unchanged:
			m.Unchanged++
		case r.Status == client.Duplicate:
			m.Duplicate++
		case overLimit && mayWait:
			again, limited = append(again, rows[i]), true
		case r.Status == client.NotSaved && !lastTry && !m.flags.dryRun:
			again = append(again, rows[i])
		default:
			m.refuse(rows[i], r)
		}
	}
	return again, limited
}

// refuse tells of a row that was not taken, and keeps it for --errors.
func (m *importer) refuse(it *fileRow, r client.BatchResult) {
	m.Rejected++
	reason, said := why(r), ""
	if r.Error != nil && r.Error.Param != "" {
		if !strings.Contains(reason, r.Error.Param) {
			reason = r.Error.Param + ": " + reason
		}
		if column, value := it.said(r.Error.Param); column != "" && !strings.Contains(reason, value) {
			said = fmt.Sprintf(" (%s: %s)", clean(column, 40), clean(value, maxValue))
		}
	}
	m.bad.add(it, reason)
	if m.Rejected <= maxShown {
		fmt.Fprintf(m.report, "%s:%d: %s%s\n", m.name, it.line, clean(reason, 400), said)
	}
}

// rows is how many rows have an answer.
func (m *importer) rows() int {
	return m.Created + m.Updated + m.Unchanged + m.Duplicate + m.Rejected
}

// rate is how many rows were answered in a second, so far.
func (m *importer) rate() int {
	seconds := m.p.now().Sub(m.began).Seconds()
	if seconds <= 0 {
		return 0
	}
	return int(float64(m.rows()) / seconds)
}

// tell shows how far it is: in the bar, or in a line now and then.
func (m *importer) tell(offset int64) {
	m.bad.flush()
	m.speed.Store(int64(m.rate()))
	now := m.p.now()
	switch {
	case m.bar != nil:
		m.bar.SetCurrent(offset)
	case now.Sub(m.said) >= sayEvery:
		m.said = now
		fmt.Fprintf(m.report, "%s: %d rows, at line %d (%d rows/s)\n", m.name, m.rows(), m.confirmed, m.speed.Load())
	}
}

// showBar shows how far the file is, on a terminal.
func (m *importer) showBar(size int64) (done func()) {
	bar, out, end := m.p.fileBar(m.name, size, decor.Any(func(decor.Statistics) string { return fmt.Sprintf("%d rows/s", m.speed.Load()) }))
	m.bar, m.report = bar, out
	return func() {
		end()
		m.report = m.p.stderr
	}
}

// summary tells what became of the file.
func (m *importer) summary(err error) error {
	if m.flags.asJSON {
		if e := writeJSON(m.p.stdout, m); e != nil {
			return e
		}
	} else {
		fmt.Fprintln(m.p.stdout, m.counts())
	}
	switch {
	case m.flags.errors != "" && m.Rejected > 0:
		fmt.Fprintf(m.p.stderr, "%s: what was not taken is in %s, with why; correct it and import it\n", m.name, m.flags.errors)
	case m.Rejected > maxShown:
		fmt.Fprintf(m.p.stderr, "%s: %d more rows were refused; --errors FILE keeps them all, with why\n", m.name, m.Rejected-maxShown)
	}
	var broken *errSource
	switch {
	case errors.As(err, &broken):
		return fmt.Errorf("%w; the rows before it were taken", at(m.name, broken.err))
	case err != nil && m.flags.dryRun:
		return fmt.Errorf("%s: stopped after line %d; nothing was changed: %w", m.name, m.confirmed, err)
	case err != nil:
		return fmt.Errorf("%s: stopped after line %d (the same command goes on, and takes no row twice): %w", m.name, m.confirmed, err)
	case m.Rejected > 0:
		return errSaid
	}
	return nil
}

// counts is what became of the rows, in a line.
func (m *importer) counts() string {
	parts := []string{fmt.Sprintf("%d created", m.Created)}
	if m.flags.kind.signals() {
		parts = append(parts, fmt.Sprintf("%d sent before", m.Duplicate))
	} else {
		parts = append(parts, fmt.Sprintf("%d updated", m.Updated), fmt.Sprintf("%d unchanged", m.Unchanged))
	}
	text := strings.Join(append(parts, fmt.Sprintf("%d rejected", m.Rejected)), ", ")
	if m.flags.dryRun {
		return "dry run, nothing was changed: " + text
	}
	return text
}
