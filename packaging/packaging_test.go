package packaging_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"signalbox/app"
)

// read returns a file of the repository.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// otherVariables are those of the environment that are no settings of serve: secrets, which no flag takes, and other commands'.
var otherVariables = []string{
	"SIGNALBOX_SECRET_KEY", "SIGNALBOX_OLD_SECRET_KEYS", "SIGNALBOX_BOOTSTRAP_API_KEY", "SIGNALBOX_URL", "SIGNALBOX_API_KEY", "SIGNALBOX_WEBHOOK_SECRET", "SIGNALBOX_CONNECTOR_AUTH",
	"SIGNALBOX_ADMIN_EMAIL", "SIGNALBOX_ADMIN_PASSWORD", "SIGNALBOX_OIDC_CLIENT_SECRET",
}

// What is named to operators exists: every SIGNALBOX_ variable is a setting, every flag some command's.
func TestOperators_AreToldOfSettingsThatExist(t *testing.T) {
	t.Parallel()
	flags := map[string]bool{}
	sources, err := filepath.Glob("../cmd/signalbox/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		for _, m := range regexp.MustCompile(`VarP?\(&[^,]+, "([a-z-]+)"`).FindAllStringSubmatch(read(t, strings.TrimPrefix(source, "../")), -1) {
			flags["--"+m[1]] = true
		}
	}
	if len(flags) < 40 {
		t.Fatalf("only %d flags found", len(flags))
	}
	flag := regexp.MustCompile(`--[a-z][a-z-]*[a-z]`)
	variables := map[string]bool{}
	for _, f := range flag.FindAllString(read(t, "cmd/signalbox/testdata/help/signalbox-serve.txt"), -1) {
		variables["SIGNALBOX_"+strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(f, "--"), "-", "_"))] = true
	}
	for _, v := range otherVariables {
		variables[v] = true
	}
	files := []string{"Dockerfile", "README.md", "packaging/systemd/signalbox.service", "examples/compose/compose.yaml"}
	docs, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		files = append(files, strings.TrimPrefix(d, "../"))
	}
	ours := regexp.MustCompile("`signalbox [^`]*`|`--[a-z][a-z-]*[^`]*`|(?m)^    signalbox .*$")
	for _, path := range files {
		text := read(t, path)
		for _, v := range regexp.MustCompile(`SIGNALBOX_[A-Z_]*[A-Z]`).FindAllString(text, -1) {
			if !variables[v] {
				t.Errorf("%s names %s, which is no setting", path, v)
			}
		}
		for _, command := range ours.FindAllString(text, -1) {
			for _, f := range flag.FindAllString(command, -1) {
				if !flags[f] {
					t.Errorf("%s names %s in %s, which no command takes", path, f, command)
				}
			}
		}
	}
}

