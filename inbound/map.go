package inbound

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"signalbox"
	"signalbox/expr"
	"signalbox/strictjson"
	"signalbox/wire"
)

// The bounds of what one body becomes.
const (
	MaxSignals = wire.MaxBatch     // signals of one body, as of a batch
	MaxMapped  = wire.MaxBatchBody // bytes of all of them together, as of a batch
	MaxCost    = 1_000_000         // units that all expressions together may cost: a second where each unit is as dear as it gets, patterns on long texts
	maxText    = 64 << 10          // bytes of a text before it is held to its own bound
	maxItems   = 4 * MaxBody       // bytes of the list that Each gives: numbers may be written longer than they came
	maxDepth   = strictjson.DefaultMaxDepth + 2
)

// Ignored is the error of a body that becomes no signal on purpose. It is not to be mended.
type Ignored struct{ Reason string }

func (e *Ignored) Error() string { return e.Reason }

// Map makes the signals of a body that Parse gave; now judges their times. It gives at least one, or an error: *Ignored where the mapping passes over the body,
// else a *signalbox.Error that names the field as Param. One item that cannot be mapped keeps back the others, so that nothing is stored twice when the body is
// mapped again.
func (d *Door) Map(req *Request, json []byte, now time.Time) ([]signalbox.SignalInput, error) {
	r := d.begin(req, json, now)
	items, err := r.items()
	if err != nil {
		return nil, err
	}
	var all []signalbox.SignalInput
	passed := "" // why the first item was passed over
	for i := range items {
		r.take(items, i)
		if d.perItem {
			holds, err := r.when()
			if err != nil {
				return nil, r.at(err)
			}
			if !holds {
				if passed == "" {
					passed = r.whyNot()
				}
				continue
			}
		}
		in, err := r.signal()
		if err != nil {
			return nil, r.at(err)
		}
		all = append(all, in)
	}
	if len(all) == 0 {
		return nil, nothing(len(items), passed)
	}
	return all, nil
}

// nothing says why no item became a signal.
func nothing(items int, first string) *Ignored {
	switch items {
	case 0:
		return &Ignored{Reason: "mapping.each gave an empty list"}
	case 1:
		return &Ignored{Reason: first}
	}
	return &Ignored{Reason: fmt.Sprintf("mapping.when holds for none of %d items; of the first: %s", items, first)}
}

// run maps one body.
type run struct {
	d      *Door
	now    time.Time
	facts  *expr.Facts
	budget *expr.Budget
	left   int // of MaxMapped
	item   int // which one is mapped
	of     int // how many there are; 0: the body is not a list
}

func (d *Door) begin(req *Request, body []byte, now time.Time) *run {
	facts := &expr.Facts{Now: now, Extra: map[string]any{
		"body": json.RawMessage(body), "headers": headersOf(d, req.Header), "query": queryOf(req),
	}}
	return &run{d: d, now: now, facts: facts, budget: expr.NewBudget(MaxCost), left: MaxMapped}
}

