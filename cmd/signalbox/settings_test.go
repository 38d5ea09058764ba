package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// shownConfig is what check-config --json writes.
type shownConfig struct {
	Settings []shownSetting `json:"settings"`
	Problems []string       `json:"problems"`
}

func (c shownConfig) setting(name string) (value, source string) {
	for _, s := range c.Settings {
		if s.Name == name {
			return s.Value, s.Source
		}
	}
	return "", "missing"
}

func checkConfig(t *testing.T, c cli, args ...string) (shownConfig, result) {
	t.Helper()
	got := c.run(t, append([]string{"check-config", "--json"}, args...)...)
	var shown shownConfig
	if err := json.Unmarshal([]byte(got.out), &shown); err != nil {
		t.Fatalf("%v in %s (%s)", err, got.out, got.err)
	}
	return shown, got
}

func TestSettings_FlagsBeforeEnvironmentBeforeFile(t *testing.T) {
	t.Parallel()
	file := write(t, "c.yaml", "addr: 127.0.0.1:1003\nlog-level: warn\nallow-ports: [9003, 9004]\ndev: true\ndrain-grace: 3s\n")
	env := []string{"SIGNALBOX_CONFIG=" + file}
	cases := []struct {
		name          string
		env           []string
		args          []string
		setting       string
		value, source string
	}{
		{"default", nil, nil, "log-format", "text", "default"},
		{"file", nil, nil, "addr", "127.0.0.1:1003", file + ":1"},
		{"file, a list", nil, nil, "allow-ports", "[9003,9004]", file + ":3"},
		{"file, a flag", nil, nil, "dev", "true", file + ":4"},
		{"file, a duration", nil, nil, "drain-grace", "3s", file + ":5"},
		{"environment over file", []string{"SIGNALBOX_ADDR=127.0.0.1:1002"}, nil, "addr", "127.0.0.1:1002", "SIGNALBOX_ADDR"},
		{"environment over file, a list", []string{"SIGNALBOX_ALLOW_PORTS=9002"}, nil, "allow-ports", "[9002]", "SIGNALBOX_ALLOW_PORTS"},
		{"flag over environment", []string{"SIGNALBOX_ADDR=127.0.0.1:1002"}, []string{"--addr", "127.0.0.1:1001"}, "addr", "127.0.0.1:1001", "--addr"},
		{"flag over file", nil, []string{"--dev=false"}, "dev", "false", "--dev"},
		{"a flag with its default's value", []string{"SIGNALBOX_LOG_FORMAT=json"}, []string{"--log-format", "text"}, "log-format", "text", "--log-format"},
		{"an empty variable is none", []string{"SIGNALBOX_ADDR="}, nil, "addr", "127.0.0.1:1003", file + ":1"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			shown, got := checkConfig(t, cli{environ: append(env[:1:1], tc.env...)}, tc.args...)
			value, source := shown.setting(tc.setting)
			if value != tc.value || source != tc.source || got.code != exitOK {
				t.Errorf("%s is %q from %q (status %d), want %q from %q", tc.setting, value, source, got.code, tc.value, tc.source)
			}
		})
	}
}

func TestSettings_SecretsComeFromTheEnvironmentAndStayHidden(t *testing.T) {
	t.Parallel()
	secret := "6d1f0c83b2a94e57f0b1d4c2968a7e3511ccfe02d9847b6a3058e1f4927dab60"
	shown, got := checkConfig(t, cli{environ: []string{"SIGNALBOX_SECRET_KEY=" + secret, "SIGNALBOX_BOOTSTRAP_API_KEY=sk_live_" + strings.Repeat("x", 24)}})
	for _, name := range []string{"secret-key", "bootstrap-api-key"} {
		if value, source := shown.setting(name); value != "[hidden]" || source != envName(name) {
			t.Errorf("%s is %q from %q", name, value, source)
		}
	}
	if got.code != exitOK || strings.Contains(got.out+got.err, secret) || strings.Contains(got.out+got.err, "sk_live_x") {
		t.Errorf("status %d; a secret was printed in\n%s\n%s", got.code, got.out, got.err)
	}
	if got := (cli{}).run(t, "serve", "--secret-key", secret); got.code != exitUsage {
		t.Errorf("--secret-key was taken: status %d", got.code)
	}
}

