package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// firstHour is how long a newcomer waits at most, all waits together, from the start of the program to a delivery that a receiver has verified.
const firstHour = 60 * time.Second

// TestNewcomer_GetsFromAnEmptyDirectoryToAVerifiedDeliveryInAMinute goes the way of somebody who has the program and nothing else: what the
// terminal prints and what the pages show is all that it uses.
func TestNewcomer_GetsFromAnEmptyDirectoryToAVerifiedDeliveryInAMinute(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("curl is missing: apt-get install curl")
	}
	if _, err := startBrowser(); err != nil { // a newcomer's browser is open already
		t.Fatalf("start Chromium: %v", err)
	}
	r := receive(t)
	began := time.Now()
	printed := serveOnTerminal(t)
	p := (&server{t: t, url: printed["Dashboard"]}).open()
	whole := p.ctx
	var stop context.CancelFunc
	p.ctx, stop = context.WithDeadline(whole, began.Add(firstHour))
	defer func() { stop(); p.ctx = whole }()

	p.goTo("/")
	p.at("/sign-in")
	p.expect("401") // asked who is signed in: nobody
	p.fill("E-mail", printed["Sign in as"])
	p.fill("Password", printed["Password"])
	p.press("Sign in")
	p.at("/")
	p.steps("", "", "")
	p.reads("Nothing has arrived yet")

	p.press("Settings → API Keys")
	p.at("/settings/api-keys")
	p.press("Create API Key")
	p.fill("Name", "website")
	p.answer("Create API Key")
	key := p.secret()
	p.answer("Done")
	p.press("Overview")
	p.at("/")
	p.until("the command for a first signal is shown", `document.querySelector(".snippet pre")`)
	command := eval[string](p, `document.querySelector(".snippet pre").textContent`)
	shell := exec.CommandContext(p.ctx, "sh", "-c", command)
	shell.Env = []string{"PATH=" + os.Getenv("PATH"), "SIGNALBOX_API_KEY=" + key}
	if out, err := shell.CombinedOutput(); err != nil || !strings.Contains(string(out), `"status":"received"`) {
		t.Fatalf("the command of the page\n%s\nanswered %v\n%s", command, err, out)
	}
	p.until("the signal arrives live", `document.querySelector("table[aria-label='Latest signals'] .row-link")?.innerText === "page_visit"`)
	p.steps("done", "", "")

	p.press("Settings → Webhooks")
	p.at("/settings/webhooks")
	p.press("Add Endpoint")
	p.at("/settings/webhooks/new")
	p.fill("URL", r.URL)
	p.press("Add Endpoint")
	p.reads("is ready")
	secret := p.secret()
	p.press("Send a test")
	p.press("Send test")
	p.reads("Delivered.")
	if _, body, err := r.last(secret); err != nil {
		t.Errorf("the receiver got %s, and verifies it with the secret that was shown: %v", body, err)
	}
	p.press("Overview")
	p.at("/")
	p.until("nothing is left to get started with", `document.querySelector(".stats") && !document.querySelector(".steps")`)
	took := time.Since(began)
	t.Logf("a newcomer needs %s from the start of the program to a verified delivery, and may need %s", took.Round(time.Millisecond), firstHour)
	if took > firstHour {
		t.Errorf("a newcomer waits for %s, more than %s", took, firstHour)
	}
}

// steps waits until the steps of getting started are marked so, by themselves.
func (p *tab) steps(want ...string) {
	p.t.Helper()
	p.until("the steps are marked "+quoted(strings.Join(want, ",")), `[...document.querySelectorAll(".steps li")].map((l) => l.className).join() === `+quoted(strings.Join(want, ",")))
}

// printedLine is a line of what the first start prints: a name, and what it is.
var printedLine = regexp.MustCompile(`(?m)^  (Dashboard|Sign in as|Password|Reference|Workspace|API key) +(\S+)`)

// serveOnTerminal starts the program as the documents say, on a terminal, and gives what it prints there, by name.
func serveOnTerminal(t *testing.T) map[string]string {
	t.Helper()
	here, there := terminal(t)
	cmd := exec.Command(kit.signalbox, "serve", "--dev", "--addr", "127.0.0.1:0", "--data-dir", t.TempDir())
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "NO_COLOR=1"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = there, there, there
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log, read := &transcript{started: make(chan string, 1), until: "Ctrl-C stops it."}, make(chan error, 1)
	go func() {
		_, err := io.Copy(log, here) // ends with an error when nobody has the other end any more
		read <- err
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT) // it may have ended just now
		kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		kill.Stop()
		if err != nil {
			t.Errorf("the program ended with %v after Ctrl-C", err)
		}
		if err := errors.Join(there.Close(), <-read, here.Close()); err != nil && !errors.Is(err, syscall.EIO) {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the terminal shows:\n%s", log.tail())
		}
	})
	select {
	case <-log.started:
	case <-time.After(patience):
		t.Fatalf("the program does not say that it runs:\n%s", log.tail())
	}
	printed := map[string]string{}
	for _, m := range printedLine.FindAllStringSubmatch(strings.ReplaceAll(log.tail(), "\r", ""), -1) {
		printed[m[1]] = m[2]
	}
	return printed
}

// terminal makes a terminal: what is written at one end is read at the other.
func terminal(t *testing.T) (here, there *os.File) {
	t.Helper()
	here, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	var number, locked int32
	for request, into := range map[uintptr]*int32{syscall.TIOCSPTLCK: &locked, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, here.Fd(), request, uintptr(unsafe.Pointer(into))); errno != 0 {
			t.Fatal(errno)
		}
	}
	there, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return here, there
}
