package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// How long a child may take for what it is asked, and to end.
const (
	replyWithin = 60 * time.Second
	endWithin   = 60 * time.Second
)

// The roles that a child process may have.
const (
	roleServer   = "server"
	roleBare     = "bare"
	roleReceiver = "receiver"
)

// child is a process of this program in one of the roles. Parent and child speak JSON lines over the child's standard input and
// output: first the role's configuration and what the child answers when it is ready, then commands and replies. The end of
// the input ends the child, so none outlives its parent.
type child struct {
	role string
	cmd  *exec.Cmd
	in   io.WriteCloser
	said tail

	mu      sync.Mutex // one command at a time
	out     *json.Decoder
	stopped bool
	counted bool // its CPU time is in the sum
}

// startChild starts a process and waits until it is ready; what it says then is decoded into ready.
func startChild(ctx context.Context, command []string, role string, config, ready any) (*child, error) {
	args := append(append([]string{}, command[1:]...), role)
	c := &child{role: role, cmd: exec.CommandContext(ctx, command[0], args...)}
	c.cmd.Stderr = &c.said
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.in, c.out = in, json.NewDecoder(bufio.NewReader(out))
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the %s: %w", role, err)
	}
	if err := c.ask(config, ready); err != nil {
		return nil, errors.Join(err, c.kill())
	}
	return c, nil
}

// pid is the child's process id.
func (c *child) pid() int { return c.cmd.Process.Pid }

// ask sends one command and decodes the reply.
func (c *child) ask(command, reply any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	// A child that hangs is killed, which ends the wait for its reply.
	watch := time.AfterFunc(replyWithin, func() { c.cmd.Process.Kill() })
	defer watch.Stop()
	err := json.NewEncoder(c.in).Encode(command)
	if err == nil {
		err = c.out.Decode(reply)
	}
	if err != nil {
		return fmt.Errorf("the %s: %w%s", c.role, err, c.said.text())
	}
	return nil
}

// stop lets the child finish what it has under way, and waits for its end.
func (c *child) stop() error {
	if c == nil || c.stopped {
		return nil
	}
	c.stopped = true
	c.in.Close()
	watch := time.AfterFunc(endWithin, func() { c.cmd.Process.Kill() })
	defer watch.Stop()
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("the %s: %w%s", c.role, err, c.said.text())
	}
	return nil
}

// kill ends the child at once, as a crash would.
func (c *child) kill() error {
	if c.stopped {
		return nil
	}
	c.stopped = true
	err := c.cmd.Process.Kill()
	var exit *exec.ExitError
	if ended := c.cmd.Wait(); ended != nil && !errors.As(ended, &exit) {
		err = errors.Join(err, ended)
	}
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// tail keeps the last of what a child says on its standard error.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

// tailBytes is how much of it is kept.
const tailBytes = 4 << 10

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

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(bytes.TrimSpace(t.kept)) == 0 {
		return ""
	}
	return "; it said: " + string(bytes.TrimSpace(t.kept))
}
