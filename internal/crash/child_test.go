package crash_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// replyWithin is how long a child may take for an order.
const replyWithin = 90 * time.Second

// child is a copy of this binary in one of the roles. It ends when its standard input does, so none outlives the harness.
type child struct {
	role string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *json.Decoder
	said tail
	mu   sync.Mutex // one order at a time
	stop func() error
}

// startChild starts a role with its configuration; what it says when it is ready is decoded into ready.
func startChild(role string, config, ready any) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{role: role, cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), roleEnv+"="+role)
	c.cmd.Stderr = &c.said
	// A session of its own: what ends the harness' process group leaves the child the time to do what the end of its input asks for.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = json.NewDecoder(out)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	c.stop = sync.OnceValue(c.end)
	if err := c.ask(config, ready); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// mustChild starts a role for the time of a test.
func mustChild(t *testing.T, role string, config, ready any) *child {
	t.Helper()
	c, err := startChild(role, config, ready)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// ask sends one message and decodes the reply. A child that hangs is killed, which ends the wait.
func (c *child) ask(message, reply any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	watch := time.AfterFunc(replyWithin, func() { c.cmd.Process.Kill() })
	defer watch.Stop()
	err := json.NewEncoder(c.in).Encode(message)
	if err == nil {
		err = c.out.Decode(reply)
	}
	if err != nil {
		return fmt.Errorf("the %s: %w; it said: %s", c.role, err, c.said.String())
	}
	return nil
}

// end closes the child's input and waits for its end.
func (c *child) end() error {
	c.in.Close()
	watch := time.AfterFunc(replyWithin, func() { c.cmd.Process.Kill() })
	defer watch.Stop()
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("the %s: %w; it said: %s", c.role, err, c.said.String())
	}
	return nil
}

// tail keeps the last of what a process says.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

const tailBytes = 3 << 10

// Write keeps the end.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - tailBytes; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}
