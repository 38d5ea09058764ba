package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"signalbox"
	"signalbox/app"
	"signalbox/client"
	"signalbox/seal"
	"signalbox/store"
)

// The keys of a rotation.
const (
	keyA = "0a112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	keyB = "0b112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	keyC = "0c112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
)

func keyID(t *testing.T, text string) string {
	t.Helper()
	k, err := seal.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(k.ID())
}

// rotated is a database whose secrets key A sealed: webhooks in two workspaces, each with a header.
type rotated struct {
	cfg   app.Config // without a key
	hooks *hooks
	keys  []string // an admin key of each workspace
	all   []client.Webhook
	sent  int
}

func newRotated(t *testing.T, pg bool) *rotated {
	t.Helper()
	r := &rotated{cfg: app.Config{DataDir: t.TempDir()}, hooks: newHooks(t)}
	if pg {
		r.cfg.DatabaseURL = postgres(t).Schema(t)
	}
	a, stop := r.serve(t, keyA)
	defer stop()
	first, _ := a.FirstStart()
	if err := a.FirstStartShown(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, second, err := a.MakeWorkspace(t.Context(), "Second")
	if err != nil {
		t.Fatal(err)
	}
	r.keys = []string{first.APIKey, second}
	for i, key := range r.keys {
		for k := range 3 {
			r.all = append(r.all, r.hooks.add(t, clientOf(a, key), fmt.Sprintf("/%d%d", i, k), 200))
		}
	}
	return r
}

// serve runs a server with a key and perhaps old ones.
func (r *rotated) serve(t *testing.T, key string, old ...string) (*app.App, func()) {
	t.Helper()
	cfg := r.cfg
	cfg.SecretKey, cfg.OldSecretKeys = key, old
	return runApp(t, cfg)
}

// refused says why a server does not start with a key.
func (r *rotated) refused(t *testing.T, key string, says ...string) {
	t.Helper()
	cfg := r.cfg
	cfg.SecretKey, cfg.Addr = key, "127.0.0.1:0"
	a, err := app.New(t.Context(), cfg)
	if err == nil {
		t.Fatal("it started with the wrong key; close: ", a.Close())
	}
	for _, want := range says {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it says %q, not %q", err, want)
		}
	}
}

// delivers sends a signal in each workspace, and waits until every webhook's receiver has it, rightly signed and with its header.
func (r *rotated) delivers(t *testing.T, a *app.App) {
	t.Helper()
	r.sent++
	for _, key := range r.keys {
		sendNumber(t, clientOf(a, key), r.sent)
	}
	eventually(t, func() bool {
		for i := range r.all {
			if len(r.hooks.arrived(fmt.Sprintf("/%d%d", i/3, i%3))) < r.sent {
				return false
			}
		}
		return true
	})
	if len(r.hooks.lies) > 0 {
		t.Errorf("what came was not signed, or lacked its header: %v", r.hooks.lies)
	}
}

// rewrap runs the command, and returns how many values it says to have sealed anew.
func (r *rotated) rewrap(t *testing.T, environ []string, args ...string) (done app.Rewrapped) {
	t.Helper()
	args = append([]string{"keys", "rewrap", "--json", "--data-dir", r.cfg.DataDir}, args...)
	if r.cfg.DatabaseURL != "" {
		environ = append(environ, "SIGNALBOX_DATABASE_URL="+r.cfg.DatabaseURL)
	}
	got := cli{environ: environ}.run(t, args...)
	if err := json.Unmarshal([]byte(got.out), &done); err != nil || got.code != exitOK || got.err != "" {
		t.Fatalf("rewrap: %+v, %v", got, err)
	}
	return done
}

