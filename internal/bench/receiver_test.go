package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"signalbox/internal/bench"
	"signalbox/sign"
)

// part is a role run in this process, spoken to as a parent does.
type part struct {
	t    *testing.T
	in   *io.PipeWriter
	out  *json.Decoder
	done chan error
	addr string
}

func newPart(t *testing.T, role string) *part {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	p := &part{t: t, in: inW, out: json.NewDecoder(outR), done: make(chan error, 1)}
	go func() { p.done <- bench.Role(context.Background(), role, inR, outW, io.Discard) }()
	t.Cleanup(func() { inW.Close() })
	var at struct{ Addr string }
	p.say(struct{}{}, &at)
	p.addr = at.Addr
	return p
}

func (p *part) say(what, reply any) {
	p.t.Helper()
	if err := json.NewEncoder(p.in).Encode(what); err != nil {
		p.t.Fatal(err)
	}
	if err := p.out.Decode(reply); err != nil {
		p.t.Fatal(err)
	}
}

func (p *part) order(do, arg string) (got bench.Received) {
	p.t.Helper()
	p.say(map[string]string{"do": do, "arg": arg}, &got)
	return got
}

// deliver posts a delivery of signal n and returns the answer's status.
func (p *part) deliver(n int64, at time.Time, secret sign.Secret) int {
	p.t.Helper()
	body := fmt.Appendf(nil, `{"data":{"signal":{"properties":{"bench":{"n":%d,"at":%d}}}}}`, n, at.UnixMicro())
	now := time.Now()
	name, value, err := sign.Sign(sign.Standard, secret, "evt_1", now, body)
	if err != nil {
		p.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, "http://"+p.addr, bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set(name, value)
	req.Header.Set(sign.HeaderID, "evt_1")
	req.Header.Set(sign.HeaderTimestamp, fmt.Sprint(now.Unix()))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

const (
	right sign.Secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	wrong sign.Secret = "whsec_OTg3NjU0MzIxMDk4NzY1NDMyMTA5ODc2NTQzMjEwOTg="
)

func TestReceiver_CountsEachVerifiedSignalOnce(t *testing.T) {
	t.Parallel()
	p := newPart(t, "receiver")
	p.order("secret", right.Reveal())
	p.order("reset", "100")
	sent := time.Now().Add(-40 * time.Millisecond)
	for _, d := range []struct {
		n      int64
		secret sign.Secret
		want   int
	}{
		{101, right, http.StatusNoContent},
		{102, right, http.StatusNoContent},
		{101, right, http.StatusNoContent},    // a duplicate
		{103, wrong, http.StatusUnauthorized}, // not ours
		{100, right, http.StatusNoContent},    // of the measurement before
	} {
		if got := p.deliver(d.n, sent, d.secret); got != d.want {
			t.Errorf("signal %d answered %d, want %d", d.n, got, d.want)
		}
	}
	got := p.order("summary", "")
	if got.Unique != 2 || got.Duplicates != 1 || got.Bad != 1 {
		t.Errorf("got %d unique, %d duplicates, %d bad; want 2, 1, 1", got.Unique, got.Duplicates, got.Bad)
	}
	if got.Latency.Count != 2 || got.Latency.P50 < 40 || got.Latency.P50 > 20_000 {
		t.Errorf("the latency of signals sent 40 ms ago is %+v", got.Latency)
	}
	p.order("reset", "200")
	if got := p.order("count", ""); got.Unique != 0 || got.Duplicates != 0 || got.Bad != 0 {
		t.Errorf("after a reset: %+v", got)
	}
}

func TestReceiver_RefusesWhatItIsToldToAsOftenAsItComes(t *testing.T) {
	t.Parallel()
	p := newPart(t, "receiver")
	p.order("secret", right.Reveal())
	p.order("refuse", "7-8")
	p.order("reset", "0")
	for _, d := range []struct {
		n    int64
		want int
	}{{6, http.StatusNoContent}, {7, http.StatusUnprocessableEntity}, {8, http.StatusUnprocessableEntity}, {7, http.StatusUnprocessableEntity}, {9, http.StatusNoContent}} {
		if got := p.deliver(d.n, time.Now(), right); got != d.want {
			t.Errorf("signal %d answered %d, want %d", d.n, got, d.want)
		}
	}
	if got := p.order("count", ""); got.Unique != 2 || got.Bad != 0 {
		t.Errorf("got %d unique, %d bad; want 2 and 0", got.Unique, got.Bad)
	}
}

func TestRole_EndsWhenItsParentHasGone(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"receiver", "bare"} {
		p := newPart(t, role)
		p.in.Close()
		if err := <-p.done; err != nil {
			t.Errorf("%s: %v", role, err)
		}
	}
}

func TestRole_RefusesAnUnknownOne(t *testing.T) {
	t.Parallel()
	if err := bench.Role(t.Context(), "emperor", bytes.NewReader(nil), io.Discard, io.Discard); err == nil {
		t.Error("it ran")
	}
}
