package connector

import (
	"bytes"
	"errors"
	"strconv"

	"signalbox/strictjson"
)

// reader takes the records out of answers, in the way of one Config.
type reader struct {
	records, id path
	fields      []string // sorted as Body has them; nil: all members
	paths       []path   // of fields
	shape       *shape   // what is left out; nil: nothing
}

func newReader(c Config) *reader {
	r := &reader{records: mustPath(c.Records), id: mustPath(c.ID), shape: shapeOf(c.Exclude, c.Unordered)}
	if len(c.Fields) > 0 {
		r.fields = sortedAsKeys(c.Fields)
		for _, f := range r.fields {
			r.paths = append(r.paths, mustPath(f))
		}
	}
	return r
}

// answer is a page that was read: its records, and the whole of it for what else it says.
type answer struct {
	doc     []byte // canonical
	records []Record
}

// read takes a body apart. Its errors are *Failure.
func (r *reader) read(body []byte) (answer, error) {
	doc, err := canonicalPage(body)
	if err != nil {
		return answer{}, err
	}
	list := find(doc, r.records)
	switch {
	case list == nil && len(r.records) > 0:
		return answer{}, shapeFailure("the answer has nothing at records; look whether the path of the list is right")
	case list == nil || list[0] != '[':
		if len(r.records) == 0 {
			return answer{}, shapeFailure("the answer is %s, not a list of records; name the list's path as records", kindOf(doc))
		}
		return answer{}, shapeFailure("records is the path of %s, not of a list", kindOf(list))
	}
	a := answer{doc: doc}
	c := collector{r: r, names: map[string]string{}}
	eachElement(list, func(value []byte) bool {
		var one Record
		if one, err = c.record(value); err != nil {
			return false
		}
		a.records = append(a.records, one)
		return true
	})
	if err != nil {
		return answer{}, recordFailure(len(a.records), err)
	}
	return a, nil
}

// canonicalPage checks a body and rewrites it. What is wrong is told in words for whoever has set the source up.
func canonicalPage(body []byte) ([]byte, error) {
	text := bytes.TrimLeft(body, " \t\r\n")
	switch {
	case len(text) == 0:
		return nil, shapeFailure("the answer is empty; an empty list is written []")
	case text[0] == '<':
		return nil, shapeFailure("the answer is HTML or XML, not JSON; look whether the url is that of the API, and whether it needs to sign in")
	}
	doc, err := strictjson.Limits{}.AppendCanonical(make([]byte, 0, len(body)), bytes.TrimPrefix(body, []byte("\ufeff")))
	var bad *strictjson.Error
	if errors.As(err, &bad) {
		// Not bad.Msg: paths hold keys, and keys may be what records are about.
		return nil, shapeFailure("the answer is not valid JSON: %s", jsonReasons[bad.Kind])
	}
	return doc, err
}

// jsonReasons says what is wrong with an answer, without repeating any of it.
var jsonReasons = map[strictjson.Kind]string{
	strictjson.Malformed:    "it is malformed, or was cut off",
	strictjson.TrailingData: "something follows its end",
	strictjson.Empty:        "it is empty",
	strictjson.TooDeep:      "it is nested deeper than " + strconv.Itoa(strictjson.DefaultMaxDepth) + " levels",
	strictjson.DuplicateKey: "an object has the same key twice",
	strictjson.InvalidUTF8:  "a text is not UTF-8",
	strictjson.Surrogate:    "a text has half of a surrogate pair",
	strictjson.NUL:          "a text has the character U+0000, which cannot be stored",
	strictjson.NumberRange:  "a number is larger than any double",
}

// recordFailure says which record of a page is wrong. Its id is not told: it may be an address.
func recordFailure(i int, err error) *Failure {
	return shapeFailure("record %d of the page %s", i+1, err)
}

// collector makes the records of one page. Names of fields are kept once, fields in slabs.
type collector struct {
	r     *reader
	names map[string]string
	slab  []Field
}

// slabFields is how many fields are made at once.
const slabFields = 1024