// TestKeysRewrap_TheOldKeyIsNeededNoMore changes the secret key as the manual says: a server runs with both, the command seals everything anew, and a server
// with the new key alone sends to every webhook. The old key alone is refused.
func TestKeysRewrap_TheOldKeyIsNeededNoMore(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ pg, running bool }{
		"embedded, running": {false, true}, "embedded, stopped": {false, false}, "PostgreSQL, running": {true, true}, "PostgreSQL, stopped": {true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRotated(t, tc.pg)
			r.refused(t, keyB, "needs the secret key "+keyID(t, keyA), keyID(t, keyB))
			a, stop := r.serve(t, keyB, keyA)
			r.delivers(t, a)
			both := []string{"SIGNALBOX_SECRET_KEY=" + keyB, "SIGNALBOX_OLD_SECRET_KEYS=" + keyA}
			if !tc.running {
				stop()
			} else if !tc.pg {
				both = nil // the server's own are used
			}
			want := app.Rewrapped{KeyID: keyID(t, keyB), Changed: 2*len(r.all) + 1}
			if got := r.rewrap(t, both); got.KeyID != want.KeyID || got.Changed != want.Changed || len(got.Lost) > 0 {
				t.Errorf("it did %+v, want %+v", got, want)
			}
			if got := r.rewrap(t, both); got.Changed != 0 {
				t.Errorf("once more it did %+v", got)
			}
			if tc.running {
				r.delivers(t, a) // what it holds in memory opens as before
			}
			stop()
			r.refused(t, keyA, "needs the secret key "+keyID(t, keyB), keyID(t, keyA))
			a, stop = r.serve(t, keyB)
			defer stop()
			r.delivers(t, a)
		})
	}
}

// A node that still runs with the old key as its first seals new secrets with it: a start with the new key alone is refused, and the command does the rest.
func TestKeysRewrap_FindsWhatANodeSealedMeanwhile(t *testing.T) {
	t.Parallel()
	r := newRotated(t, true)
	late, stopLate := r.serve(t, keyA)
	both := []string{"SIGNALBOX_SECRET_KEY=" + keyB, "SIGNALBOX_OLD_SECRET_KEYS=" + keyA}
	r.rewrap(t, both)
	r.hooks.add(t, clientOf(late, r.keys[0]), "/late", 200)
	stopLate()
	r.refused(t, keyB, "the database needs the secret key "+keyID(t, keyA), "a change of keys was not completed", "signalbox keys rewrap")
	if got := r.rewrap(t, both); got.Changed != 2 {
		t.Errorf("it did %+v", got)
	}
	a, stop := r.serve(t, keyB)
	defer stop()
	r.delivers(t, a)
}

// Killed anywhere, the same command goes on; until it has ended, a start needs both keys and says so.
func TestKeysRewrap_KilledAnywhereGoesOn(t *testing.T) {
	t.Parallel()
	for _, pg := range []bool{false, true} {
		for _, at := range []string{"store.before_commit=kill@2", "store.after_commit=kill@2", "store.after_commit=kill@3", "store.after_commit=kill@4", "store.before_commit=kill@5"} {
			t.Run(fmt.Sprint(at, map[bool]string{true: ", PostgreSQL", false: ""}[pg]), func(t *testing.T) {
				t.Parallel()
				r := newRotated(t, pg)
				environ := []string{"SIGNALBOX_SECRET_KEY=" + keyB, "SIGNALBOX_OLD_SECRET_KEYS=" + keyA}
				if pg {
					environ = append(environ, "SIGNALBOX_DATABASE_URL="+r.cfg.DatabaseURL)
				}
				if got, killed := runProcess(t, append(environ, "SIGNALBOX_FAULTS="+at), "keys", "rewrap", "--data-dir", r.cfg.DataDir); !killed {
					t.Fatalf("it was to be killed: %+v", got)
				}
				r.refused(t, keyB, keyID(t, keyA))
				a, stop := r.serve(t, keyB, keyA)
				r.delivers(t, a)
				stop()
				if got := r.rewrap(t, environ[:2]); got.Changed == 0 || got.Changed > 2*len(r.all)+1 {
					t.Errorf("the rest was %+v", got)
				}
				a, stop = r.serve(t, keyB)
				defer stop()
				r.delivers(t, a)
			})
		}
	}
}

