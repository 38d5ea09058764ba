package egress_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"signalbox/egress"
)

func benchmarkDo(b *testing.B, receiver *httptest.Server, c egress.Config) {
	client := newClient(b, c)
	req := post(b, receiver.URL+"/hook")
	req.Body = make([]byte, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if r := client.Do(b.Context(), req); r.Err != nil || r.Status != 200 {
			b.Fatalf("%+v (%v)", r, r.Err)
		}
	}
}

func answer(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(w, "ok")
}

// The figures hold the receiver's half too: it runs in the same process.
func BenchmarkDo(b *testing.B) {
	receiver := httptest.NewServer(http.HandlerFunc(answer))
	b.Cleanup(receiver.Close)
	benchmarkDo(b, receiver, egress.Config{Dev: true})
}

func BenchmarkDo_TLS(b *testing.B) {
	receiver := startTLS(b, answer)
	benchmarkDo(b, receiver, egress.Config{Dev: true, TargetCA: authorities(receiver)})
}

// What net/http alone costs against the same receiver, to compare with.
func BenchmarkBareTransport(b *testing.B) {
	receiver := httptest.NewServer(http.HandlerFunc(answer))
	b.Cleanup(receiver.Close)
	transport := &http.Transport{}
	b.Cleanup(transport.CloseIdleConnections)
	u := mustParse(b, receiver.URL+"/hook")
	body := make([]byte, 1000)
	b.ReportAllocs()
	for b.Loop() {
		req, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, u.String(), bytes.NewReader(body))
		resp, err := transport.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

func BenchmarkCheckURL(b *testing.B) {
	p := newPolicy(b, egress.Config{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.CheckURL("https://hooks.example.com/signalbox?x=1"); err != nil {
			b.Fatal(err)
		}
	}
}
