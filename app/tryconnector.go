package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"signalbox"
	"signalbox/poll"
	"signalbox/poll/connector"
)

// maxConnector bounds a file with a connector or a definition, in bytes: one that is larger is refused by whoever reads it.
const maxConnector = 1 << 20

// ConnectorTry says which connector is tried.
type ConnectorTry struct {
	// Connector is a file, *.yaml with a definition or *.json with the connector of a request, or the name of a definition.
	Connector  string
	RecordType string            // of a definition; "": the only one that it has
	Settings   map[string]string // of a definition
	Auth       []byte            // credentials, as the "auth" of a request; nil: those of the file, or none
}

// TriedPage is what the first page of a connector held.
type TriedPage struct {
	Definition string        `json:"definition,omitempty"`
	RecordType string        `json:"record_type,omitempty"`
	API        string        `json:"api,omitempty"`
	Source     string        `json:"source"` // the address without its query, or the file
	Records    []TriedRecord `json:"records"`
	Last       bool          `json:"last"`
	Total      int           `json:"total"` // as the provider says; -1: it does not
	Requests   int           `json:"requests"`
}

// TriedRecord is a record as a stream would keep it, and as its definition maps it. Hashes are made with a key that is thrown away.
type TriedRecord struct {
	ID       string            `json:"id"`
	Hash     string            `json:"hash"`
	Fields   map[string]string `json:"fields"` // the hash of each field that is compared
	Unified  json.RawMessage   `json:"unified,omitempty"`
	Identity map[string]string `json:"identity,omitempty"` // what is known of whom the record is about
	Problem  string            `json:"problem,omitempty"`  // why it could not be mapped
}

// TryConnector fetches the first page of a connector under the configuration's address guard. Nothing is kept.
func TryConnector(ctx context.Context, cfg Config, try ConnectorTry) (TriedPage, error) {
	policy, err := newPolicy(cfg)
	if err != nil {
		return TriedPage{}, err
	}
	setup, secrets, stream, err := cfg.readTry(&try)
	if err != nil {
		return TriedPage{}, err
	}
	for _, at := range setup.Addresses() {
		if _, err := policy.CheckTarget(ctx, at.URL); err != nil {
			return TriedPage{}, signalbox.InvalidField(at.Param, "%s", err)
		}
	}
	source, err := connector.Open(setup.Config, connector.Options{Client: fetchClient(policy), Secrets: secrets, ImportDir: cfg.ImportDir})
	if err != nil {
		return TriedPage{}, err
	}
	page, err := source.Next(ctx, nil)
	if err != nil {
		return TriedPage{}, err
	}
	out := TriedPage{
		Definition: setup.Definition, RecordType: try.RecordType, Source: shownSource(setup.Config), Records: make([]TriedRecord, len(page.Records)), Last: page.Last,
		Total: page.Total, Requests: page.Requests,
	}
	if stream != nil {
		out.API = stream.API
	}
	var key poll.Key
	_, _ = rand.Read(key[:]) // never fails
	names := poll.NewNames(nil)
	for i := range page.Records {
		out.Records[i] = tried(&page.Records[i], stream, key, names)
	}
	return out, nil
}

// readTry reads what is to be tried; stream is that of its definition, nil for a connector without one.
func (c Config) readTry(try *ConnectorTry) (setup connector.Setup, secrets connector.Secrets, stream *connector.Stream, err error) {
	if filepath.Ext(try.Connector) == ".json" {
		if len(try.Settings) > 0 {
			return setup, nil, nil, signalbox.InvalidField("setting", "settings are for definitions: a file *.json holds everything")
		}
		raw, err := readBounded(try.Connector)
		if err != nil {
			return setup, nil, nil, err
		}
		return c.readOwn(raw, try)
	}
	d, err := c.readDefinition(try.Connector)
	if err != nil {
		return setup, nil, nil, err
	}
	if names := d.Names(); try.RecordType == "" {
		if len(names) != 1 || names[0] == connector.AnyStream {
			return setup, nil, nil, signalbox.InvalidField("record_type", "say which record type: %s has %s", d.Name, strings.Join(names, ", "))
		}
		try.RecordType = names[0]
	}
	request := map[string]any{"definition": d.Name, "settings": try.Settings}
	if len(try.Auth) > 0 {
		request["auth"] = json.RawMessage(try.Auth)
	}
	raw, err := json.Marshal(request)
	if err != nil {
		return setup, nil, nil, signalbox.InvalidField("auth", `is no JSON; write {"type": "bearer", "token": "…"}`)
	}
	setup, secrets, err = connector.ReadSetup(raw, try.RecordType, map[string]*connector.Definition{d.Name: d})
	return setup, secrets, d.Stream(try.RecordType), err
}