// headersOf is what a mapping reads of headers: names in lower case, and none of those that prove who sent the body or hold another secret.
func headersOf(d *Door, header http.Header) map[string]any {
	all := make(map[string]any, len(header))
	for name, values := range header {
		if !secretHeader(name) && !strings.EqualFold(name, d.in.Verify.Header) {
			all[strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	return all
}

// queryOf is what a mapping reads of the query: texts, and lists where a name is there several times.
func queryOf(req *Request) map[string]any {
	all := make(map[string]any, len(req.Query))
	for name, values := range req.Query {
		if len(values) == 1 {
			all[name] = values[0]
			continue
		}
		list := make([]any, len(values))
		for i, one := range values {
			list[i] = one
		}
		all[name] = list
	}
	return all
}

// items are the values that become signals; one that is nil where the body itself is.
func (r *run) items() ([]strictjson.Raw, error) {
	if r.d.when != nil && !r.d.perItem {
		holds, err := r.when()
		if err != nil {
			return nil, err
		}
		if !holds {
			return nil, &Ignored{Reason: r.whyNot()}
		}
	}
	if r.d.each == nil {
		return []strictjson.Raw{nil}, nil
	}
	value, missing, err := r.d.each.JSON(r.facts, r.budget, maxItems)
	switch {
	case err != nil:
		return nil, r.broken("each", err)
	case string(value) == "null":
		return nil, gaveNothing("each", missing)
	case value[0] == '{':
		r.of = 1
		return []strictjson.Raw{value}, nil // tools that send lists send a single one without brackets
	case value[0] != '[':
		return nil, fieldError("each", "must give a list, not %s", kindOf(value))
	}
	var items []strictjson.Raw
	if err := (strictjson.Limits{MaxDepth: maxDepth}).Unmarshal(value, &items); err != nil {
		return nil, fieldError("each", "%s", err)
	}
	if len(items) > MaxSignals {
		return nil, fieldError("each", "gives %d items, at most %d signals are made of one body", len(items), MaxSignals)
	}
	r.of = len(items)
	return items, nil
}

// take makes an item the one that is mapped.
func (r *run) take(items []strictjson.Raw, i int) {
	if r.item = i; r.d.each != nil {
		r.facts.Set("item", json.RawMessage(items[i]))
	}
}

// when asks the condition.
func (r *run) when() (bool, error) {
	verdict := r.d.when.Ask(r.facts, r.budget)
	if verdict.Reason != "" {
		return false, r.broken("when", errors.New(verdict.Reason))
	}
	return verdict.Holds, nil
}

// whyNot says which parts of the condition did not hold. It is slow: the condition is compiled anew to be explained.
func (r *run) whyNot() string {
	var says []string
	for _, clause := range r.d.when.Explain(r.facts) {
		if !clause.Holds {
			says = append(says, clause.Says)
		}
	}
	return "mapping.when does not hold: " + strings.Join(says, "; ")
}

// signal maps the item that was taken.
func (r *run) signal() (signalbox.SignalInput, error) {
	values := make([][]byte, len(r.d.fields))
	for i := range r.d.fields {
		value, missing, err := r.value(&r.d.fields[i])
		if err != nil {
			return signalbox.SignalInput{}, err
		}
		if name := r.d.fields[i].name; value == nil && (name == "type" || name == "source") {
			return signalbox.SignalInput{}, gaveNothing(name, missing)
		}
		values[i] = value
	}
	return r.decode(values)
}

// decode holds what was mapped to the rules of a signal that is sent.
func (r *run) decode(values [][]byte) (signalbox.SignalInput, error) {
	body := compose(r.d.fields, values)
	if r.left -= len(body); r.left < 0 {
		return signalbox.SignalInput{}, signalbox.Errorf(signalbox.TooLarge,
			"the signals of one body have more than %d bytes together: let mapping.properties name what is needed", MaxMapped)
	}
	in, _, err := wire.DecodeSignal(body, r.now)
	if err != nil {
		return signalbox.SignalInput{}, r.refused(err)
	}
	return in, nil
}

// value evaluates a field: nil where it gave nothing. Its errors are those of fieldError.
func (r *run) value(f *field) (value []byte, missing []string, err error) {
	if f.template != nil {
		value, err = f.template.Render(r.facts, r.budget)
	} else {
		most := maxText
		if f.kind == anObject {
			most = expr.MaxRendered
		}
		value, missing, err = f.program.JSON(r.facts, r.budget, most)
	}
	if err != nil {
		return nil, missing, r.broken(f.name, err)
	}
	if string(value) == "null" || string(value) == `""` {
		return nil, missing, nil
	}
	switch f.kind {
	case aText:
		value = asText(value)
	case aMoment:
		if value, err = asMoment(value); err != nil {
			return nil, nil, fieldError(f.name, "%s", err)
		}
	}
	if f.name == "idempotency_key" && r.d.each != nil && !f.ofItem {
		value = numbered(value, r.item)
	}
	return value, missing, nil
}

// asText makes a text of a number: ids are numbers in one tool and texts in the next.
func asText(value []byte) []byte {
	if c := value[0]; c == '-' || c >= '0' && c <= '9' {
		return strictjson.AppendString(nil, string(value))
	}
	return value
}

// numbered gives each item a key of its own where the mapping has one for the whole body, as the batch's header does (contract section 3).
func numbered(value []byte, i int) []byte {
	var key string
	if strictjson.Unmarshal(value, &key) != nil {
		return value // no text: refused when it is decoded
	}
	return strictjson.AppendString(nil, key+"/"+strconv.Itoa(i))
}

// compose writes a signal as it would be sent. Fields of one object stand together in the table.
func compose(fields []field, values [][]byte) []byte {
	dst, open := []byte{'{'}, ""
	comma := func() {
		if last := dst[len(dst)-1]; last != '{' {
			dst = append(dst, ',')
		}
	}
	for i, value := range values {
		if value == nil {
			continue
		}
		object, name, nested := strings.Cut(fields[i].name, ".")
		if !nested {
			object, name = "", object
		}
		if open != object && open != "" {
			dst = append(dst, '}')
		}
		if open != object && object != "" {
			comma()
			dst = append(strictjson.AppendString(dst, object), ':', '{')
		}
		open = object
		comma()
		dst = append(append(strictjson.AppendString(dst, name), ':'), value...)
	}
	if open != "" {
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// fieldError is the refusal of what one field gave.
func fieldError(name, format string, args ...any) error {
	return signalbox.InvalidField(param(name), "%s %s", param(name), fmt.Sprintf(format, args...))
}

// gaveNothing says that a field that must be there is not, and what was absent.
func gaveNothing(name string, missing []string) error {
	switch len(missing) {
	case 0:
		return fieldError(name, "gave nothing: it must give a text that is not empty")
	case 1:
		return fieldError(name, "gave nothing: %s is absent", missing[0])
	}
	return fieldError(name, "gave nothing: %s and %s are absent", strings.Join(missing[:len(missing)-1], ", "), missing[len(missing)-1])
}

// broken is the refusal of a field whose expression came to nothing.
func (r *run) broken(name string, err error) error {
	if r.budget.Left() == 0 {
		return fieldError(name, "is where the %d units were used up that the mapping of one body may cost: a simpler mapping or smaller bodies are needed", MaxCost)
	}
	return fieldError(name, "%s", err)
}

// refused turns the refusal of a signal into that of the field that it was mapped by.
func (r *run) refused(err error) error {
	var bad *signalbox.Error
	if !errors.As(err, &bad) {
		return err
	}
	for _, f := range r.d.fields {
		if bad.Param == f.name || strings.HasPrefix(bad.Param, f.name+".") {
			msg := strings.TrimPrefix(bad.Msg, f.name+" ")
			if msg == bad.Msg {
				msg = "cannot be used: " + bad.Msg
			}
			return &signalbox.Error{Code: bad.Code, Param: param(f.name), Msg: param(f.name) + " " + msg, Err: bad}
		}
	}
	return err
}

// at says which item an error is about.
func (r *run) at(err error) error {
	var bad *signalbox.Error
	if r.of < 2 || !errors.As(err, &bad) {
		return err
	}
	out := *bad
	out.Msg = fmt.Sprintf("item %d of %d: %s", r.item+1, r.of, bad.Msg)
	return &out
}

// kindOf names the type of a JSON value.
func kindOf(value []byte) string {
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case 't', 'f':
		return "a yes or no"
	case 'n':
		return "null"
	}
	return "a number"
}
