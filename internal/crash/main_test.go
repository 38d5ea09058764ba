package crash_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

var (
	kills        = flag.Int("kills", 50, "how often TestKill kills the server at a random moment")
	cuts         = flag.Int("cuts", 3, "how often TestPowerCut cuts the power")
	restarts     = flag.Int("restarts", 5, "how often PostgreSQL is restarted immediately")
	postmasters  = flag.Int("postmasters", 3, "how often PostgreSQL's postmaster is killed")
	terminateFor = flag.Duration("terminate", 10*time.Second, "how long connections to PostgreSQL are terminated, ten a second")
	nodeKills    = flag.Int("nodekills", 10, "how often one of three nodes is killed")
	twinKills    = flag.Int("twinkills", 6, "how often a node, or the database, is killed under twins")
	stops        = flag.Int("stops", 3, "how often one of two nodes is stopped under load")
	rolls        = flag.Int("rolls", 1, "how often three nodes are restarted one after the other")
	changes      = flag.Int("changes", 12, "how often definitions are changed on one node and tried on the other")
	pauses       = flag.Int("pauses", 3, "how often one of three nodes stands still past its lease")

	keep = flag.Bool("keep", false, "keep the data directories and logs of failed tests")
)

// roleEnv names the part that a copy of this test binary plays.
const roleEnv = "CRASH_ROLE"

// The parts that this binary plays in other processes.
var roles = map[string]func(*parent) error{
	"load":     runLoad,
	"flood":    runFlood,
	"receiver": runReceiver,
	"janitor":  runJanitor,
}

func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, role+":", err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	os.Exit(run(m))
}

func play(role string) error {
	part, ok := roles[role]
	if !ok {
		return fmt.Errorf("there is no role %q", role)
	}
	return part(&parent{in: json.NewDecoder(bufio.NewReader(os.Stdin)), out: json.NewEncoder(os.Stdout)})
}

func run(m *testing.M) int {
	code := m.Run()
	if err := errors.Join(stopPostgres(), closeJanitor()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// moduleRoot is the folder of go.mod, as seen from this package.
const moduleRoot = "../.."

// program builds the program under test, once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "signalbox-crash-build-")
	if err == nil {
		err = atTheEnd("rm", "-rf", dir)
	}
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "signalbox")
	cmd := exec.Command("go", "build", "-tags=faults", "-o", bin, "./cmd/signalbox")
	cmd.Dir = moduleRoot
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return bin, nil
})

// parent is the harness, as a child process sees it: JSON values over standard input and output.
type parent struct {
	in  *json.Decoder
	out *json.Encoder
}

// order is a command to a child.
type order struct {
	Do string `json:"do"`
}

// orders answers what the harness says until its end of the pipe closes.
func (p *parent) orders(do func(order) any) error {
	for {
		var o order
		if err := p.in.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := p.out.Encode(do(o)); err != nil {
			return err
		}
	}
}

// pause waits for d, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// eventually asks until yes, and says whether it came in time.
func eventually(ctx context.Context, within, every time.Duration, yes func() bool) bool {
	for deadline := time.Now().Add(within); ; {
		if yes() {
			return true
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return false
		}
		pause(ctx, every)
	}
}