// What cannot be done is said in one line, and nothing is changed.
func TestKeysRewrap_RefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	r := newRotated(t, false)
	refuse := func(says string, environ []string, args ...string) {
		t.Helper()
		got := cli{environ: environ}.run(t, append([]string{"keys", "rewrap"}, args...)...)
		if got.code != exitFailure || !strings.Contains(got.err, says) || strings.Count(got.err, "\n") != 1 || got.out != "" {
			t.Errorf("%v: %+v, want one line with %q", args, got, says)
		}
	}
	refuse("needs the secret key "+keyID(t, keyA), []string{"SIGNALBOX_SECRET_KEY=" + keyB}, "--data-dir", r.cfg.DataDir)
	refuse("secret.key: no such file", nil, "--data-dir", r.cfg.DataDir)
	refuse("there is no Signalbox database in", []string{"SIGNALBOX_SECRET_KEY=" + keyB}, "--data-dir", t.TempDir())
	refuse("a PostgreSQL database needs a secret key", nil, "--database-url", "postgres://x@127.0.0.1:1/x")
	refuse("a secret key is 32 bytes", []string{"SIGNALBOX_SECRET_KEY=short"}, "--data-dir", r.cfg.DataDir)
	a, stop := r.serve(t, keyA)
	defer stop()
	r.delivers(t, a)
}

// A key that is lost for good loses the webhooks, and nothing else.
func TestKeysRewrap_ForgetsWhatIsLost(t *testing.T) {
	t.Parallel()
	for name, pg := range map[string]bool{"embedded": false, "PostgreSQL": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRotated(t, pg)
			r.refused(t, keyC, keyID(t, keyA))
			got := r.rewrap(t, []string{"SIGNALBOX_SECRET_KEY=" + keyC}, "--forget-lost")
			if len(got.Lost) != len(r.all) || got.Changed != 1 {
				t.Errorf("it did %+v", got)
			}
			a, stop := r.serve(t, keyC)
			defer stop()
			c := clientOf(a, r.keys[0])
			hooks, err := collect(c.Webhooks(t.Context()))
			if err != nil || len(hooks) != 3 {
				t.Fatal(hooks, err)
			}
			for _, w := range hooks {
				if w.Enabled || w.DisabledReason != "secret_lost" {
					t.Errorf("the webhook is %+v", w)
				}
			}
			r.hooks.add(t, c, "/new", 200)
			sendNumber(t, c, 1)
			eventually(t, func() bool { return len(r.hooks.arrived("/new")) == 1 })
		})
	}
}

// A value that was changed behind our back stops the command, which names the webhook.
func TestKeysRewrap_NamesWhatDoesNotOpen(t *testing.T) {
	t.Parallel()
	r := newRotated(t, false)
	db, err := store.Open(t.Context(), store.Config{Path: filepath.Join(r.cfg.DataDir, app.DatabaseFile)})
	if err != nil {
		t.Fatal(err)
	}
	list, err := db.Workspaces(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hooks, _, _, err := db.Webhooks(t.Context(), list[1].ID, signalbox.Page{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.UpdateWebhook(t.Context(), list[1].ID, hooks[0].ID, hooks[0].UpdatedAt, func(w *signalbox.Webhook) error {
		w.SealedSecret[len(w.SealedSecret)-1] ^= 1
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	both := []string{"SIGNALBOX_SECRET_KEY=" + keyB, "SIGNALBOX_OLD_SECRET_KEYS=" + keyA}
	got := cli{environ: both}.run(t, "keys", "rewrap", "--data-dir", r.cfg.DataDir)
	if got.code != exitFailure || !strings.Contains(got.err, "webhook "+r.all[5].ID+": the sealed value was changed") || strings.Count(got.err, "\n") != 1 {
		t.Errorf("%+v; want the webhook %s named", got, r.all[5].ID)
	}
	if done := r.rewrap(t, both, "--forget-lost"); len(done.Lost) != 1 || done.Lost[0] != r.all[5].ID {
		t.Errorf("forgotten: %+v", done)
	}
	_, stop := r.serve(t, keyB)
	stop()
}