// readOwn reads the connector of a request: as it stands there, or with "connector" around it. Credentials that are given aside take the place of its own.
func (c Config) readOwn(raw []byte, try *ConnectorTry) (setup connector.Setup, secrets connector.Secrets, stream *connector.Stream, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return setup, nil, nil, fmt.Errorf("%s: is no JSON object: %w", try.Connector, err)
	}
	if inner, around := members["connector"]; around {
		raw = inner
		if given := ""; try.RecordType == "" && json.Unmarshal(members["record_type"], &given) == nil {
			try.RecordType = given
		}
		members = nil
		if err := json.Unmarshal(inner, &members); err != nil {
			return setup, nil, nil, fmt.Errorf("%s: connector is no JSON object: %w", try.Connector, err)
		}
	}
	if len(try.Auth) > 0 {
		if !json.Valid(try.Auth) {
			return setup, nil, nil, signalbox.InvalidField("auth", `is no JSON; write {"type": "bearer", "token": "…"}`)
		}
		members["auth"] = try.Auth
		if raw, err = json.Marshal(members); err != nil {
			return setup, nil, nil, err
		}
	}
	known, err := c.connectors()
	if err != nil {
		return setup, nil, nil, err
	}
	setup, secrets, err = connector.ReadSetup(raw, try.RecordType, known)
	if d := known[setup.Definition]; d != nil {
		stream = d.Stream(try.RecordType)
	}
	return setup, secrets, stream, err
}

// readDefinition reads a definition from a file, or finds it by its name.
func (c Config) readDefinition(name string) (*connector.Definition, error) {
	if ext := filepath.Ext(name); ext == ".yaml" || ext == ".yml" {
		text, err := readBounded(name)
		if err != nil {
			return nil, err
		}
		return connector.ReadDefinition(name, text)
	}
	known, err := c.connectors()
	if d := known[name]; d != nil {
		return d, nil
	}
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%s is neither a file *.yaml or *.json nor a definition that there is", name)
}

// readBounded reads a file that a person wrote.
func readBounded(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err == nil && info.Size() > maxConnector {
		err = fmt.Errorf("%s: has %d bytes, the most is %d", name, info.Size(), maxConnector)
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(name)
}

// shownSource is where records come from, without what a query may hold.
func shownSource(c connector.Config) string {
	if c.File != "" {
		return c.File
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}

// tried makes the prints of a record, and maps it.
func tried(r *connector.Record, stream *connector.Stream, key poll.Key, names *poll.Names) TriedRecord {
	print := poll.Fingerprint(key, names, 1, polled(r))
	out := TriedRecord{ID: r.ID, Hash: hex.EncodeToString(print.Hash[:]), Fields: map[string]string{}}
	for _, f := range print.Fields {
		name := poll.OtherFields
		if f.Name != 0 {
			name = names.Name(f.Name)
		}
		out.Fields[name] = fmt.Sprintf("%016x", f.MAC)
	}
	if stream == nil {
		return out
	}
	unified, uerr := stream.Unify(*r)
	who, ierr := stream.Identify(*r)
	if err := errors.Join(uerr, ierr); err != nil {
		out.Problem = err.Error()
		return out
	}
	out.Unified, out.Identity = unified, known(who)
	return out
}

// known are the parts of an identity that are known.
func known(who connector.Identity) map[string]string {
	parts := map[string]string{}
	for name, value := range map[string]string{
		"account_domain": who.AccountDomain, "account_name": who.AccountName, "email": who.Email, "first_name": who.FirstName, "last_name": who.LastName, "title": who.Title,
		"linkedin_url": who.LinkedInURL,
	} {
		if value != "" {
			parts[name] = value
		}
	}
	return parts
}
