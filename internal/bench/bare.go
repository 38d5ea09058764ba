package bench

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// bareSignal is the body as a plain Go handler would declare it.
type bareSignal struct {
	Type       string    `json:"type"`
	Source     string    `json:"source"`
	OccurredAt time.Time `json:"occurred_at"`
	Account    struct {
		Domain string `json:"domain"`
		Name   string `json:"name"`
	} `json:"account"`
	Contact struct {
		Email     string `json:"email"`
		FirstName string `json:"first_name"`
		LastName  string `json:"last_name"`
	} `json:"contact"`
	Properties map[string]any `json:"properties"`
}

// runBare is the measure that the server is held against: net/http, encoding/json, 201, and nothing kept.
func runBare(ctx context.Context, p *parent) error {
	var config struct{}
	if err := p.in.Decode(&config); err != nil {
		return err
	}
	return serve(ctx, p, http.HandlerFunc(bare), func(order) any { return done{} })
}

func bare(w http.ResponseWriter, r *http.Request) {
	var s bareSignal
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&s); err != nil || s.Type == "" || s.Source == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	w.Write([]byte(`{"status":"received"}`))
}
