// Package provider imitates the products whose records are polled: their addresses, shapes, ways of paging and refusals as their documents describe them, for
// tests of connectors and of what is built on them.
//
// A Server is a handler and, without a network, a client: Do answers a request to any host, so that shipped definitions are tried with the addresses that they
// have. Records are changed while it is walked; faults are put before an answer or in its place.
package provider

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Secret is what every imitated product accepts: as token, key, password of a client.
const Secret = "s3cr3t-of-the-test"

// ClientID goes with Secret where tokens are fetched.
const ClientID = "client-1"

// Fields are a record's, without its id.
type Fields = map[string]any

// Answer writes an answer.
type Answer = http.HandlerFunc

// Fault takes the place of an answer; it may call it.
type Fault func(w http.ResponseWriter, r *http.Request, answer Answer)

// Server is an imitated product. Safe for concurrent use.
type Server struct {
	route func(*Server, http.ResponseWriter, *http.Request)
	limit func(*Server, http.ResponseWriter)

	mu      sync.Mutex
	streams map[string]*stream
	faults  []Fault
	before  map[int]func()
	asked   []string // method and address of each request, tokens included
	pages   int      // requests that were not for tokens
	sent    []time.Time
	most    int // requests in per; 0: any number
	per     time.Duration
	tokens  int    // that were given
	token   string // that is accepted, where tokens are fetched; "": Secret
}

type stream struct {
	ids    []string // in the order in which they are listed
	fields map[string]Fields
}

func newServer(route func(*Server, http.ResponseWriter, *http.Request), limit func(*Server, http.ResponseWriter)) *Server {
	return &Server{route: route, limit: limit, streams: map[string]*stream{}, before: map[int]func(){}}
}

// Put adds a record at the end, or changes it where it is.
func (s *Server) Put(name, id string, f Fields) { s.put(name, id, f, false) }

// PutFirst adds a record before all others, which is where lists that are sorted by time get theirs.
func (s *Server) PutFirst(name, id string, f Fields) { s.put(name, id, f, true) }

func (s *Server) put(name, id string, f Fields, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.stream(name)
	if _, there := t.fields[id]; !there && first {
		t.ids = slices.Insert(t.ids, 0, id)
	} else if !there {
		t.ids = append(t.ids, id)
	}
	t.fields[id] = f
}

// Fill adds records with the ids from to to, which have a name.
func (s *Server) Fill(name string, from, to int) {
	for i := from; i <= to; i++ {
		s.Put(name, strconv.Itoa(i), Fields{"name": fmt.Sprint("record ", i)})
	}
}

// Remove takes a record away.
func (s *Server) Remove(name, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.stream(name)
	delete(t.fields, id)
	t.ids = slices.DeleteFunc(t.ids, func(one string) bool { return one == id })
}

func (s *Server) stream(name string) *stream {
	if s.streams[name] == nil {
		s.streams[name] = &stream{fields: map[string]Fields{}}
	}
	return s.streams[name]
}

// Then puts faults in the place of the next answers but those with tokens, one each; nil is the answer itself.
func (s *Server) Then(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Before does something just before the request of a number is answered, from 1, tokens not counted.
func (s *Server) Before(request int, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before[request] = do
}

// Limit refuses more requests than so many in such a time, as the product refuses them.
func (s *Server) Limit(most int, per time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most, s.per = most, per
}

// Revoke lets the token that was given last be good no more.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = "revoked"
}

// Asked are the requests so far, each as its method and address.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Tokens is how many tokens were given.
func (s *Server) Tokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens
}

// Do answers a request without a network.
func (s *Server) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	r.Host = r.URL.Host
	s.ServeHTTP(w, r)
	resp := w.Result()
	resp.ContentLength = -1
	if text := w.Header().Get("Content-Length"); text != "" {
		resp.ContentLength, _ = strconv.ParseInt(text, 10, 64)
	}
	return resp, nil
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.String())
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/token") {
		s.giveToken(w, r)
		s.mu.Unlock()
		return
	}
	s.pages++
	do := s.before[s.pages]
	var fault Fault
	if len(s.faults) > 0 {
		fault, s.faults = s.faults[0], s.faults[1:]
	}
	s.mu.Unlock()
	if do != nil {
		do()
	}
	answer := func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.tooMuch() {
			s.limit(s, w)
			return
		}
		s.route(s, w, r)
	}
	if fault != nil {
		fault(w, r, answer)
		return
	}
	answer(w, r)
}

func (s *Server) tooMuch() bool {
	now := time.Now()
	s.sent = slices.DeleteFunc(s.sent, func(at time.Time) bool { return s.per > 0 && now.Sub(at) >= s.per })
	if s.most > 0 && len(s.sent) >= s.most {
		return true
	}
	s.sent = append(s.sent, now)
	return false
}

// left is how many requests there are, and when there are more.
func (s *Server) left() (int, time.Duration) {
	if s.most == 0 {
		return 1000, time.Second
	}
	return s.most - len(s.sent), s.per - time.Since(s.sent[0])
}

// giveToken is a token address for client credentials (RFC 6749, section 4.4): by basic authentication, or in the body.
func (s *Server) giveToken(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != ClientID || secret != Secret || r.PostFormValue("grant_type") != "client_credentials" {
		write(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	s.tokens++
	s.token = fmt.Sprint("token-", s.tokens)
	// Greenhouse says when a token expires as a time, most say in how many seconds.
	write(w, http.StatusOK, map[string]any{"access_token": s.token, "token_type": "Bearer", "expires_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
}

// bearer says whether a request has the right token.
func (s *Server) bearer(r *http.Request) bool {
	want := s.token
	if want == "" {
		want = Secret
	}
	return r.Header.Get("Authorization") == "Bearer "+want
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// record is a record as it is listed, its id under a name.
func (t *stream) record(id, name string, number bool) Fields {
	one := Fields{}
	for k, v := range t.fields[id] {
		one[k] = v
	}
	one[name] = id
	if n, err := strconv.ParseInt(id, 10, 64); number && err == nil {
		one[name] = n
	}
	return one
}

// after is the position behind an id, or where it would stand: a cursor is a place between records, whatever becomes of them.
func (t *stream) after(id string) int {
	if i := slices.Index(t.ids, id); i >= 0 {
		return i + 1
	}
	n, _ := strconv.Atoi(id)
	for i, one := range t.ids {
		if m, err := strconv.Atoi(one); err == nil && m > n {
			return i
		}
	}
	return len(t.ids)
}

func (t *stream) slice(from, size int) []string {
	from = min(max(from, 0), len(t.ids))
	return t.ids[from:min(from+size, len(t.ids))]
}

func encodeCursor(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func decodeCursor(text string) (string, bool) {
	plain, err := base64.RawURLEncoding.DecodeString(text)
	return string(plain), err == nil
}

// sizeOf reads a page's size; ok is false when it is none that the product takes.
func sizeOf(text string, otherwise, most int) (int, bool) {
	if text == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 1 && n <= most
}
