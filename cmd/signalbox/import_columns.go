package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
)

// column is what a column of a file, or a member of a JSON line, means.
type column struct {
	name  string   // as the file has it
	path  []string // nil: it is left out
	shape shape
	why   string // of a column that is left out
}

func (c column) to() string { return strings.Join(c.path, ".") }

// errorColumn is the column that --errors adds; an import passes over it.
const errorColumn = "import_error"

// columns turns names of a file into fields: by --map, by a field's own name, by what others call it.
type columns struct {
	kind        *recordKind
	maps        map[string]string // --map: field by name
	used        map[string]bool   // of maps
	skipUnknown bool
	json        bool // the file is JSONL: values are JSON as they are
	text        bool // --text: cells stay text
}

// plain is what names are compared by: letters and digits, in lower case.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// newColumns reads the --map flags.
func newColumns(s *importing) (*columns, error) {
	cs := &columns{
		kind: s.kind, maps: map[string]string{}, used: map[string]bool{}, skipUnknown: s.skipUnknown, json: s.format == formatJSONL, text: s.text,
	}
	for _, given := range s.maps {
		i := strings.LastIndexByte(given, '=') // a column's name may have one
		if i <= 0 || i == len(given)-1 {
			return nil, usagef(`--map: %q is not "column=field", such as "Company Domain=domain"`, clean(given, 80))
		}
		name, field := given[:i], strings.TrimSpace(given[i+1:])
		if _, twice := cs.maps[name]; twice {
			return nil, usagef("--map: %q is given twice", clean(name, 80))
		}
		if field != "-" {
			if _, err := cs.field(field); err != nil {
				return nil, usagef("--map %q: %v", clean(given, 80), err)
			}
		}
		cs.maps[name] = field
	}
	return cs, nil
}

// field finds a field by its exact name; a member of one that is an object has the object's name before its own.
func (cs *columns) field(path string) (column, error) {
	for _, f := range cs.kind.fields {
		if f.shape == asIs && !cs.json {
			continue
		}
		if path == f.path {
			return column{path: strings.Split(f.path, "."), shape: cs.shapeOf(f.shape)}, nil
		}
		if member, ok := strings.CutPrefix(path, f.path+"."); ok && f.shape == asObject {
			names := strings.Split(path, ".")
			if member == "" || slices.Contains(names, "") {
				return column{}, fmt.Errorf("%q has an empty name in it", clean(path, 80))
			}
			shape := asScalar
			if cs.text {
				shape = asText
			}
			return column{path: names, shape: cs.shapeOf(shape)}, nil
		}
	}
	return column{}, fmt.Errorf("%q is no field; there are %s", clean(path, 80), cs.fieldNames())
}

func (cs *columns) shapeOf(s shape) shape {
	if cs.json {
		return asIs
	}
	return s
}

func (cs *columns) fieldNames() string {
	var names []string
	for _, f := range cs.kind.fields {
		if f.shape == asIs && !cs.json {
			continue
		}
		if names = append(names, f.path); f.shape == asObject {
			names = append(names, f.path+".NAME")
		}
	}
	return strings.Join(names, ", ")
}

// errUnknown is a column that nobody knows.
type errUnknown struct{ name string }

func (e *errUnknown) Error() string {
	name := clean(e.name, 80)
	suggested := strings.ToLower(strings.Join(strings.FieldsFunc(e.name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), "_"))
	return fmt.Sprintf(`nobody knows what the column %q is: say it with --map "%s=FIELD" (for example "%s=attributes.%s"), leave it out with --map "%s=-", or leave out all such columns with --skip-unknown`,
		name, name, name, clean(suggested, 40), name)
}

