package connector

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"signalbox"
	"signalbox/strictjson"
)

// Setup is how a stream is fetched, as signalbox.Stream.Connector keeps it: what was asked for, and the Config that came of it. A definition is read when a
// stream is set up; a file that changes later changes no stream until that is set up again. Secrets are kept apart, sealed.
type Setup struct {
	Definition string            `json:"definition,omitempty"` // "": none, and Config is what was given
	Settings   map[string]string `json:"settings,omitempty"`   // of the definition, as given
	Config     Config            `json:"config"`
}

// ReadSetup reads the "connector" of a request (contract section 16) and takes its secrets apart: a connector of its own, or the name of a definition with
// settings and a way to sign in. It is checked but for the secrets, which CheckSecrets judges. Its errors are *signalbox.Error that name the field.
func ReadSetup(raw []byte, recordType string, known map[string]*Definition) (Setup, Secrets, error) {
	var head struct {
		Definition *strictjson.Raw `json:"definition"`
	}
	if err := strictjson.Unmarshal(raw, &head); err != nil {
		return Setup{}, nil, jsonError("connector", err)
	}
	if head.Definition != nil {
		return readDefined(raw, recordType, known)
	}
	c, secrets, err := ReadConfig(raw)
	if err == nil {
		err = c.Check()
	}
	return Setup{Config: c}, secrets, err
}

// readDefined reads a connector that names a definition.
func readDefined(raw []byte, recordType string, known map[string]*Definition) (Setup, Secrets, error) {
	var given struct {
		Definition string            `json:"definition"`
		Settings   map[string]string `json:"settings"`
		Auth       strictjson.Raw    `json:"auth"`
	}
	if err := strictjson.UnmarshalKnown(raw, &given); err != nil {
		return Setup{}, nil, jsonError("connector", err)
	}
	d := known[given.Definition]
	if d == nil {
		return Setup{}, nil, wrong("definition", "there is no definition %.80q; there is %s", given.Definition, listed(sortedKeys(known)))
	}
	var auth Auth
	var secrets Secrets
	var err error
	if len(given.Auth) > 0 {
		if auth, secrets, err = ReadAuth(given.Auth); err != nil {
			return Setup{}, nil, err
		}
		if err := onlyType(d, auth); err != nil {
			return Setup{}, nil, err
		}
	}
	s := Setup{Definition: d.Name, Settings: given.Settings}
	s.Config, err = d.Config(recordType, given.Settings, auth.Type)
	return s, secrets, err
}

// onlyType refuses what a definition says of signing in itself.
func onlyType(d *Definition, a Auth) error {
	for _, f := range []struct {
		name  string
		given bool
	}{{"in", a.In != ""}, {"name", a.Name != ""}, {"prefix", a.Prefix != ""}, {"token_url", a.TokenURL != ""}, {"scope", a.Scope != ""}, {"params", a.Params != nil}, {"send_in", a.SendIn != ""}} {
		if f.given {
			return wrong("auth."+f.name, "is what the definition %s says; leave it out", d.Name)
		}
	}
	return nil
}

// ParseSetup reads what Stored wrote.
func ParseSetup(stored []byte) (Setup, error) {
	var s Setup
	if err := json.Unmarshal(stored, &s); err != nil {
		return Setup{}, fmt.Errorf("read a stream's connector: %w", err)
	}
	return s, nil
}

// Stored writes a setup for signalbox.Stream.Connector: a JSON object without secrets.
func (s Setup) Stored() ([]byte, error) { return marshal(s) }

// Shown writes a setup as it is shown: the connector of the request, without its secrets.
func (s Setup) Shown() ([]byte, error) {
	if s.Definition == "" {
		return marshal(s.Config)
	}
	shown := struct {
		Definition string            `json:"definition"`
		Settings   map[string]string `json:"settings"`
		Auth       struct {
			Type string `json:"type"`
		} `json:"auth"`
	}{Definition: s.Definition, Settings: s.Settings}
	shown.Auth.Type = cmp.Or(s.Config.Auth.Type, AuthNone)
	if shown.Settings == nil {
		shown.Settings = map[string]string{}
	}
	return marshal(shown)
}

