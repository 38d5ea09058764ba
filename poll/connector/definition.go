package connector

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"signalbox"
	"signalbox/expr"
)

// The bounds of a definition.
const (
	maxDefinition = 256 << 10 // bytes of a file
	maxStreams    = 50
	maxSettings   = 30
	maxUnified    = 100
)

// AnyStream is the name of a stream that stands for every record type that its definition does not name.
const AnyStream = "*"

// Definition describes a product: where its streams are and how they are read. It comes from a YAML file (docs/connectors.md) and does not change.
type Definition struct {
	Name          string             `yaml:"name"`
	Title         string             `yaml:"title"`
	Documentation string             `yaml:"documentation"`
	Settings      map[string]Setting `yaml:"settings"`
	Auth          []Auth             `yaml:"auth"` // one of them is chosen, by its type
	Headers       map[string]string  `yaml:"headers"`
	Rate          RateLimit          `yaml:"rate_limit"`
	Streams       map[string]*Stream `yaml:"streams"`
}

// Setting is a value that whoever links an account gives: the part of an address that is the customer's own.
type Setting struct {
	Title       string `yaml:"title"`
	Description string `yaml:"description"`
	Kind        string `yaml:"kind"`    // "" for text, or url: it is the beginning of an address, or all of it
	Pattern     string `yaml:"pattern"` // RE2; the whole value must match it
	Default     string `yaml:"default"`
	Example     string `yaml:"example"` // what the definition is checked with, where there is no default
	Optional    bool   `yaml:"optional"`

	pattern *regexp.Regexp
}

const kindURL = "url"

// Stream is one record type of a product.
type Stream struct {
	API      string            `yaml:"api"` // hris, ats, crm: what events are named after
	Title    string            `yaml:"title"`
	Config   `yaml:",inline"`  // its own auth, headers and rate_limit are the definition's
	Unified  map[string]string `yaml:"unified"`  // unified field: expression on record
	Identity map[string]string `yaml:"identity"` // part of who a record is about: expression on record

	unified, identity *expr.Template // nil: there is none
}

// DefinitionError is what is wrong with a file, and where.
type DefinitionError struct {
	File string
	Line int    // 0: the file as a whole
	Path string // dotted; "" where only the line is known
	Msg  string
}

func (e *DefinitionError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		b.WriteString(":" + strconv.Itoa(e.Line))
	}
	b.WriteString(": ")
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

//go:embed definitions/*.yaml
var shipped embed.FS

// Definitions are the shipped ones, and those of the files *.yaml of a directory, which take the place of shipped ones of their name. dir is "" when there is
// none. All files are read, whatever is wrong with some: the error joins a *DefinitionError for each that is refused.
func Definitions(dir string) (map[string]*Definition, error) {
	all := map[string]*Definition{}
	own, err := fs.Sub(shipped, "definitions")
	if err == nil {
		err = readFrom(own, all)
	}
	if err != nil {
		return nil, err
	}
	if dir == "" {
		return all, nil
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return all, &DefinitionError{File: dir, Msg: "is no directory that can be read; it holds files such as bamboohr.yaml"}
	}
	return all, readFrom(os.DirFS(dir), all)
}

func readFrom(files fs.FS, all map[string]*Definition) error {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return err
	}
	var refused []error
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			refused = append(refused, &DefinitionError{File: name, Msg: "cannot be read"})
			continue
		}
		d, err := ReadDefinition(name, text)
		if err != nil {
			refused = append(refused, err)
			continue
		}
		all[d.Name] = d
	}
	return errors.Join(refused...)
}

// ReadDefinition reads and checks a file. Its errors are *DefinitionError.
func ReadDefinition(file string, text []byte) (*Definition, error) {
	r := &definitionReader{file: file}
	if len(text) > maxDefinition {
		return nil, r.fail("", "has %d bytes, the most is %d", len(text), maxDefinition)
	}
	d, err := r.decode(text)
	if err != nil {
		return nil, err
	}
	if err := r.check(d); err != nil {
		return nil, err
	}
	return d, nil
}

// definitionReader knows on which line each part of a file stands.
type definitionReader struct {
	file  string
	lines map[string]int // by dotted path
}

// fail is what is wrong at a path, on the line of it or of what it lies in.
func (r *definitionReader) fail(path, format string, args ...any) error {
	line := 0
	for at := path; at != ""; {
		if line = r.lines[at]; line > 0 {
			break
		}
		at = at[:max(strings.LastIndexByte(at, '.'), 0)]
	}
	return &DefinitionError{File: r.file, Line: line, Path: path, Msg: fmt.Sprintf(format, args...)}
}

// decode reads one document with known keys only.
func (r *definitionReader) decode(text []byte) (*Definition, error) {
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&doc); err != nil {
		return nil, r.yamlError(err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, r.fail("", "holds more than one document; a file is one definition")
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, r.fail("", "is no mapping; it begins with name: and streams:")
	}
	r.lines = map[string]int{}
	r.note("", doc.Content[0])
	d := &Definition{}
	dec = yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(d); err != nil {
		return nil, r.yamlError(err)
	}
	return d, nil
}

