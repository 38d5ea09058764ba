package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"signalbox"
	"signalbox/strictjson"
)

// The bounds of what is fetched.
const (
	MaxPageBytes   = 16 << 20 // of one answer, decompressed: held in memory once as it came and once rewritten
	MaxFileBytes   = 64 << 20 // of a CSV file, decompressed
	MaxPages       = 10_000   // of one walk: a million records at a hundred a page
	MaxRecordBytes = 1 << 20  // of one record
	MaxIDBytes     = 255      // of a record's id: what the database keeps of one (contract section 2, keys)
	MaxCheckpoint  = 4 << 10  // bytes of a Checkpoint
	maxCursor      = 3 << 10  // of a cursor or a link: it lies in the checkpoint
)

// Checkpoint is where a walk stands: opaque, at most MaxCheckpoint bytes, good for another process with the same Config. Empty is the beginning.
type Checkpoint []byte

// Source is one stream of records. It is not safe for concurrent use.
//
// A Source whose Config has by_id is a [Finder] too.
type Source interface {
	// Next fetches the page that a checkpoint stands before. Its error is a *Failure; a *signalbox.Error when a file may not be opened or is not there; or
	// that of ctx.
	Next(ctx context.Context, from Checkpoint) (Page, error)
	// Shifts says whether records may move from one page to another while they are walked, because a page is a place in a list: what was not met in such a
	// walk may be there all the same.
	Shifts() bool
}

// Finder is a Source that can be asked for one record.
type Finder interface {
	Source
	// ByID asks whether the provider still has a record.
	ByID(ctx context.Context, id string) (found bool, err error)
}

// Page is what one answer held.
type Page struct {
	Records  []Record   // in the provider's order; an id may come twice
	Next     Checkpoint // where the next page begins; nil when Last
	Last     bool
	Total    int // how many records the provider says there are; -1: it does not say
	Requests int // that it took, repetitions and those for tokens included
}

// Record is one record. Its parts lie in the memory of its page.
type Record struct {
	ID string
	// Body is the canonical JSON of an object of all Fields: the same for the same record, whatever way it was written.
	Body []byte
	// Fields are what is compared, sorted by name as Body has them: the record's own members, or the paths that the Config names.
	Fields []Field
	// Raw is the canonical JSON of the whole record, for mappings. It holds what is not compared, too.
	Raw json.RawMessage
}

// Field is one field of a record: its name, and its value as canonical JSON.
type Field struct {
	Name  string
	Value []byte
}

// Kind says what sort of failure ended a walk.
type Kind string

// The kinds of failures.
const (
	AuthFailure    Kind = "auth"    // the provider does not accept the credentials, or they may not read this
	RateFailure    Kind = "rate"    // the provider asks to come later than a walk waits
	NetworkFailure Kind = "network" // no complete answer came
	StatusFailure  Kind = "status"  // another HTTP status than success
	ShapeFailure   Kind = "shape"   // the answer is not what the Config says, or paging does not end
	BudgetFailure  Kind = "budget"  // the requests that the source may send in an hour are used up
	GuardFailure   Kind = "guard"   // the address guard refuses the address
)

// Failure is why there is no page. Msg may be shown to anyone: it holds no secret, no address with its query and nothing of a record.
type Failure struct {
	Kind       Kind
	Msg        string        // what was wrong and what would be right; names the page and the provider's status
	Page       int           // from 1; 0 when it is about no page
	RetryAfter time.Duration // how long the provider, or the budget, asks to wait; 0: it does not say
	Temporary  bool          // the same walk may succeed later, without anybody changing anything
	Err        error         // the cause, for the log
}

func (f *Failure) Error() string {
	if f.Page > 0 {
		return fmt.Sprintf("%s: page %d: %s", f.Kind, f.Page, f.Msg)
	}
	return string(f.Kind) + ": " + f.Msg
}

// Unwrap is the cause, for the log.
func (f *Failure) Unwrap() error { return f.Err }

// shapeFailure is an answer that is not what was expected; asking again brings the same.
func shapeFailure(format string, args ...any) *Failure {
	return &Failure{Kind: ShapeFailure, Msg: fmt.Sprintf(format, args...)}
}

// Doer sends requests: egress.NewFetchClient's client, or a test's. It must not follow redirects, must refuse what the address guard refuses, and must give
// answers of more than MaxFileBytes whole: what it cuts off would look complete.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Options are what Open needs beside the Config.
type Options struct {
	Client    Doer
	Secrets   Secrets
	Session   *Session  // shared by the sources of one linked account; nil: one of its own
	ImportDir string    // below which CSV files lie; "": none may be read
	Since     time.Time // only records changed since then, where the Config has updated_since; zero: all
}

// Open makes a source of a configuration, which it checks. Nothing is asked yet. Its errors are *signalbox.Error.
func Open(c Config, o Options) (Source, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if err := c.Auth.checkSecrets(o.Secrets); err != nil {
		return nil, err
	}
	if c.Type == TypeCSV && c.File != "" {
		if o.ImportDir == "" {
			return nil, signalbox.InvalidField("connector.file", "the server was started without --import-dir, so no file can be read")
		}
		return &csvSource{c: c, o: o}, nil
	}
	if o.Client == nil {
		return nil, signalbox.Errorf(signalbox.Internal, "connector.Open without a client")
	}
	if o.Session == nil {
		o.Session = NewSession()
	}
	k := &caller{client: o.Client, session: o.Session, auth: c.Auth, secrets: o.Secrets, headers: c.Headers, rate: c.Rate}
	if c.Type == TypeCSV {
		return &csvSource{c: c, o: o, caller: k}, nil
	}
	s := &httpSource{c: c, id: c.fingerprint(), caller: k, since: o.Since}
	if c.ByID != "" {
		return &findingSource{s}, nil
	}
	return s, nil
}

// decodeCheckpoint reads what encodeCheckpoint wrote.
func decodeCheckpoint(from Checkpoint, v any) error {
	if len(from) > MaxCheckpoint {
		return shapeFailure("the checkpoint has %d bytes, the most is %d", len(from), MaxCheckpoint)
	}
	if err := strictjson.UnmarshalKnown(from, v); err != nil {
		return staleCheckpoint()
	}
	return nil
}

func encodeCheckpoint(v any) (Checkpoint, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(text) > MaxCheckpoint {
		return nil, shapeFailure("the place of the next page takes %d bytes, the most is %d", len(text), MaxCheckpoint)
	}
	return text, nil
}

// ErrStale is the cause of a Failure after which the same walk cannot be continued, but can be begun anew at once.
var ErrStale = errors.New("the checkpoint is of another walk")

// staleCheckpoint is a checkpoint of another configuration or program: the walk begins anew.
func staleCheckpoint() *Failure {
	return &Failure{Kind: ShapeFailure, Temporary: true, Err: ErrStale, Msg: "the walk was begun under another configuration and cannot be continued; it begins anew"}
}
