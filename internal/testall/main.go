// Command testall runs every test that must pass before a change lands, and prints what each part took. It installs what the parts
// need (Debian's packages where it runs as root, npm packages for the end-to-end tests) and says so; a part that
// cannot run fails with the reason. It leaves nothing running.
//
//	go run ./internal/testall              every part
//	go run ./internal/testall lint race    some parts
//	go run ./internal/testall -full        with the counts that are too long for every change
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// part is one thing that must pass.
type part struct {
	name string
	what string
	run  func(r *runner) error
}

var parts = []part{
	{"tools", "install what the tests need", tools},
	{"lint", "gofmt, go vet, staticcheck", lint},
	{"types", "the TypeScript of the dashboard, against types of our own document, and of the SDK", types},
	{"build", "a static binary, its size", build},
	{"race", "every package's tests under the race detector", race},
	{"faults", "the tests that need fault points", faults},
	{"fuzz", "each fuzz target for 5,000 inputs", fuzz},
	{"e2e", "other people's clients and receivers", e2e},
	{"viewer", "the dashboard's pages over many signals and deliveries, while more arrive", viewer},
	{"crash", "servers, disks, databases and networks that break; ledgers reconciled", crash},
}

// runner runs the parts' commands.
type runner struct {
	ctx  context.Context
	full bool
}

func main() {
	full := flag.Bool("full", false, "the counts that are too long for every change")
	list := flag.Bool("list", false, "list the parts")
	flag.Parse()
	if *list {
		for _, p := range parts {
			fmt.Printf("%-8s %s\n", p.name, p.what)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := runAll(&runner{ctx: ctx, full: *full}, flag.Args())
	stop()
	os.Exit(code)
}

// runAll runs the chosen parts, all of them when none is named, and prints the table of times.
func runAll(r *runner, chosen []string) int {
	for _, name := range chosen {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.name == name }) {
			fmt.Fprintf(os.Stderr, "no part is named %q; see -list\n", name)
			return 2
		}
	}
	var report strings.Builder
	code := 0
	begin := time.Now()
	for _, p := range parts {
		if len(chosen) > 0 && !slices.Contains(chosen, p.name) {
			continue
		}
		fmt.Printf("\n=== %s: %s\n", p.name, p.what)
		start := time.Now()
		err := p.run(r)
		verdict := "ok"
		if err != nil {
			verdict, code = "FAILED: "+err.Error(), 1
			fmt.Printf("--- %s failed: %v\n", p.name, err)
		}
		fmt.Fprintf(&report, "%-8s %7.1fs  %s\n", p.name, time.Since(start).Seconds(), verdict)
		if r.ctx.Err() != nil {
			break
		}
	}
	fmt.Printf("\n%s%-8s %7.1fs\n", report.String(), "all", time.Since(begin).Seconds())
	return code
}

// sh prints a command and runs it with our output; extra environment comes as K=V before the command's name.
func (r *runner) sh(args ...string) error {
	fmt.Println("$", strings.Join(args, " "))
	cmd := r.command(args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// output prints a command, runs it and returns what it printed.
func (r *runner) output(args ...string) (string, error) {
	cmd := r.command(args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return string(out), err
}

func (r *runner) command(args ...string) *exec.Cmd {
	env := os.Environ()
	for len(args) > 0 && strings.Contains(args[0], "=") {
		env, args = append(env, args[0]), args[1:]
	}
	cmd := exec.CommandContext(r.ctx, args[0], args[1:]...)
	cmd.Env = env
	// The command's children end with it: nothing is left running.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}
