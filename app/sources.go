package app

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"signalbox"
	"signalbox/egress"
	"signalbox/poll"
	"signalbox/poll/connector"
)

// The bounds of fetching.
const (
	fetchBytes   = connector.MaxFileBytes + 1<<20 // of an answer as it comes: more than a connector takes, so that it sees what is too long
	fetchTimeout = 2 * time.Minute                // of one answer: a large file on a slow line
	// keepSession is how long what is known of a linked account's provider is kept after it was asked last: the budget of an hour, and tokens.
	keepSession = 2 * time.Hour
)

// connectors are the shipped definitions, and those of --connectors-dir. Each error names the file, below that directory, and the line.
func (c Config) connectors() (map[string]*connector.Definition, error) {
	all, err := connector.Definitions(c.ConnectorsDir)
	var placed []error
	for _, one := range apart(err) {
		var wrong *connector.DefinitionError
		if errors.As(one, &wrong) && wrong.File != c.ConnectorsDir {
			at := *wrong
			at.File = filepath.Join(c.ConnectorsDir, wrong.File)
			one = &at
		}
		placed = append(placed, one)
	}
	return all, errors.Join(placed...)
}

// apart takes joined errors apart; none of nil.
func apart(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// Sources opens what streams are fetched from. The streams of a linked account share what its provider allows and the tokens that it gave; these live in
// memory, so that each node has a budget of its own. Safe for concurrent use.
type Sources struct {
	client    connector.Doer
	box       poll.Opener
	importDir string
	now       func() time.Time

	mu       sync.Mutex
	sessions map[signalbox.LinkedAccountID]*session
}

type session struct {
	*connector.Session
	used time.Time
}

// NewSources makes the sources of a server.
func NewSources(client connector.Doer, box poll.Opener, importDir string, now func() time.Time) *Sources {
	return &Sources{client: client, box: box, importDir: importDir, now: now, sessions: map[signalbox.LinkedAccountID]*session{}}
}

// Open makes the source of a stream ready; it is poll.Config.Open.
func (s *Sources) Open(_ context.Context, of *signalbox.Stream) (poll.Source, error) {
	setup, err := connector.ParseSetup(of.Connector)
	if err != nil {
		return nil, err
	}
	secrets, err := poll.OpenSecrets(s.box, of)
	if err != nil {
		return nil, err
	}
	source, err := connector.Open(setup.Config, connector.Options{Client: s.client, Secrets: secrets, Session: s.session(of.Linked), ImportDir: s.importDir})
	if err != nil {
		return nil, err
	}
	return fetched{source}, nil
}

// session is that of a linked account; those that nobody has asked for in a long time are forgotten.
func (s *Sources) session(of signalbox.LinkedAccountID) *connector.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	one := s.sessions[of]
	if one == nil {
		for id, other := range s.sessions {
			if now.Sub(other.used) > keepSession {
				delete(s.sessions, id)
			}
		}
		one = &session{Session: connector.NewSession()}
		s.sessions[of] = one
	}
	one.used = now
	return one.Session
}

// fetched is a connector's source as poll asks it.
type fetched struct{ connector.Source }

// Next fetches a page.
func (f fetched) Next(ctx context.Context, from poll.Checkpoint) (poll.Page, error) {
	page, err := f.Source.Next(ctx, connector.Checkpoint(from))
	if err != nil {
		return poll.Page{}, fetchError(err)
	}
	out := poll.Page{Records: make([]poll.Record, len(page.Records)), Next: poll.Checkpoint(page.Next), Last: page.Last, Total: page.Total}
	if page.Total < 0 {
		out.Total = poll.TotalUnknown
	}
	for i := range page.Records {
		out.Records[i] = polled(&page.Records[i])
	}
	return out, nil
}

// ByID asks for one record, where that can be.
func (f fetched) ByID(ctx context.Context, id string) (found, known bool, err error) {
	finder, ok := f.Source.(connector.Finder)
	if !ok {
		return false, false, nil
	}
	if found, err = finder.ByID(ctx, id); err != nil {
		return false, false, fetchError(err)
	}
	return found, true, nil
}

// polled is a record as it is compared: canonical JSON sorts names by UTF-16, prints by bytes.
func polled(r *connector.Record) poll.Record {
	out := poll.Record{ID: r.ID, Fields: make([]poll.Field, len(r.Fields))}
	for i, f := range r.Fields {
		out.Fields[i] = poll.Field(f)
	}
	slices.SortFunc(out.Fields, func(a, b poll.Field) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// fetchError is a failure as a run tells it: its words are for people, and how long the provider wants to be left alone is honoured.
func fetchError(err error) error {
	var f *connector.Failure
	switch {
	case errors.Is(err, connector.ErrStale):
		return poll.ErrCheckpoint
	case errors.As(err, &f):
		return &signalbox.Error{Code: signalbox.Unavailable, Msg: f.Msg, RetryAfter: f.RetryAfter, Err: err}
	}
	return err
}

// fetchClient is how streams are fetched: under the address guard.
func fetchClient(policy *egress.Policy) connector.Doer {
	return egress.NewFetchClient(policy, fetchBytes, fetchTimeout)
}