// shown are the names of all metrics that a server shows, after a little traffic.
func shown(t *testing.T) map[string]bool {
	t.Helper()
	const key = "sk_live_packaging_test_key_0000001"
	a, err := app.New(t.Context(), app.Config{Addr: "127.0.0.1:0", DataDir: t.TempDir(), Dev: true, BootstrapAPIKey: key, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	got := make(chan struct{}, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got <- struct{}{} }))
	t.Cleanup(receiver.Close)
	ask := func(method, path, body string) string {
		req, err := http.NewRequestWithContext(t.Context(), method, a.URL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode > 299 {
			t.Fatalf("%s %s: %d %s %v", method, path, res.StatusCode, text, err)
		}
		return string(text)
	}
	ask("POST", "/v1/webhooks", fmt.Sprintf(`{"url":%q,"events":["signal.created"]}`, receiver.URL))
	ask("POST", "/v1/signals", `{"type":"t","source":"s","account":{"domain":"acme.com"}}`)
	<-got
	names := map[string]bool{}
	for wait := time.Now().Add(10 * time.Second); !names["signalbox_delivery_attempts_total"] && time.Now().Before(wait); { // counted after the answer
		for _, m := range regexp.MustCompile(`(?m)^([a-z_]+)[{ ]`).FindAllStringSubmatch(ask("GET", "/metrics", ""), -1) {
			names[m[1]] = true
		}
	}
	return names
}

var (
	metricName = regexp.MustCompile(`\b(signalbox|process|go)_[a-z_]+`)
	suffix     = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// unshown are metrics of PostgreSQL alone: the server of this test has the embedded database.
var unshown = []string{"signalbox_database_statements_total"}

// The board and the alerts ask for metrics that there are, and the board leaves none out.
func TestBoard_AsksForMetricsThatExist(t *testing.T) {
	t.Parallel()
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "packaging/grafana/signalbox.json")), &board); err != nil {
		t.Fatal(err)
	}
	exist := shown(t)
	for _, name := range unshown {
		exist[name] = true
	}
	asked := map[string]bool{}
	check := func(where, text string) {
		for _, name := range metricName.FindAllString(text, -1) {
			asked[suffix.ReplaceAllString(name, "")] = true
			if !exist[name] {
				t.Errorf("%s asks for %s, which no server shows", where, name)
			}
		}
	}
	for _, p := range board.Panels {
		for _, q := range p.Targets {
			check("the board's "+p.Title, q.Expr)
		}
	}
	for name := range exist {
		if strings.HasPrefix(name, "signalbox_") && !asked[suffix.ReplaceAllString(name, "")] {
			t.Errorf("the board does not show %s", name)
		}
	}
	var alerts struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations struct{ Runbook string }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "packaging/prometheus/alerts.yml")), &alerts); err != nil {
		t.Fatal(err)
	}
	operations := read(t, "docs/operations.md")
	for _, g := range alerts.Groups {
		for _, r := range g.Rules {
			check(r.Alert, r.Expr)
			if !strings.Contains(operations, "### "+r.Alert+"\n") || r.Annotations.Runbook != "docs/operations.md#"+strings.ToLower(r.Alert) {
				t.Errorf("docs/operations.md does not say what to do for %s", r.Alert)
			}
		}
	}
}

func TestAlerts_PassPromtool(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.CommandContext(t.Context(), "promtool", args...)
		cmd.Dir = "prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

// The unit is one that systemd takes, and leaves the program next to nothing that it does not need.
func TestUnit_IsTakenBySystemd(t *testing.T) {
	t.Parallel()
	unit := read(t, "packaging/systemd/signalbox.service")
	dir := t.TempDir()
	program := filepath.Join(dir, "signalbox")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "signalbox.service")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(unit, "/usr/local/bin/signalbox", program)), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--threshold=20", path).CombinedOutput(); err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}

func TestCompose_IsWhatItSays(t *testing.T) {
	t.Parallel()
	var file struct {
		Services map[string]struct {
			Image, Build string
			Environment  map[string]string
			Secrets      []string
			Volumes      []string
			Networks     []string
		}
		Networks, Volumes map[string]any
		Secrets           map[string]struct{ File string }
	}
	dec := yaml.NewDecoder(strings.NewReader(read(t, "examples/compose/compose.yaml")))
	if err := dec.Decode(&file); err != nil {
		t.Fatal(err)
	}
	if len(file.Services) != 3 {
		t.Errorf("%d services, want PostgreSQL and two nodes", len(file.Services))
	}
	data := map[string]bool{}
	for name, s := range file.Services {
		if (s.Image == "") == (s.Build == "") {
			t.Errorf("%s has an image and a build, or neither", name)
		}
		for _, secret := range s.Secrets {
			if _, ok := file.Secrets[secret]; !ok {
				t.Errorf("%s uses the secret %s, which is not there", name, secret)
			}
		}
		for _, n := range s.Networks {
			if _, ok := file.Networks[n]; !ok && n != "default" {
				t.Errorf("%s uses the network %s, which is not there", name, n)
			}
		}
		for _, v := range s.Volumes {
			volume, _, _ := strings.Cut(v, ":")
			if _, ok := file.Volumes[volume]; !ok || data[volume] {
				t.Errorf("%s uses the volume %s, which is not there or somebody else's", name, volume)
			}
			data[volume] = true
		}
	}
}

