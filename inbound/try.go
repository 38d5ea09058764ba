package inbound

import (
	"errors"
	"time"

	"signalbox"
)

// MaxTried is how many items of a body a dry run shows.
const MaxTried = 20

// Tried is a dry run of a mapping, for whoever writes one: what each field gives for a body, also where Map would stop at the first error.
type Tried struct {
	Items   int    // how many signals the body would be; more than MaxTried are counted, not shown
	Ignored string // why the body is passed over on purpose; "" when it is not
	Err     error  // what refuses the whole body; nil when each signal tells for itself
	Signals []TriedSignal
}

// TriedSignal is what one item would become.
type TriedSignal struct {
	Ignored string // why the item is passed over on purpose
	Fields  []TriedField
	Input   *signalbox.SignalInput // nil where Err or Ignored says why not
	Err     error
}

// TriedField is what one field of the mapping gave.
type TriedField struct {
	Name    string   // "contact.email"
	Value   []byte   // as JSON, and as the signal would have it; nil: nothing
	Missing []string // what it read and was absent
	Err     error
}

// Try maps a body without stopping: it is for the eye, Map is for signals.
func (d *Door) Try(req *Request, json []byte, now time.Time) Tried {
	r := d.begin(req, json, now)
	items, err := r.items()
	if ignored := (*Ignored)(nil); errors.As(err, &ignored) {
		return Tried{Ignored: ignored.Reason}
	}
	if err != nil {
		return Tried{Err: err}
	}
	out := Tried{Items: len(items)}
	if len(items) == 0 {
		out.Ignored = nothing(0, "").Reason
	}
	for i := range min(len(items), MaxTried) {
		r.take(items, i)
		out.Signals = append(out.Signals, r.try())
	}
	return out
}

// try is signal, telling of every field.
func (r *run) try() TriedSignal {
	var out TriedSignal
	if r.d.perItem {
		holds, err := r.when()
		if out.Err = err; err == nil && !holds {
			out.Ignored = r.whyNot()
		}
	}
	values := make([][]byte, len(r.d.fields))
	for i := range r.d.fields {
		f := &r.d.fields[i]
		value, missing, err := r.value(f)
		if err == nil && value == nil && (f.name == "type" || f.name == "source") {
			err = gaveNothing(f.name, missing)
		}
		if out.Err == nil && out.Ignored == "" {
			out.Err = err
		}
		values[i] = value
		out.Fields = append(out.Fields, TriedField{Name: f.name, Value: value, Missing: missing, Err: err})
	}
	if out.Err != nil || out.Ignored != "" {
		return out
	}
	in, err := r.decode(values)
	if err != nil {
		out.Err = err
		r.blame(out.Fields, err)
		return out
	}
	out.Input = &in
	return out
}

// blame shows the refusal of a whole signal at the field that it names.
func (r *run) blame(fields []TriedField, err error) {
	var bad *signalbox.Error
	if !errors.As(err, &bad) {
		return
	}
	for i := range fields {
		if param(fields[i].Name) == bad.Param {
			fields[i].Err = err
		}
	}
}
