// Package outside holds the proof that the program goes nowhere that it may not: the real program in a network namespace in which every
// address there is, IPv4 and IPv6, is this machine's, behind sentinels that take every connection to ports 80, 443 and 8443 and a name server of the
// tests. Whatever the program dials arrives, and what it dials elsewhere the kernel counts.
//
// The namespace is made by TestMain, which starts the test program once more inside of it: as root, or as any user who may make user
// namespaces. Routes of the type "local" for 0.0.0.0/0 and ::/0 make the addresses ours; no interface holds them, so that the
// guard does not refuse them as the machine's own.
package outside

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// inside is set, to the path of the built program, in the process that runs in the namespace.
const inside = "SIGNALBOX_OUTSIDE_PROGRAM"

// program is the built signalbox.
var program = os.Getenv(inside)

func TestMain(m *testing.M) {
	if program != "" {
		if err := enter(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		code := m.Run()
		leave()
		os.Exit(code)
	}
	code, err := again()
	if err != nil {
		fmt.Fprintf(os.Stderr, "the tests of the way out cannot run: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

// again builds the program and runs this test program in a namespace of its own.
func again() (code int, err error) {
	dir, err := os.MkdirTemp("", "signalbox-outside-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	built := filepath.Join(dir, "signalbox")
	if out, err := exec.Command("go", "build", "-o", built, "signalbox/cmd/signalbox").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("the program does not build: %w\n%s", err, out)
	}
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"="+built)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	if err != nil {
		return 0, fmt.Errorf("start in a network namespace: %w (as root, or with kernel.unprivileged_userns_clone=1)", err)
	}
	return 0, nil
}

// enter makes every address ours and begins to listen.
func enter() error {
	for _, args := range [][]string{
		{"link", "set", "lo", "up"},
		{"route", "add", "local", "0.0.0.0/0", "dev", "lo"},
		{"-6", "route", "add", "local", "::/0", "dev", "lo"},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %v: %w\n%s", args, err, out)
		}
	}
	return errors.Join(sentinels.listen(), nameServer.listen())
}

func leave() {
	sentinels.close()
	nameServer.close()
}
