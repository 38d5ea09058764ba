package crash_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// chore is what is to be undone: a command, and whether it is to be done now or forgotten. Without a command it is a greeting.
type chore struct {
	ID   int64    `json:"id"`
	Argv []string `json:"argv"`
	Drop bool     `json:"drop"`
}

// runJanitor keeps the chores of the harness, and does those that are left when its input ends: a harness that was killed,
// or that a timeout ended, leaves no mount, no setting and no folder behind. Killing it is the one thing that it cannot survive.
func runJanitor(p *parent) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	var open []chore
	for {
		var c chore
		err := p.in.Decode(&c)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch {
		case c.Drop:
			open = slices.DeleteFunc(open, func(o chore) bool { return o.ID == c.ID })
		case len(c.Argv) > 0:
			open = append(open, c)
		}
		if err := p.out.Encode(c.ID); err != nil {
			return err
		}
	}
	var errs []error
	for _, c := range slices.Backward(open) {
		errs = append(errs, do(c.Argv))
	}
	return errors.Join(errs...)
}

// do runs a command and tells what it said when it went wrong.
func do(argv []string) error {
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %w: %s", argv, err, out)
	}
	return nil
}

// janitor is the one of this run.
var janitor = sync.OnceValues(func() (*child, error) {
	var id int
	return startChild("janitor", chore{}, &id)
})

// closeJanitor has what is left done.
func closeJanitor() error {
	j, err := janitor()
	if err != nil {
		return err
	}
	return j.stop()
}

// entrust gives the janitor a chore.
func entrust(c chore) error {
	j, err := janitor()
	if err != nil {
		return err
	}
	var id int
	return j.ask(c, &id)
}

// lastChore numbers the chores.
var lastChore atomic.Int64

// atTheEnd has a command run when this process ends, however that happens.
func atTheEnd(argv ...string) error {
	return entrust(chore{ID: lastChore.Add(1), Argv: argv})
}

// undo has a command run when the test ends, or this process does, whichever comes first. It returns a way to have it run earlier.
func undo(t *testing.T, argv ...string) (now func()) {
	t.Helper()
	c := chore{ID: lastChore.Add(1), Argv: argv}
	if err := entrust(c); err != nil {
		t.Fatal(err)
	}
	now = sync.OnceFunc(func() {
		if err := do(argv); err != nil {
			t.Error(err)
			return // the janitor tries again at the end
		}
		if err := entrust(chore{ID: c.ID, Drop: true}); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(now)
	return now
}

// workDir makes a folder for a test. It goes with the test, unless that failed and -keep is given.
func workDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "signalbox-crash-")
	if err != nil {
		t.Fatal(err)
	}
	if *keep {
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("kept: %s", dir)
				return
			}
			os.RemoveAll(dir)
		})
		return dir
	}
	undo(t, "rm", "-rf", "--one-file-system", dir)
	return dir
}
