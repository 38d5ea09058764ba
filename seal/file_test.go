package seal_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"signalbox/seal"
)

func TestLoadOrCreateKeyFile_MakesAKeyOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret.key")
	made, err := seal.LoadOrCreateKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %04o", info.Mode().Perm())
	}
	again, err := seal.LoadOrCreateKeyFile(path)
	if err != nil || again.Reveal() != made.Reveal() {
		t.Errorf("the second start has another key, %v", err)
	}
	if loaded, err := seal.LoadKeyFile(path); err != nil || loaded.ID() != made.ID() {
		t.Errorf("LoadKeyFile: %v", err)
	}
	if names, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}

func TestLoadOrCreateKeyFile_ManyAtOnceGetOneKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret.key")
	type result struct {
		id  seal.KeyID
		err error
	}
	results := make(chan result)
	for range 8 {
		go func() {
			k, err := seal.LoadOrCreateKeyFile(path)
			if err != nil {
				results <- result{"", err}
				return
			}
			results <- result{k.ID(), nil}
		}()
	}
	ids := map[seal.KeyID]bool{}
	for range 8 {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
		}
		ids[r.id] = true
	}
	if len(ids) != 1 {
		t.Errorf("got %d keys", len(ids))
	}
}

func TestLoadKeyFile_RefusesWhatOthersCouldRead(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such mode bits")
	}
	path := filepath.Join(t.TempDir(), "secret.key")
	if err := os.WriteFile(path, []byte(key(t, 'a').Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, fine := range map[os.FileMode]bool{
		0o600: true, 0o400: true, 0o640: true, 0o440: true,
		0o604: false, 0o644: false, 0o666: false, 0o660: false, 0o602: false, 0o601: false,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		for _, load := range []func(string) (seal.Key, error){seal.LoadKeyFile, seal.LoadOrCreateKeyFile} {
			_, err := load(path)
			if (err == nil) != fine {
				t.Errorf("mode %04o: got %v", mode, err)
			}
			if !fine && err != nil && !strings.Contains(err.Error(), "chmod 600") {
				t.Errorf("mode %04o: the error does not say what to do: %v", mode, err)
			}
		}
	}
}

func TestLoadOrCreateKeyFile_NeverReplacesWhatIsThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "secret.key")
	for _, text := range []string{"", "half a ke", strings.Repeat("x", 5000)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.LoadOrCreateKeyFile(path); err == nil {
			t.Errorf("%.20q was taken as a key", text)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Errorf("%.20q was replaced", text)
		}
	}
	if _, err := seal.LoadOrCreateKeyFile(dir); err == nil {
		t.Error("a directory was taken as a key file")
	}
	if _, err := seal.LoadOrCreateKeyFile(filepath.Join(dir, "missing", "secret.key")); err == nil {
		t.Error("a missing directory was made")
	}
	if _, err := seal.LoadKeyFile(filepath.Join(dir, "none")); err == nil {
		t.Error("LoadKeyFile made a key")
	}
}
