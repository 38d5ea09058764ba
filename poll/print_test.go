package poll_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"signalbox/poll"
)

var key = poll.Key{1, 2, 3}

func TestPrint_SaysWhichFieldsDiffer(t *testing.T) {
	t.Parallel()
	field := func(name, value string) poll.Field { return poll.Field{Name: name, Value: []byte(value)} }
	base := []poll.Field{field("age", "41"), field("name", `"Jane"`), field("salary", "1000")}
	for name, c := range map[string]struct {
		after []poll.Field
		want  []string
	}{
		"nothing":               {base, nil},
		"one value":             {[]poll.Field{field("age", "42"), base[1], base[2]}, []string{"age"}},
		"a field less":          {base[:2], []string{"salary"}},
		"a field more":          {append(slices.Clone(base), field("title", "null")), []string{"title"}},
		"another name":          {[]poll.Field{base[0], field("nick", `"Jane"`), base[2]}, []string{"name", "nick"}},
		"values change places":  {[]poll.Field{field("age", "1000"), base[1], field("salary", "41")}, []string{"age", "salary"}},
		"none left":             {nil, []string{"age", "name", "salary"}},
		"a name that comes new": {[]poll.Field{field("aaa", "1"), base[0], base[1], base[2]}, []string{"aaa"}},
	} {
		names := poll.NewNames(nil)
		before := poll.Fingerprint(key, names, 1, poll.Record{ID: "a", Fields: base})
		after := poll.Fingerprint(key, names, 1, poll.Record{ID: "a", Fields: c.after})
		if got := poll.Diff(before, after, names); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q differ, want %q", name, got, c.want)
		}
		if (before.Hash == after.Hash) != (c.want == nil) {
			t.Errorf("%s: the hashes are equal: %t", name, before.Hash == after.Hash)
		}
	}
}

// Prints say nothing about each other: those of two records, of two streams, and of two fields with equal values are unlike (contract section 13: no PII).
func TestPrint_EqualValuesLookUnlike(t *testing.T) {
	t.Parallel()
	same := []poll.Field{{Name: "bonus", Value: []byte("1000")}, {Name: "salary", Value: []byte("1000")}}
	names := poll.NewNames(nil)
	seen := map[uint64]string{}
	hashes := map[poll.Hash]string{}
	for _, one := range []struct {
		what string
		key  poll.Key
		id   string
	}{{"jane", key, "jane"}, {"john", key, "john"}, {"jane in another stream", poll.Key{9}, "jane"}} {
		p := poll.Fingerprint(one.key, names, 1, poll.Record{ID: one.id, Fields: same})
		if other, have := hashes[p.Hash]; have {
			t.Errorf("the hashes of %s and %s are equal", one.what, other)
		}
		hashes[p.Hash] = one.what
		for _, f := range p.Fields {
			what := one.what + "'s " + names.Name(f.Name)
			if other, have := seen[f.MAC]; have {
				t.Errorf("%s and %s look equal", what, other)
			}
			seen[f.MAC] = what
		}
	}
}

// proves S4-5 and contract section 13: nothing of a record is in its row but its id.
func TestPrint_HoldsNothingOfTheContents(t *testing.T) {
	t.Parallel()
	p := poll.Fingerprint(key, poll.NewNames(nil), 1, poll.Record{ID: "17", Fields: []poll.Field{{Name: "email", Value: []byte(`"jane.doe@acme.example"`)}}})
	for _, part := range []string{"jane", "acme", "email", "17"} {
		if bytes.Contains(p.Append(nil), []byte(part)) {
			t.Errorf("the print holds %q", part)
		}
	}
}

// The bytes are stored: another form of them would make every record look changed.
func TestPrint_BytesStayAsTheyAre(t *testing.T) {
	t.Parallel()
	p := poll.Fingerprint(key, poll.NewNames([]string{"name"}), 7, poll.Record{ID: "a", Fields: []poll.Field{{Name: "age", Value: []byte("41")}, {Name: "name", Value: []byte(`"é\n"`)}}})
	const want = "0100000007d351a24d999eeba88fce43b86a5703180201483282a6bf296d600107a7d8abe8be598c" // worked out by Python's hmac
	if got := fmt.Sprintf("%x", p.Append(nil)); got != want {
		t.Errorf("the print is\n%s, want\n%s", got, want)
	}
}

// proves the task's bound: at most 200 bytes for a record of ten fields, with its id and what stands beside the print.
func TestPrint_RecordOfTenFieldsTakesLittle(t *testing.T) {
	t.Parallel()
	names := poll.NewNames(nil)
	for i := range 100 { // the names of a stream whose records differ
		names.Number(fmt.Sprintf("other_%d", i))
	}
	r := wide("0b9f3a1e-6a3c-4f0e-9d3b-2f1c8e7d6a54", 10)
	p := poll.Fingerprint(key, names, math.MaxUint32, r)
	const beside = 8 + 8 + 1 + 1 + 1 // stream, seen, walk, outcome, missed
	if size := len(p.Append(nil)) + len(r.ID) + beside; size > 180 {
		t.Errorf("a record of ten fields takes %d bytes, want at most 180", size)
	}
}