// one says what a column means. place is its number, for one without a name; 0 in JSONL.
func (cs *columns) one(name string, place int) (column, error) {
	given, mapped := cs.maps[name]
	key := name
	if !mapped {
		for other, field := range cs.maps {
			if plain(other) == plain(name) && plain(name) != "" {
				given, mapped, key = field, true, other
			}
		}
	}
	switch trimmed := strings.TrimSpace(name); {
	case mapped && given == "-":
		cs.used[key] = true
		return column{name: name, why: "left out: --map"}, nil
	case mapped:
		cs.used[key] = true
		c, err := cs.field(given)
		c.name = name
		return c, err
	case trimmed == "":
		return column{name: fmt.Sprintf("(column %d)", place), why: "left out: it has no name"}, nil
	case trimmed == errorColumn || trimmed == lineMember:
		return column{name: name, why: "left out: what an earlier import said"}, nil
	default:
		return cs.guess(name, trimmed)
	}
}

// guess says what a column means by its name alone.
func (cs *columns) guess(name, trimmed string) (column, error) {
	if c, err := cs.field(trimmed); err == nil {
		c.name = name
		return c, nil
	}
	for _, f := range cs.kind.fields {
		member := len(f.path) + 1
		if f.shape == asObject && len(trimmed) > member && strings.EqualFold(trimmed[:member], f.path+".") {
			c, err := cs.field(f.path + "." + trimmed[member:])
			c.name = name
			return c, err
		}
		if slices.Contains(f.names, plain(trimmed)) {
			c, err := cs.field(f.path)
			c.name = name
			return c, err
		}
	}
	if slices.ContainsFunc(serverSets, func(set string) bool { return plain(set) == plain(trimmed) }) {
		return column{name: name, why: "left out: the server sets it"}, nil
	}
	if cs.skipUnknown {
		return column{name: name, why: "left out: --skip-unknown"}, nil
	}
	return column{}, &errUnknown{name}
}

// all says what the columns of a file mean, and that together they make rows; sets are fields that --set gives.
func (cs *columns) all(names []string, sets []column) ([]column, error) {
	out := make([]column, len(names))
	for i, name := range names {
		c, err := cs.one(name, i+1)
		if err != nil {
			return nil, err
		}
		out[i] = c
	}
	var t tree
	for _, c := range slices.Concat(sets, out) {
		if c.path == nil {
			continue
		}
		if err := t.set(c.path, nullValue); err != nil {
			return nil, cs.twice(c, slices.Concat(sets, out))
		}
	}
	for name := range cs.maps {
		if !cs.used[name] && !cs.json {
			return nil, fmt.Errorf("--map: there is no column %q; the columns are %s", clean(name, 80), clean(strings.Join(names, ", "), 400))
		}
	}
	return out, cs.enough(slices.Concat(sets, out))
}

var nullValue = []byte("null")

// twice names the columns that say the same field, or one and a part of it.
func (cs *columns) twice(c column, all []column) error {
	for _, other := range all {
		same := other.to() == c.to() || strings.HasPrefix(other.to()+".", c.to()+".") || strings.HasPrefix(c.to()+".", other.to()+".")
		if other.path != nil && same {
			return fmt.Errorf("%q and %q both are %s; leave one out with --map \"NAME=-\"", clean(other.name, 80), clean(c.name, 80), c.to())
		}
	}
	return errTwice
}

// enough says whether the columns say all that a row needs.
func (cs *columns) enough(all []column) error {
	for _, choices := range cs.kind.needs {
		there := slices.ContainsFunc(all, func(c column) bool { return slices.Contains(choices, c.to()) })
		if there {
			continue
		}
		hint := ""
		if cs.kind.signals() {
			hint = fmt.Sprintf(", or give all rows the same one with --set %s=…", choices[0])
		}
		return fmt.Errorf("no column is %s, which every row of %s needs; say which one is with --map \"NAME=%s\"%s", strings.Join(choices, " or "), cs.kind.name, choices[0], hint)
	}
	return nil
}

// show tells what the columns mean, before anything is sent.
func show(w io.Writer, file string, list []column) {
	width := 0
	for _, c := range list {
		width = max(width, len([]rune(clean(c.name, 40))))
	}
	fmt.Fprintf(w, "%s:\n", file)
	for _, c := range list {
		name := clean(c.name, 40)
		meaning := c.to()
		if c.path == nil {
			meaning = "(" + c.why + ")"
		}
		fmt.Fprintf(w, "  %s%s → %s\n", name, strings.Repeat(" ", width-len([]rune(name))), clean(meaning, 80))
	}
}
