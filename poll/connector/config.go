package connector

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"signalbox"
	"signalbox/strictjson"
)

// The types of a Config.
const (
	TypeHTTP = "http_json"
	TypeCSV  = "csv"
)

// Config says where a stream of records is and how it is read, without its secrets. It marshals to the shape of contract section 16.
type Config struct {
	Type    string            `json:"type" yaml:"type"`
	URL     string            `json:"url,omitempty" yaml:"url"`
	Query   map[string]string `json:"query,omitempty" yaml:"query"`     // parameters of every request but those to a link
	Headers map[string]string `json:"headers,omitempty" yaml:"headers"` // of every request; no credentials
	Auth    Auth              `json:"auth,omitzero" yaml:"auth"`

	Pagination   Pagination    `json:"pagination,omitzero" yaml:"pagination"`
	Records      string        `json:"records,omitempty" yaml:"records"` // path of the list of records; "": the answer is the list
	ID           string        `json:"id" yaml:"id"`                     // path of a record's id; the name of a column of CSV
	Fields       []string      `json:"fields,omitempty" yaml:"fields"`   // paths of what is compared; nil: all of a record's members
	Exclude      []string      `json:"exclude,omitempty" yaml:"exclude"` // paths of what is not: what changes by itself
	Unordered    []string      `json:"unordered,omitempty" yaml:"unordered"`
	Total        string        `json:"total,omitempty" yaml:"total"` // path of the number of all records, or header:Name
	ByID         string        `json:"by_id,omitempty" yaml:"by_id"` // address of one record, with {id}
	UpdatedSince *UpdatedSince `json:"updated_since,omitempty" yaml:"updated_since"`
	Rate         RateLimit     `json:"rate_limit,omitzero" yaml:"rate_limit"`

	File      string `json:"file,omitempty" yaml:"file"`           // of CSV, below the import directory
	Delimiter string `json:"delimiter,omitempty" yaml:"delimiter"` // of CSV; "": a comma
	Gzip      bool   `json:"gzip,omitempty" yaml:"gzip"`           // of CSV: it must be compressed; it may be, whatever this says
}

// The ways in which pages follow each other.
const (
	PageNone   = "none"   // there is one page
	PagePage   = "page"   // a number of the page, counted up
	PageOffset = "offset" // how many records to pass over
	PageCursor = "cursor" // a value of the answer that names the next page, or its address
	PageLink   = "link"   // a Link header, relation next (RFC 8288)
)

// Pagination says how pages follow each other.
type Pagination struct {
	Type      string `json:"type,omitempty" yaml:"type"`
	Param     string `json:"param,omitempty" yaml:"param"`           // query parameter of the page, the offset or the cursor; with a cursor "": it is the next page's address
	SizeParam string `json:"size_param,omitempty" yaml:"size_param"` // query parameter of the size
	Size      int    `json:"size,omitempty" yaml:"size"`             // records asked for; 0: the provider's own
	Start     *int   `json:"start,omitempty" yaml:"start"`           // the first page's number or offset; nil: 1, or 0
	Next      string `json:"next,omitempty" yaml:"next"`             // of a cursor: path of it in the answer, or header:Name
	More      string `json:"more,omitempty" yaml:"more"`             // of a cursor: path of what is false on the last page; "": the last page has no cursor
	Shifts    bool   `json:"shifts,omitempty" yaml:"shifts"`         // of a cursor or a link: it is a place in a list all the same
}

// UpdatedSince asks for those records alone that have changed.
type UpdatedSince struct {
	Param   string   `json:"param" yaml:"param"`
	Format  string   `json:"format,omitempty" yaml:"format"`   // rfc3339 (default), rfc3339_ms, unix, unix_ms or date
	Value   string   `json:"value,omitempty" yaml:"value"`     // with {since} for the time; "": the time alone
	Overlap Duration `json:"overlap,omitempty" yaml:"overlap"` // how much earlier to begin: providers show changes late
}

// sinceFormats writes a time in each format.
var sinceFormats = map[string]func(time.Time) string{
	"":           func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") },
	"rfc3339":    func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") },
	"rfc3339_ms": func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") },
	"unix":       func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) },
	"unix_ms":    func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) },
	"date":       func(t time.Time) string { return t.UTC().Format("2006-01-02") },
}

// maxOverlap bounds how much earlier than asked a walk begins.
const maxOverlap = Duration(7 * 24 * time.Hour)

// Duration is a time span, written <n>s, <n>m, <n>h or <n>d (contract section 2).
type Duration time.Duration

var durationUnits = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}

func parseDuration(text string) (Duration, error) {
	wrong := fmt.Errorf("%.40q is no duration; write a number and s, m, h or d, as in 30s", text)
	if len(text) < 2 {
		return 0, wrong
	}
	unit, known := durationUnits[text[len(text)-1]]
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 32)
	if err != nil || !known || time.Duration(n) > 3650*24*time.Hour/unit {
		return 0, wrong
	}
	return Duration(time.Duration(n) * unit), nil
}

// MarshalText writes the largest unit that divides the span.
func (d Duration) MarshalText() ([]byte, error) {
	for _, letter := range []byte("dhms") {
		if unit := durationUnits[letter]; time.Duration(d)%unit == 0 && (d != 0 || letter == 's') {
			return append(strconv.AppendInt(nil, int64(time.Duration(d)/unit), 10), letter), nil
		}
	}
	return nil, fmt.Errorf("%s is not whole seconds", time.Duration(d))
}

// UnmarshalText reads <n>s, <n>m, <n>h or <n>d.
func (d *Duration) UnmarshalText(text []byte) (err error) {
	*d, err = parseDuration(string(text))
	return err
}

// UnmarshalYAML reads the same.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	parsed, err := parseDuration(n.Value)
	if err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	*d = parsed
	return nil
}

// ReadConfig reads the "connector" of a request (contract section 16) that names no definition, and takes its secrets apart. Its errors are
// *signalbox.Error that name the field; Check is still to be called.
func ReadConfig(raw []byte) (Config, Secrets, error) {
	var given struct {
		Config `json:",inline"`
		Auth   strictjson.Raw `json:"auth"`
	}
	if err := strictjson.UnmarshalKnown(raw, &given); err != nil {
		return Config{}, nil, jsonError("connector", err)
	}
	if len(given.Auth) == 0 {
		return given.Config, nil, nil
	}
	auth, secrets, err := ReadAuth(given.Auth)
	given.Config.Auth = auth
	return given.Config, secrets, err
}

// jsonError names the field of a JSON text that is wrong.
func jsonError(at string, err error) error {
	var bad *strictjson.Error
	if !errors.As(err, &bad) {
		return signalbox.InvalidField(at, "%s", err)
	}
	if bad.Path != "" {
		at += "." + bad.Path
	}
	return signalbox.InvalidField(at, "%s", bad.Msg)
}

// Incremental says whether the source can be asked for what changed since a time.
func (c Config) Incremental() bool { return c.UpdatedSince != nil }

// URLs are the addresses that the source will ask, for the address guard: whoever saves a Config has them judged.
func (c Config) URLs() []string {
	var all []string
	for _, u := range []string{c.URL, strings.ReplaceAll(c.ByID, "{id}", "0"), c.Auth.TokenURL} {
		if u != "" {
			all = append(all, u)
		}
	}
	return all
}