func TestSettings_FileIsStrict(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, text, says string }{
		{"unknown key", "addr: 127.0.0.1:1\nadress: x\n", `:2: there is no setting "adress"`},
		{"key twice", "dev: true\nlog-level: info\ndev: false\n", ":3: dev is given twice, first in line 1"},
		{"secret", "secret-key: abc\n", ":1: secret-key is a secret: set SIGNALBOX_SECRET_KEY in the environment"},
		{"the file itself", "config: other.yaml\n", `:1: there is no setting "config"`},
		{"text for a truth", "dev: \"yes\"\n", `:1: dev: "yes" is not true or false`},
		{"text for a number", "retention-event-days: many\n", `:1: retention-event-days: "many" is not a whole number`},
		{"quoted number", "retention-event-days: \"3\"\n", `:1: retention-event-days: "3" is not a whole number`},
		{"number beyond all bounds", "retention-event-days: 99999999999999999999\n", ":1: retention-event-days"},
		{"list for one value", "addr: [a, b]\n", ":1: addr: it takes one value"},
		{"map for a list", "allow-ports: {a: 1}\n", ":1: allow-ports: it takes a list"},
		{"no value", "addr:\n", ":1: addr: it takes one value"},
		{"a list", "- addr\n", "line 1: settings are written as name: value"},
		{"two documents", "dev: true\n---\ndev: true\n", "more than one document"},
		{"not YAML", "addr: [\n", "line 1"},
		{"key that is no text", "[a]: b\n", ":1: there is no setting"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			file := write(t, "c.yaml", tc.text)
			shown, got := checkConfig(t, cli{}, "--config", file)
			if got.code != exitFailure || !strings.Contains(strings.Join(shown.Problems, "\n"), tc.says) {
				t.Errorf("status %d, problems %q; want %q", got.code, shown.Problems, tc.says)
			}
			if served := (cli{}).run(t, "serve", "--config", file); served.code != exitFailure || !strings.Contains(served.err, tc.says) {
				t.Errorf("serve: status %d, %s", served.code, served.err)
			}
		})
	}
}

func TestSettings_EmptyFilesAreFine(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "---\n", "null\n"} {
		if shown, got := checkConfig(t, cli{}, "--config", write(t, "c.yaml", text)); got.code != exitOK {
			t.Errorf("%q: %q", text, shown.Problems)
		}
	}
}

func TestCheckConfig_TellsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	file := write(t, "c.yaml", "nonsense: 1\n")
	got := cli{environ: []string{"SIGNALBOX_DEV=perhaps", "SIGNALBOX_ADRR=:1"}}.run(t, "check-config",
		"--config", file, "--addr", "nowhere", "--log-level", "loud", "--log-format", "xml", "--tls-cert", "missing.pem")
	for _, says := range []string{"nonsense", "SIGNALBOX_DEV", "--addr", "--log-level", "--log-format", "--tls-cert", "no such setting: SIGNALBOX_ADRR"} {
		if !strings.Contains(got.err, says) {
			t.Errorf("%s is not told in\n%s", says, got.err)
		}
	}
	if got.code != exitFailure || !strings.Contains(got.out, "FROM") {
		t.Errorf("status %d, wrote\n%s", got.code, got.out)
	}
}

func TestCheckConfig_LeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/data"
	if got := (cli{}).run(t, "check-config", "--data-dir", dir); got.code != exitOK {
		t.Fatal(got.err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("check-config made the data directory: %v", err)
	}
}

func FuzzConfigFile(f *testing.F) {
	for _, seed := range []string{"", "addr: x\n", "dev: true\ndev: true", "allow-ports: [1, 2]", "&a : *a", "a: &x [*x]", "? [1]\n: 2", "%YAML 9\n---\n", "\x00", "addr: !!binary aGk="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := newSettings()
		path := t.TempDir() + "/c.yaml"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.file = path
		for _, problem := range s.fill(cli{}.program(nil, nil)) {
			if !strings.HasPrefix(problem.Error(), path) {
				t.Errorf("a problem that does not name the file: %v", problem)
			}
		}
	})
}
