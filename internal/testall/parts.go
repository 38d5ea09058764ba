package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// maxBinary is the most that the program may weigh, in bytes.
const maxBinary = 45 << 20

// needed lists the commands that the tests call and the Debian packages that have them.
var needed = []struct{ command, pkg string }{
	{"node", "nodejs"},
	{"npm", "npm"},
	{"python3", "python3"},
	{"curl", "curl"},
	{"promtool", "prometheus"},
	{"chromium", "chromium"},
	{"systemd-analyze", "systemd"},
	{"strace", "strace"},
	{"sqlite3", "sqlite3"},
	{"mkfs.ext4", "e2fsprogs"},
	{"losetup", "mount"},
	{"ip", "iproute2"},
	{"gcc", "gcc"}, // the race detector's
}

func tools(r *runner) error {
	var missing []string
	for _, n := range needed {
		if _, err := exec.LookPath(n.command); err != nil {
			missing = append(missing, n.pkg)
		}
	}
	if servers, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); len(servers) == 0 {
		missing = append(missing, "postgresql") // not on the PATH: Debian keeps versions side by side
	}
	if exec.Command("python3", "-c", "import flask").Run() != nil && exec.Command("/usr/bin/python3", "-c", "import flask").Run() != nil {
		missing = append(missing, "python3-flask")
	}
	if len(missing) > 0 {
		if os.Geteuid() != 0 {
			return fmt.Errorf("%s are missing, and only root can install them", strings.Join(missing, ", "))
		}
		fmt.Println("installing", strings.Join(missing, ", "))
		if err := r.sh("apt-get", "update", "-q"); err != nil {
			return err
		}
		install := append([]string{"DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-q", "-y", "--no-install-recommends"}, missing...)
		if err := r.sh(install...); err != nil {
			return err
		}
	}
	if _, err := os.Stat("e2e/package-lock.json"); err == nil {
		return r.sh("npm", "ci", "--prefix", "e2e", "--no-audit", "--no-fund", "--ignore-scripts")
	}
	return errors.New("e2e/package-lock.json is missing: the end-to-end tests cannot install their clients")
}

func lint(r *runner) error {
	out, err := r.output("gofmt", "-l", ".")
	if err != nil {
		return err
	}
	if out = strings.TrimSpace(out); out != "" {
		return fmt.Errorf("not gofmt-ed: %s", strings.ReplaceAll(out, "\n", " "))
	}
	if err := r.sh("go", "mod", "verify"); err != nil {
		return err
	}
	for _, tags := range []string{"", "faults"} {
		if err := r.sh("go", "vet", "-tags="+tags, "./..."); err != nil {
			return err
		}
	}
	return r.sh("go", "tool", "staticcheck", "./...")
}

// types checks the dashboard's program and the SDK's. The compiler comes with the end-to-end tests' packages.
func types(r *runner) error {
	const compiler = "e2e/node_modules/.bin/tsc"
	if _, err := os.Stat(compiler); err != nil {
		return fmt.Errorf("%s is missing; the part tools installs it", compiler)
	}
	if err := r.sh(compiler, "--noEmit", "-p", "web/ui"); err != nil {
		return err
	}
	return r.sh(compiler, "--noEmit", "-p", "sdk/typescript")
}

func build(r *runner) error {
	dir, err := os.MkdirTemp("", "signalbox-build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "signalbox")
	if err := r.sh("CGO_ENABLED=0", "go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, "./cmd/signalbox"); err != nil {
		return err
	}
	info, err := os.Stat(bin)
	if err != nil {
		return err
	}
	fmt.Printf("the binary has %.1f MB\n", float64(info.Size())/(1<<20))
	if info.Size() > maxBinary {
		return fmt.Errorf("the binary has %d bytes, the most is %d", info.Size(), maxBinary)
	}
	return r.sh(bin, "version")
}

// race runs every package but those that have a part of their own.
func race(r *runner) error {
	out, err := r.output("go", "list", "./...")
	if err != nil {
		return err
	}
	args := []string{"go", "test", "-race", "-timeout=20m"}
	for pkg := range strings.FieldsSeq(out) {
		if !strings.HasPrefix(pkg, "signalbox/e2e") && !strings.HasPrefix(pkg, "signalbox/internal/crash") {
			args = append(args, pkg)
		}
	}
	if err := r.sh(args...); err != nil || !r.full {
		return err
	}
	return r.sh("go", "test", "-count=1", "-timeout=40m", "./deliver", "-full") // under a virtual clock, without the detector
}

var testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// faults runs the tests of the files that are built with fault points alone: all others have run without.
func faults(r *runner) error {
	args := []string{"go", "test", "-tags=faults", "-timeout=10m"}
	var names []string
	err := eachTestFile(func(path string, text []byte) error {
		if !strings.HasPrefix(string(text), "//go:build faults\n") {
			return nil
		}
		if pkg := "./" + filepath.Dir(path); !slices.Contains(args, pkg) {
			args = append(args, pkg)
		}
		for _, m := range testFunc.FindAllSubmatch(text, -1) {
			names = append(names, string(m[1]))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return errors.New("no file is built with fault points alone")
	}
	return r.sh(append(args, "-run=^("+strings.Join(names, "|")+")$")...)
}

// eachTestFile calls fn for every file of tests in the tree.
func eachTestFile(fn func(path string, text []byte) error) error {
	return filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return fn(path, text)
	})
}

var fuzzTarget = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

// fuzz runs each fuzz target that the tree has.
func fuzz(r *runner) error {
	// A number of runs, not a time: the fuzzer may report its own deadline as a failure.
	span := "5000x"
	if r.full {
		span = "3000000x"
	}
	return eachTestFile(func(path string, text []byte) error {
		for _, m := range fuzzTarget.FindAllSubmatch(text, -1) {
			pkg := "./" + filepath.Dir(path)
			if err := r.sh("go", "test", "-run=^$", "-fuzz=^"+string(m[1])+"$", "-fuzztime="+span, pkg); err != nil {
				return fmt.Errorf("%s in %s: %w", m[1], pkg, err)
			}
		}
		return nil
	})
}

func e2e(r *runner) error {
	return r.sh("go", "test", "-count=1", "-timeout=20m", "./e2e/...")
}

// viewer fails when a page of the dashboard does not show what was stored; the times that it prints are compared with their targets and not enforced.
func viewer(r *runner) error {
	if r.full {
		return r.sh("go", "run", "./cmd/signalbox", "bench", "--only=viewer,audience", "--full", "--duration=25s", "--rounds=5")
	}
	return r.sh("go", "run", "./cmd/signalbox", "bench", "--only=viewer", "--viewed=100000", "--duration=15s", "--rounds=1")
}

// fullCounts are those of the crash harness that are too long for every change; its own defaults are for each one.
var fullCounts = []string{
	"-kills=1000", "-cuts=20", "-restarts=200", "-postmasters=100", "-terminate=60s", "-nodekills=360", "-pauses=20", "-twinkills=60",
	"-stops=200", "-rolls=20", "-changes=200",
}

func crash(r *runner) error {
	args := []string{"go", "test", "-count=1", "-timeout=40m", "-v", "./internal/crash"}
	if r.full {
		args = append(args, "-timeout=5h")
		args = append(args, fullCounts...)
	}
	return r.sh(args...)
}
