package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// program is another program of ours that runs beside the server: a receiver of the documents, a listener.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	out    *transcript
	stdin  io.WriteCloser
	exited chan struct{}
	err    error
	once   sync.Once
}

// start runs a program until the test ends.
func start(t *testing.T, env []string, name string, args ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(name, args...), out: newTranscript(), exited: make(chan struct{})}
	p.cmd.Env = append(bareEnv(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.end()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", strings.Join(p.cmd.Args, " "), p.out.tail())
		}
	})
	return p
}

// end closes the program's standard input, at which it ends by itself.
func (p *program) end() {
	p.once.Do(func() {
		_ = p.stdin.Close() // it may have ended before
		select {
		case <-p.exited:
		case <-time.After(patience):
			_ = p.cmd.Process.Kill()
			<-p.exited
			p.t.Errorf("%s did not end with its standard input", p.cmd.Path)
		}
	})
}

// output runs a program to its end, which must be a good one, and returns what it printed on its standard output.
func output(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	out, errs, err := try(t, env, "", name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), err, out, errs)
	}
	return out
}

// try runs a program to its end, whatever that is.
func try(t *testing.T, env []string, stdin, name string, args ...string) (out, errs string, err error) {
	t.Helper()
	cmd := exec.CommandContext(limited(t), name, args...)
	var stdout, stderr strings.Builder
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = append(bareEnv(), env...), strings.NewReader(stdin), &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// receiver is one of the programs under receivers/.
type receiver struct {
	*program
	base string // http://127.0.0.1:port
}

// counts is what a receiver has seen.
type counts struct {
	Verified int
	Refused  int
}

// receive starts a receiver that verifies with secret, and waits until it listens.
func receive(t *testing.T, file, secret string) *receiver {
	t.Helper()
	interpreter := kit.node
	if strings.HasSuffix(file, ".py") {
		interpreter = kit.python
	}
	p := start(t, []string{"STAIROIDS_WEBHOOK_SECRET=" + secret, "PYTHONDONTWRITEBYTECODE=1"}, interpreter, filepath.Join("receivers", file))
	line := p.out.await(t, "listening ", p.exited)
	return &receiver{program: p, base: "http://127.0.0.1:" + strings.TrimPrefix(line, "listening ")}
}

// counts asks a receiver what it has seen.
func (r *receiver) counts() (c counts) {
	r.t.Helper()
	resp, err := http.Get(r.base + "/counts")
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&c); err != nil {
		r.t.Fatal(err)
	}
	return c
}