func (c *collector) name(written []byte) string {
	if s, ok := c.names[string(written)]; ok {
		return s
	}
	s := textOf(written)
	c.names[string(written)] = s
	return s
}

// field adds to the fields of the record that began at a position of the slab, and returns where it begins now.
func (c *collector) field(from int, f Field) int {
	if len(c.slab) == cap(c.slab) {
		begun := c.slab[from:]
		c.slab = append(make([]Field, 0, max(slabFields, 2*len(begun))), begun...)
		from = 0
	}
	c.slab = append(c.slab, f)
	return from
}

// record makes one. Its errors say what is wrong with it.
func (c *collector) record(value []byte) (Record, error) {
	if value[0] != '{' {
		return Record{}, errors.New("is " + kindOf(value) + ", not an object")
	}
	if len(value) > MaxRecordBytes {
		return Record{}, errors.New("has more than 1 MiB")
	}
	id, err := idOf(find(value, c.r.id))
	if err != nil {
		return Record{}, err
	}
	one := Record{ID: id, Raw: value}
	from := len(c.slab)
	switch {
	case c.r.fields != nil:
		from = c.chosen(from, value)
		one.Body = c.body(c.slab[from:])
	default:
		from = c.members(from, value)
		if one.Body = value; c.r.shape != nil {
			one.Body = c.body(c.slab[from:])
		}
	}
	one.Fields = c.slab[from:len(c.slab):len(c.slab)]
	return one, nil
}

// members takes all of a record's members but those that are left out.
func (c *collector) members(from int, record []byte) int {
	eachMember(record, func(name, value []byte) bool {
		s := c.r.shape.part(name)
		if s != nil && s.drop {
			return true
		}
		if s != nil {
			value = s.append(nil, value)
		}
		from = c.field(from, Field{c.name(name), value})
		return true
	})
	return from
}

// chosen takes the fields that the Config names. What a record does not have is null, so that it is the same as null.
func (c *collector) chosen(from int, record []byte) int {
	for i, p := range c.r.paths {
		value, s := find(record, p), c.r.shape.at(p)
		switch {
		case s != nil && s.drop:
			continue
		case value == nil:
			value = []byte("null")
		case s != nil:
			value = s.append(nil, value)
		}
		from = c.field(from, Field{c.r.fields[i], value})
	}
	return from
}

// body writes fields as an object.
func (c *collector) body(fields []Field) []byte {
	size := 2
	for _, f := range fields {
		size += len(f.Name) + len(f.Value) + 4
	}
	dst := append(make([]byte, 0, size), '{')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(strictjson.AppendString(dst, f.Name), ':')
		dst = append(dst, f.Value...)
	}
	return append(dst, '}')
}

// idOf reads a record's id: a text, or an integer by its digits.
func idOf(value []byte) (string, error) {
	switch {
	case value == nil:
		return "", errors.New("has no id where the path of ids leads")
	case value[0] == '"':
		id := textOf(value[1 : len(value)-1])
		if id == "" || len(id) > MaxIDBytes {
			return "", errors.New("has an id that is empty or longer than " + strconv.Itoa(MaxIDBytes) + " bytes")
		}
		return id, nil
	case !isInteger(value):
		return "", errors.New("has " + kindOf(value) + " as its id, not a text or an integer")
	case len(value) > MaxIDBytes:
		return "", errors.New("has an id of more than " + strconv.Itoa(MaxIDBytes) + " digits")
	}
	return string(value), nil
}

func isInteger(value []byte) bool {
	digits := bytes.TrimPrefix(value, []byte{'-'})
	return len(digits) > 0 && len(bytes.Trim(digits, "0123456789")) == 0
}

// kindOf says what a value is, for people.
func kindOf(value []byte) string {
	switch {
	case value == nil:
		return "nothing"
	case value[0] == '{':
		return "an object"
	case value[0] == '[':
		return "a list"
	case value[0] == '"':
		return "a text"
	case value[0] == 't' || value[0] == 'f':
		return "true or false"
	case value[0] == 'n':
		return "null"
	case !isInteger(value):
		return "a number with a fraction"
	}
	return "a number"
}
