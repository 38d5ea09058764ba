//go:build faults

package fault

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Enabled says whether this program was built with fault points.
const Enabled = true

// ErrInjected is what Err returns where the plan says error.
var ErrInjected = errors.New("injected fault")

// action is what happens at a point from its n-th passage on.
type action struct {
	verb  string
	delay time.Duration
	at    int
}

// plan is the environment's, read at the first passage of any point.
var plan = sync.OnceValue(func() map[string]action {
	p, err := parse(os.Getenv("SIGNALBOX_FAULTS"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "SIGNALBOX_FAULTS:", err)
		os.Exit(2)
	}
	return p
})

var (
	mu     sync.Mutex
	passed = map[string]int{}
)

// Point marks a place; the plan may kill the program or hold it up here.
func Point(name string) { _ = Err(name) }

// Err is a Point that fails where the plan says error.
func Err(name string) error {
	n := count(name)
	a, ok := plan()[name]
	if !ok || n < a.at {
		return nil
	}
	switch a.verb {
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // SIGKILL is on its way: nothing after this point may run
	case "sleep":
		time.Sleep(a.delay)
	case "error":
		return fmt.Errorf("%s: %w", name, ErrInjected)
	}
	return nil
}

// clock is the point that stands for the machine's clock.
const clock = "clock"

// Shift is how far this program's own clock is from the machine's: whoever reads the machine's adds it. It is the same for the life of the
// program.
func Shift() time.Duration {
	a, ok := plan()[clock]
	if !ok {
		return 0
	}
	shifted()
	return a.delay
}

// shifted notes once that somebody asked.
var shifted = sync.OnceFunc(func() { count(clock) })

func count(name string) int {
	mu.Lock()
	defer mu.Unlock()
	passed[name]++
	if path := os.Getenv("SIGNALBOX_FAULTS_REACHED"); path != "" && passed[name] == 1 {
		if f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
			fmt.Fprintln(f, name)
			f.Close()
		}
	}
	return passed[name]
}

// parse reads "point=verb[:duration][@n]" entries separated by semicolons.
func parse(text string) (map[string]action, error) {
	p := map[string]action{}
	for entry := range strings.SplitSeq(text, ";") {
		if entry == "" {
			continue
		}
		name, what, ok := strings.Cut(entry, "=")
		if !ok {
			return nil, fmt.Errorf("%q is not point=verb", entry)
		}
		a := action{at: 1}
		if head, n, ok := strings.Cut(what, "@"); ok {
			at, err := strconv.Atoi(n)
			if err != nil {
				return nil, fmt.Errorf("%q: passage %q is no number", entry, n)
			}
			what, a.at = head, at
		}
		verb, delay, _ := strings.Cut(what, ":")
		if verb != "kill" && verb != "sleep" && verb != "error" && verb != "shift" {
			return nil, fmt.Errorf("%q: unknown verb %q", entry, verb)
		}
		if (verb == "shift") != (name == clock) {
			return nil, fmt.Errorf("%q: shift is what happens to the clock, and nothing else does", entry)
		}
		if a.verb = verb; verb == "sleep" || verb == "shift" {
			d, err := time.ParseDuration(delay)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", entry, err)
			}
			a.delay = d
		}
		p[name] = a
	}
	return p, nil
}
