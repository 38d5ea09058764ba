package app

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"signalbox"
	"signalbox/egress"
	"signalbox/poll"
	"signalbox/poll/connector"
	"signalbox/seal"
	"signalbox/store"
	"signalbox/strictjson"
)

// fetchWithin ends a request to a provider that hangs: a file of connector.MaxFileBytes comes in so long at 5 Mbit/s.
const fetchWithin = 2 * time.Minute

// maxSessions is how many linked accounts' request counts are remembered: beyond it all begin anew, which costs a provider's patience once.
const maxSessions = 10_000

// secretsKind is what the credentials of a stream are sealed as. It is written into them and must not change.
const secretsKind = "stream.secrets"

// connectors opens the sources of streams, and makes what is kept of how they are fetched.
type connectors struct {
	definitions map[string]*connector.Definition
	importDir   string
	client      connector.Doer
	policy      *egress.Policy
	box         sealer
	db          *store.DB
	now         func() time.Time

	mu       sync.Mutex
	sessions map[signalbox.LinkedAccountID]*connector.Session // requests of one account are counted together
}

func newConnectors(c Config, policy *egress.Policy, box sealer, db *store.DB, now func() time.Time) (*connectors, error) {
	definitions, err := connector.Definitions(c.ConnectorsDir)
	if err != nil {
		return nil, fmt.Errorf("--connectors-dir: %w", err)
	}
	return &connectors{
		definitions: definitions, importDir: c.ImportDir, policy: policy, box: box, db: db, now: now, sessions: map[signalbox.LinkedAccountID]*connector.Session{},
		client: egress.NewFetchClient(policy, 2*connector.MaxFileBytes, fetchWithin), // what is cut off would look complete: more than any reader takes
	}, nil
}

// named is a connector that a definition describes, as it is given and kept.
type named struct {
	Definition string            `json:"definition"`
	Settings   map[string]string `json:"settings,omitempty"`
	Auth       json.RawMessage   `json:"auth,omitempty"`
}

// resolved is how a stream is fetched.
type resolved struct {
	config connector.Config
	about  *connector.Stream // says whom records are about; nil: nothing does
}

// fingerprint is of whatever decides which records there are and how they look: how one signs in and how often one may ask is no part of that.
func (r *resolved) fingerprint() uint64 {
	c := r.config
	c.Auth, c.Rate = connector.Auth{}, connector.RateLimit{}
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // not reachable: a Config that was checked holds texts and whole numbers
	}
	sum := sha256.Sum256(text)
	return max(binary.BigEndian.Uint64(sum[:]), 1)
}

// Prepare checks the connector of a stream as somebody has given it (contract section 16) and puts what is kept of it into the stream: Connector without what signs
// in, Secrets sealed, and the Fingerprint. Its errors are *signalbox.Error about "connector…". The stream's id, workspace, API and RecordType must be set. keep says that a
// connector which names no credentials keeps those that the stream has.
func (c *connectors) Prepare(ctx context.Context, s *signalbox.Stream, given []byte, keep bool) error {
	kept, r, secrets, err := c.read(s, given)
	if err != nil {
		return err
	}
	if len(secrets) == 0 && keep && s.Secrets != nil && r.config.Auth.Type != connector.AuthNone {
		if secrets, err = c.secrets(s); err != nil {
			return err
		}
	}
	if _, err := connector.Open(r.config, connector.Options{Client: c.client, Secrets: secrets, ImportDir: c.importDir}); err != nil {
		return err
	}
	for _, url := range r.config.URLs() {
		if _, err := c.policy.CheckTarget(ctx, url); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return signalbox.InvalidField("connector.url", "connector: %v", err)
		}
	}
	s.Connector, s.Secrets, s.Fingerprint = kept, nil, r.fingerprint()
	if len(secrets) > 0 {
		plain, err := json.Marshal(map[string]string(secrets))
		if err != nil {
			return err
		}
		s.Secrets = c.box.Seal(secretsBind(s), plain)
	}
	if s.Key == nil {
		s.Key = poll.NewKey(c.box, s.Workspace, s.ID)
	}
	return nil
}