// wide is a record of so many fields.
func wide(id string, fields int) poll.Record {
	r := poll.Record{ID: id}
	for i := range fields {
		r.Fields = append(r.Fields, poll.Field{Name: fmt.Sprintf("field_%04d", i), Value: fmt.Appendf(nil, `"value %d of a record"`, i)})
	}
	return r
}

// Names are bounded, whatever a provider makes them of; what lies beyond still differs.
func TestNames_AreBounded(t *testing.T) {
	t.Parallel()
	names := poll.NewNames(nil)
	for i := range poll.MaxNames {
		if names.Number(fmt.Sprint(i)) == 0 {
			t.Fatalf("name %d has no number", i+1)
		}
	}
	if n := names.Number("one more"); n != 0 {
		t.Errorf("name %d has the number %d", poll.MaxNames+1, n)
	}
	odd := poll.NewNames(nil)
	for _, name := range []string{strings.Repeat("x", 256), "a\x00b", "\xff"} {
		if odd.Number(name) != 0 {
			t.Errorf("%q has a number, and no database could hold it", name)
		}
	}
	old := poll.Fingerprint(key, names, 1, poll.Record{ID: "a", Fields: []poll.Field{{Name: "1", Value: []byte("1")}, {Name: "u1", Value: []byte("1")}, {Name: "u2", Value: []byte("1")}}})
	new := poll.Fingerprint(key, names, 1, poll.Record{ID: "a", Fields: []poll.Field{{Name: "1", Value: []byte("1")}, {Name: "u1", Value: []byte("1")}, {Name: "u2", Value: []byte("2")}}})
	if got := poll.Diff(old, new, names); !slices.Equal(got, []string{poll.OtherFields}) {
		t.Errorf("%q differ, want the fields without numbers, together", got)
	}
}

func TestPrint_FieldsAreBounded(t *testing.T) {
	t.Parallel()
	names := poll.NewNames(nil)
	r := wide("a", 3*poll.MaxFields)
	old := poll.Fingerprint(key, names, 1, r)
	if n := len(old.Fields); n != poll.MaxFields+1 || len(old.Append(nil)) > 3<<10 {
		t.Errorf("%d fields in %d bytes, want %d and the rest in one", n, len(old.Append(nil)), poll.MaxFields)
	}
	r.Fields[5].Value, r.Fields[2*poll.MaxFields].Value = []byte("1"), []byte("1")
	if got := poll.Diff(old, poll.Fingerprint(key, names, 1, r), names); !slices.Equal(got, []string{poll.OtherFields, "field_0005"}) {
		t.Errorf("%q differ", got)
	}
}

func TestPrint_ReadsWhatItWrote(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := poll.NewNames(rapid.SliceOfNDistinct(rapid.StringMatching("[a-z]{1,3}"), 0, 20, rapid.ID).Draw(t, "stored"))
		fields := rapid.SliceOfNDistinct(rapid.StringMatching("[a-z]{1,3}"), 0, 20, rapid.ID).Draw(t, "fields")
		slices.Sort(fields)
		r := poll.Record{ID: rapid.String().Draw(t, "id")}
		for _, name := range fields {
			r.Fields = append(r.Fields, poll.Field{Name: name, Value: []byte(rapid.String().Draw(t, "value"))})
		}
		p := poll.Fingerprint(key, names, rapid.Uint32().Draw(t, "spec"), r)
		got, err := poll.DecodePrint(p.Append(nil))
		if err != nil || got.Hash != p.Hash || got.Spec != p.Spec || !slices.Equal(got.Fields, p.Fields) {
			t.Fatalf("read %+v, %v, want %+v", got, err, p)
		}
		for i := range p.Append(nil) {
			if _, err := poll.DecodePrint(p.Append(nil)[:i]); err == nil {
				t.Fatalf("a print that is cut off after %d bytes is read", i)
			}
		}
	})
}

func FuzzDecodePrint(f *testing.F) {
	names := poll.NewNames(nil)
	for _, fields := range []int{0, 1, 10, poll.MaxFields + 5} {
		p := poll.Fingerprint(key, names, 9, wide("a", fields))
		f.Add(p.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := poll.DecodePrint(b)
		if err != nil {
			return
		}
		again, err := poll.DecodePrint(p.Append(nil))
		if err != nil || again.Hash != p.Hash || !slices.Equal(again.Fields, p.Fields) {
			t.Fatalf("read %+v, and from what that writes %+v, %v", p, again, err)
		}
		for i := 1; i < len(p.Fields); i++ {
			if p.Fields[i-1].Name >= p.Fields[i].Name {
				t.Fatalf("fields out of order: %+v", p.Fields)
			}
		}
	})
}
