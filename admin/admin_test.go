package admin_test

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
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/admin"
)

// acts is a server that does what its test says.
type acts struct {
	backup func(ctx context.Context, w io.Writer) error
	err    error
	forget bool
}

var errTest = errors.New("the disk has no room: 7 bytes are free")

func (a *acts) Backup(ctx context.Context, w io.Writer) error { return a.backup(ctx, w) }

func (a *acts) Rewrap(_ context.Context, forget bool) (admin.Rewrapped, error) {
	a.forget = forget
	return admin.Rewrapped{KeyID: "k_1", Changed: 3, Lost: []string{"wh_1"}}, a.err
}

func (a *acts) Workspaces(context.Context) ([]admin.Workspace, error) {
	return []admin.Workspace{{ID: "ws_1", Name: "One", Timezone: "UTC"}}, a.err
}

func (a *acts) CreateWorkspace(_ context.Context, name string) (admin.Workspace, error) {
	return admin.Workspace{ID: "ws_2", Name: name, APIKey: "sk_live_x"}, a.err
}

func (a *acts) Members(context.Context) ([]admin.Member, error) {
	return []admin.Member{{ID: "mem_1", Email: "ann@acme.com", Role: "admin", Status: "active", Workspace: "One"}}, a.err
}

func (a *acts) MemberLink(_ context.Context, email string) (admin.MemberLink, error) {
	return admin.MemberLink{Email: email, Kind: "reset", URL: "http://x/link/t"}, a.err
}

// open runs a door in a directory, until its test or stop ends it.
func open(t *testing.T, dir string, a *acts) (stop func()) {
	t.Helper()
	d, err := admin.Listen(dir, a, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("the door: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the door does not close")
		}
	}
	t.Cleanup(stop)
	return stop
}

func dial(t *testing.T, dir string) *admin.Client {
	t.Helper()
	c, err := admin.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestDoor_DoesWhatIsAsked(t *testing.T) {
	t.Parallel()
	dir, a := t.TempDir(), &acts{backup: func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "an archive")
		return err
	}}
	open(t, dir, a)
	c := dial(t, dir)
	var out bytes.Buffer
	if err := c.Backup(t.Context(), &out); err != nil || out.String() != "an archive" {
		t.Errorf("backup: %q, %v", &out, err)
	}
	list, err := c.Workspaces(t.Context())
	if err != nil || len(list) != 1 || list[0].Name != "One" {
		t.Errorf("workspaces: %+v, %v", list, err)
	}
	made, err := c.CreateWorkspace(t.Context(), "Zwei")
	if err != nil || made.Name != "Zwei" || made.APIKey != "sk_live_x" {
		t.Errorf("made: %+v, %v", made, err)
	}
	members, err := c.Members(t.Context())
	if err != nil || len(members) != 1 || members[0].Email != "ann@acme.com" {
		t.Errorf("members: %+v, %v", members, err)
	}
	link, err := c.MemberLink(t.Context(), "ann@acme.com")
	if err != nil || link.Email != "ann@acme.com" || link.URL != "http://x/link/t" {
		t.Errorf("link: %+v, %v", link, err)
	}
	for _, forget := range []bool{true, false} {
		done, err := c.Rewrap(t.Context(), forget)
		if err != nil || done.Changed != 3 || len(done.Lost) != 1 || a.forget != forget {
			t.Errorf("rewrap: %+v, %v; forget %v", done, err, a.forget)
		}
	}
}

// An error comes back in all its words; one that comes behind the first byte of a backup too, and so does a server that goes away.
func TestDoor_TellsWhatWentWrong(t *testing.T) {
	t.Parallel()
	dir, a := t.TempDir(), &acts{err: fmt.Errorf("ouch: %w", errTest)}
	open(t, dir, a)
	c := dial(t, dir)
	if _, err := c.Workspaces(t.Context()); err == nil || err.Error() != "ouch: "+errTest.Error() {
		t.Errorf("workspaces: %v", err)
	}
	for name, before := range map[string]int{"at once": 0, "behind a byte": 1, "behind much": 1 << 20} {
		a.backup = func(_ context.Context, w io.Writer) error {
			_, err := w.Write(make([]byte, before))
			return errors.Join(err, errors.New("a “copy” failed\nfor good"))
		}
		if err := c.Backup(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "a “copy” failed") {
			t.Errorf("%s: %v", name, err)
		}
	}
	a.backup = func(_ context.Context, w io.Writer) error {
		_, _ = w.Write(make([]byte, 1<<20))
		panic(http.ErrAbortHandler)
	}
	if err := c.Backup(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "the server broke the backup off") {
		t.Errorf("broken off: %v", err)
	}
	a.backup = func(ctx context.Context, w io.Writer) error {
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return err
			}
		}
	}
	if err := c.Backup(t.Context(), full{}); !errors.Is(err, errTest) {
		t.Errorf("a writer that fails: %v", err)
	}
}

// full takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errTest }