func secretsBind(s *signalbox.Stream) seal.Bind {
	return seal.Bind{Workspace: int64(s.Workspace), Row: int64(s.ID), Kind: secretsKind}
}

// read reads a connector as it is given or kept, and says what is kept of it.
func (c *connectors) read(s *signalbox.Stream, given []byte) (kept []byte, r resolved, secrets connector.Secrets, err error) {
	var probe struct {
		Definition string `json:"definition"`
	}
	if err := strictjson.Unmarshal(given, &probe); err != nil {
		return nil, r, nil, signalbox.InvalidField("connector", "connector must be an object: {\"definition\": …} or {\"type\": …}")
	}
	if probe.Definition == "" {
		if r.config, secrets, err = connector.ReadConfig(given); err != nil {
			return nil, r, nil, err
		}
		kept, err = json.Marshal(r.config)
		return kept, r, secrets, err
	}
	var n named
	if err := strictjson.UnmarshalKnown(given, &n); err != nil {
		return nil, r, nil, signalbox.InvalidField("connector", "connector: a definition takes settings and auth beside it: %v", err)
	}
	auth := connector.Auth{}
	if n.Auth != nil {
		if auth, secrets, err = connector.ReadAuth(n.Auth); err != nil {
			return nil, r, nil, err
		}
	}
	if r, err = c.resolve(s, &n, auth.Type); err != nil {
		return nil, r, nil, err
	}
	if n.Auth = nil; auth.Type != "" {
		if n.Auth, err = json.Marshal(connector.Auth{Type: auth.Type}); err != nil {
			return nil, r, nil, err
		}
	}
	kept, err = json.Marshal(n)
	return kept, r, secrets, err
}

// resolve makes the configuration of a stream that a definition describes.
func (c *connectors) resolve(s *signalbox.Stream, n *named, authType string) (r resolved, err error) {
	d := c.definitions[n.Definition]
	if d == nil {
		names := make([]string, 0, len(c.definitions))
		for name := range c.definitions {
			names = append(names, name)
		}
		hint := ""
		if near := signalbox.Near(n.Definition, names); len(near) > 0 {
			hint = "; did you mean " + strings.Join(near, " or ") + "?"
		}
		return r, signalbox.InvalidField("connector.definition", "connector.definition: there is no definition %.80q on this server%s", n.Definition, hint)
	}
	if r.config, err = d.Config(s.RecordType, n.Settings, authType); err != nil {
		return r, err
	}
	r.about = d.Stream(s.RecordType)
	if r.about.API != "" && r.about.API != s.API {
		return r, signalbox.InvalidField("api", "api: %s of %s are %s", s.RecordType, n.Definition, r.about.API)
	}
	return r, nil
}

// secrets opens what signs in.
func (c *connectors) secrets(s *signalbox.Stream) (connector.Secrets, error) {
	if s.Secrets == nil {
		return nil, nil
	}
	plain, err := c.box.Open(secretsBind(s), s.Secrets)
	if err != nil {
		return nil, &signalbox.Error{Code: signalbox.Internal, Msg: "the stream's credentials do not open: give them anew", Err: err}
	}
	var secrets connector.Secrets
	return secrets, json.Unmarshal(plain, &secrets)
}

