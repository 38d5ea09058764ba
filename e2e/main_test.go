// Package e2e holds the end-to-end tests: the real program as it is built and started, with the receivers that the source documents
// show, the senders that they show, other people's webhook libraries, TLS, a shell and a browser at its ends.
//
// Everything speaks over loopback and nothing else is reached. A tool that is missing is no reason to skip: the tests fail and say
// what to install. The programs under receivers/, senders/ and programs/ end when their standard input does, so that nothing
// outlives a test that was killed.
package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// kit is what TestMain found and built; the tests only read it.
var kit struct {
	signalbox string // the built program
	node      string
	python    string // a Python 3 that can import flask
	chromium  string
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "signalbox-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := 1
	if err := prepare(dir); err != nil {
		fmt.Fprintf(os.Stderr, "the end-to-end tests cannot run:\n%v\n", err)
	} else {
		code = m.Run()
	}
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// prepare builds the program and looks for every tool, so that one run names all that is missing.
func prepare(dir string) error {
	kit.signalbox = filepath.Join(dir, "signalbox")
	errs := []error{findNode(), findModules(), findPython(), findChromium()}
	for _, name := range []string{"curl", "sh"} {
		if _, err := exec.LookPath(name); err != nil {
			errs = append(errs, fmt.Errorf("- %s is missing: apt-get install %[1]s", name))
		}
	}
	if out, err := exec.Command("go", "build", "-o", kit.signalbox, "signalbox/cmd/signalbox").CombinedOutput(); err != nil {
		errs = append(errs, fmt.Errorf("- the program does not build: %w\n%s", err, out))
	}
	return errors.Join(errs...)
}

func findNode() error {
	path, err := exec.LookPath("node")
	if err != nil {
		return errors.New("- node is missing: Node.js 20 or newer runs the receivers and senders of the documents")
	}
	kit.node = path
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		return fmt.Errorf("- node --version: %w", err)
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(string(out)), "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < 20 {
		return fmt.Errorf("- node is %s: the tests need Node.js 20 or newer", strings.TrimSpace(string(out)))
	}
	return nil
}

func findModules() error {
	for _, name := range []string{"express", "axios", "standardwebhooks", "svix", "@octokit/webhooks-examples", "oidc-provider", "playwright-core", "typescript", "@types/node"} {
		if _, err := os.Stat(filepath.Join("node_modules", filepath.FromSlash(name), "package.json")); err != nil {
			return fmt.Errorf("- the npm package %s is missing: npm ci --prefix e2e --ignore-scripts", name)
		}
	}
	return nil
}

func findPython() error {
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		path, err := exec.LookPath(name)
		if err == nil && exec.Command(path, "-c", "import flask").Run() == nil {
			kit.python = path
			return nil
		}
	}
	return errors.New("- no python3 can import flask, which runs the documents' Python receivers: apt-get install python3-flask")
}

func findChromium() error {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			kit.chromium = path
			return nil
		}
	}
	return errors.New("- no Chromium is there to open the reference page: apt-get install chromium")
}
