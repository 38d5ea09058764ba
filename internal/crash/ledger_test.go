package crash_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// ledger is an append-only file of lines. Many goroutines add; one writes and syncs what waits, together.
type ledger struct {
	file *os.File
	wake chan struct{}
	quit chan struct{}
	gone chan struct{}
	kept atomic.Int64 // lines on the disk

	mu      sync.Mutex
	waiting []byte
	group   *group // of those whose lines wait
}

// group is told when its lines are on the disk.
type group struct {
	done chan struct{}
	n    int
}

// syncGap spaces the syncs, so that the ledgers leave the disk to the program under test.
const syncGap = 8 * time.Millisecond

func openLedger(path string) (*ledger, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	l := &ledger{file: f, wake: make(chan struct{}, 1), quit: make(chan struct{}), gone: make(chan struct{}), group: newGroup()}
	go l.run()
	return l, nil
}

func newGroup() *group { return &group{done: make(chan struct{})} }

// add appends a line, and returns a channel that is closed when it is on the disk.
func (l *ledger) add(format string, args ...any) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = fmt.Appendf(l.waiting, format+"\n", args...)
	l.group.n++
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return l.group.done
}

func (l *ledger) run() {
	defer close(l.gone)
	gap := time.NewTicker(syncGap)
	defer gap.Stop()
	for {
		select {
		case <-l.wake:
			l.flush()
		case <-l.quit:
			l.flush()
			return
		}
		select {
		case <-gap.C:
		case <-l.quit:
		}
	}
}

// flush writes and syncs what waits. A ledger that cannot be kept ends the process: nothing it would say could be trusted.
func (l *ledger) flush() {
	l.mu.Lock()
	text, g := l.waiting, l.group
	l.waiting, l.group = nil, newGroup()
	l.mu.Unlock()
	if g.n == 0 {
		return
	}
	_, err := l.file.Write(text)
	if err = errors.Join(err, l.file.Sync()); err != nil {
		fmt.Fprintln(os.Stderr, "ledger:", err)
		os.Exit(3)
	}
	l.kept.Add(int64(g.n))
	close(g.done)
}

// settle waits until everything that was added is on the disk.
func (l *ledger) settle() {
	l.mu.Lock()
	g := l.group
	l.mu.Unlock()
	if g.n > 0 {
		<-g.done
	}
}

// close syncs what waits.
func (l *ledger) close() error {
	close(l.quit)
	<-l.gone
	return l.file.Close()
}

// follower reads a ledger that another process is still writing.
type follower struct {
	path string
	at   int64
}

// next gives fn every whole line that came since the last call.
func (f *follower) next(fn func(line []byte) error) error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Seek(f.at, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReaderSize(file, 1<<20)
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return nil // the rest of the line is still to come
		}
		if err != nil {
			return err
		}
		f.at += int64(len(line))
		if err := fn(bytes.TrimSuffix(line, []byte("\n"))); err != nil {
			return fmt.Errorf("%s: %q: %w", f.path, line, err)
		}
	}
}

// ack is a line of the load's ledger: a signal that was acknowledged.
type ack struct {
	Serial int64  // the load's number for it
	ID     string // the server's
	Sent   int64  // Unix nanoseconds when the request that was answered began
	At     int64  // when the answer was read
}

func (l *ledger) ack(a ack) <-chan struct{} {
	return l.add("%d %s %d %d", a.Serial, a.ID, a.Sent, a.At)
}

func parseAck(line []byte) (a ack, err error) {
	_, err = fmt.Sscanf(string(line), "%d %s %d %d", &a.Serial, &a.ID, &a.Sent, &a.At)
	return a, err
}

// arrival is a line of the receiver's ledger: a request that came in and what it was answered.
type arrival struct {
	Hook   int    // which of the receiver's webhooks
	Event  string // webhook-id
	Signal string // data.signal.id of the body
	At     int64  // Unix nanoseconds
	Answer int    // the status; 0: the connection was closed; forged: the signature did not verify
}

// The answers of an arrival that are no status.
const (
	dropped = 0
	forged  = -1
)

func (l *ledger) arrival(a arrival) <-chan struct{} {
	return l.add("%d %s %s %d %d", a.Hook, a.Event, a.Signal, a.At, a.Answer)
}

func parseArrival(line []byte) (a arrival, err error) {
	_, err = fmt.Sscanf(string(line), "%d %s %s %d %d", &a.Hook, &a.Event, &a.Signal, &a.At, &a.Answer)
	return a, err
}

// readLedger reads a whole ledger.
func readLedger[T any](path string, parse func([]byte) (T, error)) (all []T, err error) {
	f := follower{path: path}
	err = f.next(func(line []byte) error {
		one, err := parse(line)
		all = append(all, one)
		return err
	})
	return all, err
}
