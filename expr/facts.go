package expr

import (
	"slices"
	"time"
)

// Signal is what a program may read of a signal. Its Context is decoded when a program first reads it; change nothing after that. Not safe for
// concurrent use.
type Signal struct {
	Type       string
	Source     string
	EventName  string
	Context    []byte // any JSON: signal.properties, signal.context
	OccurredAt time.Time
	CreatedAt  time.Time
	Score      float64

	context document
	alone   *Facts // of Atom.Holds
}

// Account is what a program may read of an account; as Signal, decoded once.
type Account struct {
	Domain     string
	Name       string
	Status     string
	Attributes []byte // a JSON object, nil for none
	Score      int
	Stage      string

	attributes document
}

// Contact is what a program may read of a contact; as Signal, decoded once.
type Contact struct {
	Email       string
	FirstName   string
	LastName    string
	Title       string
	LinkedInURL string
	Attributes  []byte // a JSON object, nil for none
	Score       int
	Stage       string

	attributes document
}

// Facts is what a program is asked about; what is nil is missing. Not safe for concurrent use.
type Facts struct {
	Signal  *Signal
	Account *Account
	Contact *Contact
	Extra   map[string]any // values of the variables that Options.Extra names, as encoding/json decodes them, or JSON texts (json.RawMessage)
	Now     time.Time

	// Times are the moments at which the signals occurred on which the atom of that key held, latest first, at most its Keep. nil: there are none.
	Times func(key string) []time.Time

	extra   map[string]*document
	run     run
	scratch val // what was read last that is kept nowhere else
}

// run is what happens while a program is asked.
type run struct {
	p       *Program
	limit   uint64
	spent   uint64
	over    bool
	missing [maxSlots / 64]uint64 // slots whose field was read and absent
	next    time.Time
}

func (r *run) spend(units uint64) {
	if r.spent += units; r.spent > r.limit {
		r.over = true
	}
}

// changes notes a moment at which time alone can change the answer.
func (r *run) changes(at time.Time) {
	if r.next.IsZero() || at.Before(r.next) {
		r.next = at
	}
}

// variable is a value of Extra.
func (f *Facts) variable(name string) *document {
	if d := f.extra[name]; d != nil {
		return d
	}
	d := &document{read: true}
	d.tree, d.dotted = plain(f.Extra[name])
	if f.extra == nil {
		f.extra = map[string]*document{}
	}
	f.extra[name] = d
	return d
}

// fields are the roots that a program may read, with what each has; one of the type "json" has whatever lies below it.
var fields = map[string][]field{
	"signal": {
		{"type", 's', func(f *Facts) val { return textVal(f.Signal.Type) }},
		{"source", 's', func(f *Facts) val { return textVal(f.Signal.Source) }},
		{"event_name", 's', func(f *Facts) val { return textVal(f.Signal.EventName) }},
		{"properties", 'd', nil},
		{"context", 'd', nil},
		{"occurred_at", 't', func(f *Facts) val { return timeVal(f.Signal.OccurredAt) }},
		{"created_at", 't', func(f *Facts) val { return timeVal(f.Signal.CreatedAt) }},
		{"score", 'f', func(f *Facts) val { return val{kind: aFloat, f: f.Signal.Score} }},
	},
	"account": {
		{"domain", 's', func(f *Facts) val { return textVal(f.Account.Domain) }},
		{"name", 's', func(f *Facts) val { return textVal(f.Account.Name) }},
		{"status", 's', func(f *Facts) val { return textVal(f.Account.Status) }},
		{"attributes", 'd', nil},
		{"score", 'i', func(f *Facts) val { return val{kind: anInt, n: int64(f.Account.Score)} }},
		{"stage", 's', func(f *Facts) val { return textVal(f.Account.Stage) }},
	},
	"contact": {
		{"email", 's', func(f *Facts) val { return textVal(f.Contact.Email) }},
		{"first_name", 's', func(f *Facts) val { return textVal(f.Contact.FirstName) }},
		{"last_name", 's', func(f *Facts) val { return textVal(f.Contact.LastName) }},
		{"title", 's', func(f *Facts) val { return textVal(f.Contact.Title) }},
		{"linkedin_url", 's', func(f *Facts) val { return textVal(f.Contact.LinkedInURL) }},
		{"attributes", 'd', nil},
		{"score", 'i', func(f *Facts) val { return val{kind: anInt, n: int64(f.Contact.Score)} }},
		{"stage", 's', func(f *Facts) val { return textVal(f.Contact.Stage) }},
	},
}

// field is one field of a root: its name, the letter of its type in the CEL environment, and how it is read once its root is known to be there.
type field struct {
	name string
	typ  byte
	get  func(*Facts) val
}

func fieldNames(root string) []string {
	var names []string
	for _, one := range fields[root] {
		names = append(names, one.name)
	}
	return names
}

func fieldOf(root, name string) (field, bool) {
	i := slices.IndexFunc(fields[root], func(one field) bool { return one.name == name })
	if i < 0 {
		return field{}, false
	}
	return fields[root][i], true
}

// has says whether a root is there at all.
func (f *Facts) has(root string) bool {
	switch root {
	case "signal":
		return f.Signal != nil
	case "account":
		return f.Account != nil
	case "contact":
		return f.Contact != nil
	}
	return true
}

// opener gives the document of a root's open field, decoded; nil where the root is not there.
func opener(root string) func(*Facts) *document {
	switch root {
	case "signal":
		return func(f *Facts) *document {
			if f.Signal == nil {
				return nil
			}
			return f.Signal.context.open(f.Signal.Context)
		}
	case "account":
		return func(f *Facts) *document {
			if f.Account == nil {
				return nil
			}
			return f.Account.attributes.open(f.Account.Attributes)
		}
	}
	return func(f *Facts) *document {
		if f.Contact == nil {
			return nil
		}
		return f.Contact.attributes.open(f.Contact.Attributes)
	}
}

// getter reads a path: that of an open field, of a fixed one, of a whole root, or of a variable.
func getter(path []string) func(*Facts) val {
	root, rest := path[0], path[1:]
	known := fields[root]
	switch {
	case known == nil:
		return func(f *Facts) val {
			d := f.variable(root)
			return find(d.tree, rest, d.dotted)
		}
	case len(rest) == 0:
		return func(f *Facts) val { return f.whole(root) }
	}
	one, _ := fieldOf(root, rest[0])
	if one.get == nil {
		at := placed(path)
		return func(f *Facts) val { return *at(f) }
	}
	return func(f *Facts) val {
		if !f.has(root) {
			return val{}
		}
		return one.get(f)
	}
}

// placed reads a path of an open field without copying; nil for another path. What it gives is not to be changed.
func placed(path []string) func(*Facts) *val {
	if len(path) < 2 {
		return nil
	}
	if one, known := fieldOf(path[0], path[1]); !known || one.get != nil {
		return nil
	}
	open, rest := opener(path[0]), path[2:]
	key, none := placeOf(rest), &val{}
	return func(f *Facts) *val {
		d := open(f)
		if d == nil {
			return none
		}
		return d.at(key, rest)
	}
}

// whole is a root as one object, its missing fields null.
func (f *Facts) whole(root string) val {
	if !f.has(root) {
		return val{}
	}
	object := map[string]any{}
	for _, one := range fields[root] {
		if one.get != nil {
			v := one.get(f)
			object[one.name] = v.native()
			continue
		}
		if one.name == "context" {
			continue // it is the properties
		}
		object[one.name] = opener(root)(f).tree
	}
	return val{kind: aMap, x: object}
}