// Refusals have the shape of the public API.
func TestDoor_RefusesInTheWordsOfTheAPI(t *testing.T) {
	t.Parallel()
	dir, a := t.TempDir(), &acts{}
	open(t, dir, a)
	h := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, admin.Socket))
	}}}
	for _, tc := range []struct {
		method, path, body string
		err                error
		status             int
		code               string
	}{
		{"POST", "/nothing", "", nil, 404, "not_found"},
		{"DELETE", "/workspaces", "", nil, 404, "not_found"},
		{"POST", "/workspaces", "{", nil, 400, "validation_error"},
		{"POST", "/workspaces", `{"nme":"x"}`, nil, 400, "validation_error"},
		{"POST", "/workspaces", strings.Repeat(" ", 70<<10), nil, 400, "validation_error"},
		{"POST", "/rewrap", "", signalbox.Errorf(signalbox.Conflict, "no"), 409, "conflict"},
		{"GET", "/workspaces", "", errTest, 500, "internal_error"},
	} {
		a.err = tc.err
		req, err := http.NewRequestWithContext(t.Context(), tc.method, "http://signalbox"+tc.path, strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := h.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Error struct {
				Code, Message string
				RequestID     string `json:"request_id"`
			}
			Meta struct {
				RequestID string `json:"request_id"`
				Timestamp time.Time
			}
		}
		err = json.NewDecoder(resp.Body).Decode(&answer)
		resp.Body.Close()
		id := resp.Header.Get("X-Request-Id")
		if err != nil || resp.StatusCode != tc.status || answer.Error.Code != tc.code || answer.Error.Message == "" || id == "" ||
			answer.Error.RequestID != id || answer.Meta.RequestID != id || answer.Meta.Timestamp.IsZero() {
			t.Errorf("%s %s: status %d, %+v, %v; want %d %s", tc.method, tc.path, resp.StatusCode, answer, err, tc.status, tc.code)
		}
	}
}

// Nobody but the owner can open the socket, and nothing else is in the directory; with the door it goes.
func TestListen_SocketIsTheOwnersAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stop := open(t, dir, &acts{})
	info, err := os.Lstat(filepath.Join(dir, admin.Socket))
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
		t.Errorf("in the directory are %v, %v", list, err)
	}
	stop()
	if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
		t.Errorf("after the end there are %v, %v", list, err)
	}
	if _, err := admin.Dial(t.Context(), dir); !errors.Is(err, admin.ErrNoServer) {
		t.Errorf("after the end: %v", err)
	}
}

// What a crash left is no server, and is replaced.
func TestListen_ReplacesWhatACrashLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, admin.Socket)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Dial(t.Context(), dir); !errors.Is(err, admin.ErrNoServer) {
		t.Errorf("a socket that nobody listens at: %v", err)
	}
	open(t, dir, &acts{})
	if _, err := dial(t, dir).Workspaces(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestListen_RefusesAFileThatIsNoSocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, admin.Socket)
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Listen(dir, &acts{}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "is no socket: remove it") {
		t.Error(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "mine" {
		t.Errorf("the file is %q, %v", text, err)
	}
}

// A path that is too long for a socket is said so on both sides; a shorter way to write it is found.
func TestListen_LongPaths(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 25))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var long *admin.PathError
	if _, err := admin.Listen(dir, &acts{}, slog.New(slog.DiscardHandler)); !errors.As(err, &long) || !strings.Contains(err.Error(), "give --data-dir a shorter path") {
		t.Errorf("listen: %v", err)
	}
	if _, err := admin.Dial(t.Context(), dir); !errors.As(err, &long) {
		t.Errorf("dial: %v", err)
	}
	t.Chdir(dir)
	open(t, dir, &acts{})
	if _, err := dial(t, dir).Workspaces(t.Context()); err != nil {
		t.Errorf("from within: %v", err)
	}
}

// A door that closes ends what is under way: a backup of hours does not hold a stop up.
func TestDoor_ClosingEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	dir, began := t.TempDir(), make(chan bool)
	stop := open(t, dir, &acts{backup: func(ctx context.Context, w io.Writer) error {
		_, _ = w.Write([]byte("the beginning"))
		close(began)
		<-ctx.Done()
		return ctx.Err()
	}})
	result := make(chan error, 1)
	c := dial(t, dir)
	go func() { result <- c.Backup(context.Background(), io.Discard) }()
	<-began
	stop()
	if err := <-result; err == nil {
		t.Error("the backup succeeded")
	}
	if _, err := os.Stat(filepath.Join(dir, admin.Socket)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// Who asked and went away ends what it asked for.
func TestDoor_AClientThatGoesEndsItsBackup(t *testing.T) {
	t.Parallel()
	dir, began, ended := t.TempDir(), make(chan bool), make(chan bool)
	open(t, dir, &acts{backup: func(ctx context.Context, w io.Writer) error {
		_, _ = w.Write([]byte("the beginning"))
		close(began)
		<-ctx.Done()
		close(ended)
		return ctx.Err()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	c := dial(t, dir)
	go func() { result <- c.Backup(ctx, io.Discard) }()
	<-began
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("the client: %v", err)
	}
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("the server goes on with it")
	}
}