// marshal writes addresses as they are: & is no danger here.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("write a stream's connector: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// CheckSecrets says which secret is missing, is too much or cannot be sent. Its errors are *signalbox.Error and tell no secret.
func (s Setup) CheckSecrets(secrets Secrets) error { return s.Config.Auth.checkSecrets(secrets) }

// KeepsSecrets says whether the secrets of an earlier setup may go on with this one: it signs in in the same way, and asks nobody whom the earlier one did
// not ask. Whoever may change an address, and could never read the secrets, must not have them sent to himself.
func (s Setup) KeepsSecrets(before Setup) bool {
	if cmp.Or(s.Config.Auth.Type, AuthNone) != cmp.Or(before.Config.Auth.Type, AuthNone) {
		return false
	}
	for _, a := range s.Addresses() {
		if !slices.ContainsFunc(before.Addresses(), func(b Address) bool { return sameOrigin(a.URL, b.URL) }) {
			return false
		}
	}
	return true
}

// Address is one that a source asks, and the field that it comes from.
type Address struct {
	Param string
	URL   string
}

// Addresses are those that the source will ask, for the address guard: whoever saves a Setup has them judged. Of a definition they come from its settings.
func (s Setup) Addresses() []Address {
	var all []Address
	for _, a := range []Address{
		{"connector.url", s.Config.URL}, {"connector.by_id", strings.ReplaceAll(s.Config.ByID, "{id}", "0")}, {"connector.auth.token_url", s.Config.Auth.TokenURL},
	} {
		if a.URL == "" {
			continue
		}
		if s.Definition != "" {
			a.Param = "connector.settings"
		}
		all = append(all, a)
	}
	return all
}

// Fingerprint is that of signalbox.Stream: of whatever decides which records there are and how they look, never 0. Of credentials, of how the pages follow
// each other, of how often may be asked and of what proves that a record is gone nothing goes in: the same records come, whatever these say.
func (s Setup) Fingerprint() uint64 {
	c := s.Config
	return fingerprintOf(struct {
		Type, URL, File    string
		Query, Headers     map[string]string
		Records, ID        string
		Fields             []string
		Exclude, Unordered []string
		Delimiter          string
	}{
		Type: c.Type, URL: c.URL, File: c.File, Query: emptyAsNil(c.Query), Headers: emptyAsNil(c.Headers), Records: c.Records, ID: c.ID, Fields: sorted(c.Fields),
		Exclude: sorted(c.Exclude), Unordered: sorted(c.Unordered), Delimiter: cmp.Or(c.Delimiter, ","),
	})
}

// fingerprintOf hashes a value that marshals in one way only.
func fingerprintOf(v any) uint64 {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // not reachable: texts and lists of them
	}
	sum := sha256.Sum256(text)
	return cmp.Or(binary.BigEndian.Uint64(sum[:]), 1)
}

// sorted is a list whose order does not count.
func sorted(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return slices.Sorted(slices.Values(list))
}

func emptyAsNil(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	return maps.Clone(m)
}

// CheckAPI gives what events of a stream are named after: what was given, or what the definition says where nothing was. They must not differ, but for a
// definition's stream that stands for many.
func (s Setup) CheckAPI(given, recordType string, known map[string]*Definition) (string, error) {
	d := known[s.Definition]
	if d == nil {
		return given, nil
	}
	of := d.Stream(recordType)
	if of == nil || given != "" && d.Streams[recordType] == nil {
		return given, nil
	}
	if given != "" && given != of.API {
		return "", signalbox.InvalidField("api", "api is %s for %s of the definition %s, not %.40q", of.API, recordType, s.Definition, given)
	}
	return of.API, nil
}