// image is what the Dockerfile's last stage says.
type image struct {
	from, user string
	env        map[string]string
	entry, cmd []string
	health     []string
	copies     [][]string // from, to
}

// instructions reads the last stage of a Dockerfile, and the command that builds the program.
func instructions(t *testing.T, text string) (last image, build string) {
	t.Helper()
	text = regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, "\\\n", " ")
	list := func(raw string) (out []string) {
		if err := json.Unmarshal([]byte(raw), &out); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		return out
	}
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "FROM":
			last = image{from: rest, env: map[string]string{}}
		case "USER":
			last.user = rest
		case "ENV":
			for pair := range strings.FieldsSeq(rest) {
				name, value, _ := strings.Cut(pair, "=")
				last.env[name] = value
			}
		case "ENTRYPOINT":
			last.entry = list(rest)
		case "CMD":
			last.cmd = list(rest)
		case "HEALTHCHECK":
			last.health = list(rest[strings.Index(rest, "["):])
		case "COPY":
			if fields := strings.Fields(rest); strings.HasPrefix(fields[0], "--from=build") {
				last.copies = append(last.copies, fields[len(fields)-2:])
			}
		case "RUN":
			if strings.Contains(rest, "go build") {
				build = rest
			}
		}
	}
	return last, build
}

// unpack makes the image's root: what its stage copies, the program built as the Dockerfile says.
func (img *image) unpack(t *testing.T, build string) string {
	t.Helper()
	root := t.TempDir()
	for dir := root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) { // the image's user passes through
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range img.copies {
		to := filepath.Join(root, c[1])
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		switch c[0] {
		case "/out/signalbox":
			cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(build, "/out/signalbox", to, 1))
			cmd.Dir = ".."
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", build, err, out)
			}
		case "/out/data":
			if err := errors.Join(os.Mkdir(to, 0o700), os.Chown(to, 65532, 65532)); err != nil {
				t.Fatal(err)
			}
		default:
			if err := os.WriteFile(to, []byte("no certificate\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

// TestImage_RunsOnNothingAsNobody builds the program as the Dockerfile says and runs it as the image would: nothing else in its root, no rights.
func TestImage_RunsOnNothingAsNobody(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Fatal("the image's root and user need Linux and root")
	}
	img, build := instructions(t, read(t, "Dockerfile"))
	if img.from != "scratch" || img.user != "65532:65532" || !slices.Equal(append(img.entry, img.cmd...), []string{"/signalbox", "serve"}) {
		t.Fatalf("the image is %+v", img)
	}
	root := img.unpack(t, build)
	addr := freeAddr(t)
	run := func(args []string, out io.Writer) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Path, cmd.Dir, cmd.Err = args[0], "/", nil
		cmd.Stdout, cmd.Stderr = out, out
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		for name, value := range img.env {
			if name == "SIGNALBOX_ADDR" {
				value = addr
			}
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}, Pdeathsig: syscall.SIGKILL,
		}
		return cmd
	}
	var said bytes.Buffer
	server := run(append(img.entry, img.cmd...), &said)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	var health bytes.Buffer
	ready := false
	for end := time.Now().Add(20 * time.Second); !ready && time.Now().Before(end); {
		health.Reset()
		ready = run(img.health, &health).Run() == nil
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := server.Wait(); err != nil || !ready {
		t.Errorf("ready: %t (%s), ended with %v; it said:\n%s", ready, &health, err, &said)
	}
	var left []string
	err := filepath.WalkDir(filepath.Join(root, "data"), func(path string, d fs.DirEntry, err error) error {
		left = append(left, d.Name())
		return err
	})
	if err != nil || !slices.Contains(left, app.DatabaseFile) {
		t.Errorf("the volume holds %v, %v", left, err)
	}
	if err := run(img.health, io.Discard).Run(); err == nil {
		t.Error("a server that has stopped is called healthy")
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
