package strictjson_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"signalbox/strictjson"
)

// a signal as a client sends it
const signal = `{
  "type": "demo_requested", "source": "website", "occurred_at": "2026-11-20T16:56:00Z",
  "account": {"domain": "acme.example", "name": "Acme, Inc."},
  "contact": {"email": "jane@acme.example", "first_name": "Jane", "last_name": "Doe", "linkedin_url": "https://www.linkedin.com/in/jane"},
  "properties": {"demo_type": "product_tour", "seats": 250, "price": 1249.50, "tags": ["a", "b"], "note": "said \"yes\" – twice", "nested": {"a": 1, "b": null, "c": true}}
}`

type signalBody struct {
	Type       string `json:"type"`
	Source     string `json:"source"`
	OccurredAt string `json:"occurred_at"`
	Account    struct {
		Domain string `json:"domain"`
		Name   string `json:"name"`
	} `json:"account"`
	Contact struct {
		Email     string `json:"email"`
		FirstName string `json:"first_name"`
		LastName  string `json:"last_name"`
		LinkedIn  string `json:"linkedin_url"`
	} `json:"contact"`
	Properties strictjson.Raw `json:"properties"`
}

func BenchmarkCheck(b *testing.B) {
	b.SetBytes(int64(len(signal)))
	b.ReportAllocs()
	for b.Loop() {
		if err := strictjson.Check([]byte(signal)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck_Batch(b *testing.B) {
	batch := append([]byte(`{"signals":[`), bytes.Repeat([]byte(signal+","), 1000)...)
	batch = append(batch, signal+"]}"...)
	b.SetBytes(int64(len(batch)))
	b.ReportAllocs()
	for b.Loop() {
		if err := strictjson.Check(batch); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStandardValid(b *testing.B) {
	b.SetBytes(int64(len(signal)))
	for b.Loop() {
		if !json.Valid([]byte(signal)) {
			b.Fatal("invalid")
		}
	}
}

func BenchmarkUnmarshalReport(b *testing.B) {
	b.SetBytes(int64(len(signal)))
	b.ReportAllocs()
	for b.Loop() {
		var body signalBody
		if _, err := strictjson.UnmarshalReport([]byte(signal), &body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStandardUnmarshal(b *testing.B) {
	b.SetBytes(int64(len(signal)))
	b.ReportAllocs()
	for b.Loop() {
		var body signalBody
		if err := json.Unmarshal([]byte(signal), &body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendStable(b *testing.B) {
	b.SetBytes(int64(len(signal)))
	b.ReportAllocs()
	buf := make([]byte, 0, 4096)
	for b.Loop() {
		if _, err := strictjson.AppendStable(buf, []byte(signal)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCanonical(b *testing.B) {
	b.SetBytes(int64(len(signal)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := strictjson.Canonical([]byte(signal)); err != nil {
			b.Fatal(err)
		}
	}
}
