package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"signalbox"
	"signalbox/internal/bench"
	"signalbox/wire"
)

// roleArg makes this test binary play a child's part, as the program's hidden command does.
const roleArg = "bench-role"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == roleArg {
		if err := bench.Role(context.Background(), os.Args[2], os.Stdin, os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// contacts is how many there are in tests; accounts are a fifth of them.
const contacts = 5000

// small is a run as short as it can be.
func small(t *testing.T, only ...string) bench.Config {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return bench.Config{
		Command: []string{exe, roleArg}, Only: only, Dir: t.TempDir(), Contacts: contacts, Connections: []int{4}, Rounds: 1, Duration: 300 * time.Millisecond, Rate: 100,
	}
}

// box plays the doors that bench uses, and keeps what came.
type box struct {
	answer int // status of POST /v1/signals

	mu       sync.Mutex
	contacts map[string]int
	accounts map[string]int
	keys     map[string]bool
	bytes    int
	single   int
	batched  int
	problems []string
	hooks    int
	deleted  int
}

func newBox(t *testing.T, answer int) (*box, string) {
	t.Helper()
	b := &box{answer: answer, contacts: map[string]int{}, accounts: map[string]int{}, keys: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/signals", b.one)
	mux.HandleFunc("POST /v1/signals/batch", b.many)
	mux.HandleFunc("POST /v1/webhooks", func(w http.ResponseWriter, _ *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.hooks++
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"id":"wh_1","secret":"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}`)
	})
	mux.HandleFunc("DELETE /v1/webhooks/wh_1", func(w http.ResponseWriter, _ *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.deleted++
		w.WriteHeader(http.StatusNoContent)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return b, strings.TrimPrefix(s.URL, "http://")
}

func (b *box) one(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		var in signalbox.SignalInput
		in, err = b.take(body)
		b.mu.Lock()
		b.single++
		b.bytes += len(body)
		b.contacts[in.Contact.Email]++
		b.accounts[in.Account.Domain]++
		b.keys[in.IdempotencyKey] = true
		b.mu.Unlock()
	}
	b.note(err)
	w.WriteHeader(b.answer)
	io.WriteString(w, `{"status":"received"}`)
}

// many answers a batch, which is long enough for net/http to send in chunks.
func (b *box) many(w http.ResponseWriter, r *http.Request) {
	var body struct{ Signals []json.RawMessage }
	err := json.NewDecoder(r.Body).Decode(&body)
	var answer bytes.Buffer
	answer.WriteString(`{"data":{"results":[`)
	for i := range body.Signals {
		if _, bad := b.take(body.Signals[i]); bad != nil {
			err = bad
		}
		fmt.Fprintf(&answer, `{"index":%d,"status":"created"},`, i)
	}
	b.note(err)
	b.mu.Lock()
	b.batched += len(body.Signals)
	b.mu.Unlock()
	answer.WriteString(`{}]}}`)
	w.Write(answer.Bytes())
}

// take reads a signal as the real door does, and refuses what that would only put up with.
func (b *box) take(body []byte) (signalbox.SignalInput, error) {
	in, ignored, err := wire.DecodeSignal(body, time.Now())
	if err == nil && len(ignored) > 0 {
		err = fmt.Errorf("unknown fields: %v", ignored)
	}
	return in, err
}

func (b *box) note(err error) {
	if err == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, err.Error())
}