// Open makes the source of a stream ready for one turn. A definition whose file was changed meanwhile asks for other records: the stream is changed then, so that
// its next run is a baseline and nobody is told of what only looks different.
func (c *connectors) Open(ctx context.Context, s *signalbox.Stream) (poll.Source, error) {
	_, r, _, err := c.read(s, s.Connector)
	if err != nil {
		return nil, err
	}
	if now := r.fingerprint(); now != s.Fingerprint {
		_, err := c.db.UpdateStream(ctx, s.Workspace, s.ID, c.now().UTC(), func(s *signalbox.Stream) error {
			s.Fingerprint = now
			return nil
		})
		if err != nil {
			return nil, err
		}
		return nil, signalbox.Errorf(signalbox.Conflict, "the definition of the connector was changed; the next run begins anew")
	}
	secrets, err := c.secrets(s)
	if err != nil {
		return nil, err
	}
	src, err := connector.Open(r.config, connector.Options{Client: c.client, Secrets: secrets, Session: c.session(s.Linked), ImportDir: c.importDir})
	if err != nil {
		return nil, err
	}
	return &source{of: src, about: r.about}, nil
}

// session is that of a linked account.
func (c *connectors) session(of signalbox.LinkedAccountID) *connector.Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sessions[of]
	if s == nil {
		if len(c.sessions) >= maxSessions {
			clear(c.sessions)
		}
		s = connector.NewSession()
		c.sessions[of] = s
	}
	return s
}

// source is a connector's as package poll asks it.
type source struct {
	of    connector.Source
	about *connector.Stream
}

// Next fetches a page.
func (s *source) Next(ctx context.Context, from poll.Checkpoint) (poll.Page, error) {
	p, err := s.of.Next(ctx, connector.Checkpoint(from))
	if err != nil {
		return poll.Page{}, asPolled(err, from)
	}
	page := poll.Page{Records: make([]poll.Record, len(p.Records)), Next: poll.Checkpoint(p.Next), Last: p.Last, Total: p.Total}
	for i := range p.Records {
		r := &p.Records[i]
		to := poll.Record{ID: r.ID, Fields: make([]poll.Field, len(r.Fields))}
		for k, f := range r.Fields {
			to.Fields[k] = poll.Field(f)
		}
		if s.about != nil {
			to.About = func() (signalbox.AccountInput, signalbox.ContactInput) { return s.identify(r) }
		}
		page.Records[i] = to
	}
	return page, nil
}

// maxIdentity bounds what a record says of whom it is about, in bytes: what is longer is not what it is taken for.
const maxIdentity = 512

// identify says whom a record is about. What its definition cannot read is not known.
func (s *source) identify(r *connector.Record) (a signalbox.AccountInput, p signalbox.ContactInput) {
	who, err := s.about.Identify(*r)
	if err != nil {
		return a, p
	}
	for _, f := range []struct {
		to   *string
		text string
	}{
		{&a.Domain, who.AccountDomain}, {&a.Name, who.AccountName}, {&p.Email, who.Email}, {&p.FirstName, who.FirstName}, {&p.LastName, who.LastName},
		{&p.Title, who.Title}, {&p.LinkedInURL, who.LinkedInURL},
	} {
		if text := strings.TrimSpace(f.text); len(text) <= maxIdentity && !strings.ContainsRune(text, 0) {
			*f.to = text
		}
	}
	return a, p
}

// asPolled makes an error of a connector one that may be shown.
func asPolled(err error, from poll.Checkpoint) error {
	var f *connector.Failure
	if !errors.As(err, &f) {
		return err
	}
	shown := &signalbox.Error{Code: signalbox.Unavailable, Msg: f.Msg, RetryAfter: f.RetryAfter, Err: err}
	if f.Kind == connector.ShapeFailure && f.Temporary && from != nil {
		return fmt.Errorf("%w: %w", poll.ErrCheckpoint, shown)
	}
	return shown
}

// Shifts says whether records may move between pages.
func (s *source) Shifts() bool { return s.of.Shifts() }

// ByID asks for one record, where the connector can.
func (s *source) ByID(ctx context.Context, id string) (found, known bool, err error) {
	finder, can := s.of.(connector.Finder)
	if !can {
		return false, false, nil
	}
	if found, err = finder.ByID(ctx, id); err != nil {
		return false, true, asPolled(err, nil)
	}
	return found, true, nil
}

var _ connector.Doer = (*http.Client)(nil)