// note files the lines of a node and of what lies in it. What an alias stands for is not gone into: it has lines of its own, and aliases of aliases grow fast.
func (r *definitionReader) note(at string, n *yaml.Node) {
	below := func(name string) string {
		if at == "" {
			return name
		}
		return at + "." + name
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			r.lines[below(key.Value)] = key.Line
			r.note(below(key.Value), n.Content[i+1])
		}
	case yaml.SequenceNode:
		for i, one := range n.Content {
			r.lines[below(strconv.Itoa(i))] = one.Line
			r.note(below(strconv.Itoa(i)), one)
		}
	}
}

var (
	yamlLine    = regexp.MustCompile(`line (\d+): (.*)`)
	yamlUnknown = regexp.MustCompile(`field (.+) not found in type \S+`)
	yamlWrong   = regexp.MustCompile(`cannot unmarshal !!(\w+)(?: .*)? into (\S+)`)
	yamlTwice   = regexp.MustCompile(`mapping key (".*") already defined at line (\d+)`)
)

var yamlKinds = map[string]string{"seq": "a list", "map": "a mapping", "str": "a text", "int": "a number", "float": "a number with a fraction", "bool": "true or false", "null": "null"}

// yamlError says what the library found, without the names of our types.
func (r *definitionReader) yamlError(err error) error {
	text := err.Error()
	var several *yaml.TypeError
	if errors.As(err, &several) && len(several.Errors) > 0 {
		text = several.Errors[0]
	}
	text = strings.TrimPrefix(text, "yaml: ")
	e := &DefinitionError{File: r.file, Msg: text}
	if errors.Is(err, io.EOF) {
		e.Msg = "is empty; it begins with name: and streams:"
	}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Msg = m[2]
	}
	if m := yamlUnknown.FindStringSubmatch(e.Msg); m != nil {
		e.Msg = fmt.Sprintf("there is no key %.80q here; docs/connectors.md names those that there are", m[1])
	}
	if m := yamlTwice.FindStringSubmatch(e.Msg); m != nil {
		e.Msg = fmt.Sprintf("the key %s stands on line %s already", m[1], m[2])
	}
	if m := yamlWrong.FindStringSubmatch(e.Msg); m != nil {
		e.Msg = fmt.Sprintf("there is %s where %s belongs", cmpKind(m[1]), goKind(m[2]))
	}
	return e
}

func cmpKind(tag string) string {
	if name := yamlKinds[tag]; name != "" {
		return name
	}
	return "something else"
}

// goKind is what a Go type is called in a file.
func goKind(name string) string {
	switch {
	case strings.HasPrefix(name, "[]"):
		return "a list"
	case name == "string":
		return "a text"
	case strings.HasPrefix(name, "int"):
		return "a whole number"
	case name == "bool":
		return "true or false"
	}
	return "a mapping"
}

// Names are the record types of a definition, sorted.
func (d *Definition) Names() []string { return slices.Sorted(maps.Keys(d.Streams)) }

// Stream is that of a record type; nil when there is none.
func (d *Definition) Stream(recordType string) *Stream {
	if s := d.Streams[recordType]; s != nil {
		return s
	}
	return d.Streams[AnyStream]
}

// Config makes the configuration of a stream, with settings in their places and signing in by one of the definition's ways, "" for the first. Its errors are
// *signalbox.Error about "connector.…".
func (d *Definition) Config(recordType string, settings map[string]string, authType string) (Config, error) {
	s := d.Stream(recordType)
	if s == nil {
		return Config{}, signalbox.InvalidField("record_type", "%.80q is no stream of %s; it has %s", recordType, d.Name, strings.Join(d.Names(), ", "))
	}
	values, err := d.settingsOf(settings)
	if err != nil {
		return Config{}, err
	}
	c := s.Config
	c.Headers = maps.Clone(d.Headers)
	c.Rate = d.Rate
	if c.Auth, err = d.authOf(authType); err != nil {
		return Config{}, err
	}
	e := expander{values: values, settings: d.Settings}
	c = e.config(c)
	if e.err != nil {
		return Config{}, e.err
	}
	return c, c.Check()
}

func (d *Definition) authOf(kind string) (Auth, error) {
	if len(d.Auth) == 0 {
		return Auth{}, nil
	}
	if kind == "" {
		return d.Auth[0], nil
	}
	var kinds []string
	for _, a := range d.Auth {
		if a.Type == kind {
			return a, nil
		}
		kinds = append(kinds, a.Type)
	}
	return Auth{}, wrong("auth.type", "%.40q is no way to sign in to %s; it is %s", kind, d.Name, strings.Join(kinds, " or "))
}

// isDefinition says whether a file's name may be that of a definition.
func isDefinition(file, name string) bool {
	base := filepath.Base(file)
	return strings.TrimSuffix(base, filepath.Ext(base)) == name
}
