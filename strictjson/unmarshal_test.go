package strictjson_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox/strictjson"
)

type contact struct {
	Email string `json:"email"`
	Age   int8   `json:"age,omitempty"`
}

type base struct {
	ID     string `json:"id"`
	Shadow string `json:"shadow"`
}

type word string

func (w *word) UnmarshalText(text []byte) error {
	if strings.ToUpper(string(text)) != string(text) {
		return errors.New("it must be in capitals")
	}
	*w = word(text)
	return nil
}

type body struct {
	base
	Shadow     contact            `json:"shadow"`
	Type       string             `json:"type"`
	Contact    *contact           `json:"contact"`
	Properties strictjson.Raw     `json:"properties"`
	Any        any                `json:"any"`
	Signals    []contact          `json:"signals"`
	ByName     map[string]contact `json:"by_name"`
	At         time.Time          `json:"at"`
	Word       word               `json:"word"`
	On         bool               `json:"on"`
	Score      float64            `json:"score"`
	Next       *body              `json:"next"`
	Plain      int
	Hidden     string `json:"-"`
}

func TestUnmarshal_RawKeepsDigitsAndOrder(t *testing.T) {
	t.Parallel()
	var b body
	text := `{"id":"x","properties":{"z":12345678901234567890,"a":1.50},"contact":{"email":"e","age":7},"Plain":3}`
	if err := strictjson.Unmarshal([]byte(text), &b); err != nil {
		t.Fatal(err)
	}
	if got, want := string(b.Properties), `{"z":12345678901234567890,"a":1.50}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if b.ID != "x" || b.Contact.Age != 7 || b.Plain != 3 {
		t.Errorf("got %+v", b)
	}
}

func TestUnmarshalReport_NamesEveryUnknownMember(t *testing.T) {
	t.Parallel()
	text := `{
		"id":"1", "ID":"2", "Type":"x", "type":"t", "hidden":1, "Hidden":1, "plain":1,
		"shadow":{"email":"e","nick":1},
		"contact":{"email":"e","nickname":"n","deep":{"more":{}}},
		"properties":{"free":{"form":1}}, "any":{"free":1}, "at":"2026-01-02T03:04:05Z",
		"signals":[{},{"email":"e"},{"foo":1}],
		"by_name":{"k.1":{"foo":1},"ok":{"age":1}},
		"next":{"next":{"contact":{"x":1}},"y":2},
		"line\nbreak":1
	}`
	want := []string{
		"ID", "Type", "hidden", "Hidden", "plain", "shadow.nick", "contact.nickname", "contact.deep",
		"signals.2.foo", `by_name."k.1".foo`, "next.next.contact.x", "next.y", `"line\nbreak"`,
	}
	var b body
	got, err := strictjson.UnmarshalReport([]byte(text), &b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if b.ID != "1" || b.Type != "t" || b.Hidden != "" || b.Shadow.Email != "e" || len(b.Signals) != 3 {
		t.Errorf("got %+v", b)
	}
}

func TestUnmarshalKnown_RefusesAndNamesEveryUnknownMember(t *testing.T) {
	t.Parallel()
	var b body
	err := strictjson.UnmarshalKnown([]byte(`{"type":"t","contact":{"nickname":1},"extra":2}`), &b)
	want := &strictjson.Error{
		Path:    "contact.nickname",
		Msg:     "unknown fields contact.nickname, extra",
		Kind:    strictjson.UnknownField,
		Unknown: []string{"contact.nickname", "extra"},
	}
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Error(diff)
	}
	if b.Type != "" {
		t.Errorf("a refused body was decoded: %+v", b)
	}
	if err := strictjson.UnmarshalKnown([]byte(`{"type":"t","properties":{"x":1}}`), &b); err != nil || b.Type != "t" {
		t.Errorf("got %v, %+v", err, b)
	}
}

func TestUnmarshalReport_AnEmbeddedMapTakesEveryMember(t *testing.T) {
	t.Parallel()
	var v struct {
		Name string         `json:"name"`
		Rest map[string]any `json:",embed"`
	}
	ignored, err := strictjson.UnmarshalReport([]byte(`{"name":"n","x":1}`), &v)
	if err != nil || ignored != nil || v.Rest["x"] != 1.0 {
		t.Errorf("got %v, %v, %+v", ignored, err, v)
	}
}

func TestUnmarshal_AWrongTypeIsNamedByItsPath(t *testing.T) {
	t.Parallel()
	cases := []struct {
		text, path, msg string
		kind            strictjson.Kind
	}{
		{`{"contact":{"email":5}}`, "contact.email", "contact.email must be a string, not a number", strictjson.WrongType},
		{`{"contact":"x"}`, "contact", "contact must be an object, not a string", strictjson.WrongType},
		{`{"contact":[1]}`, "contact", "contact must be an object, not an array", strictjson.WrongType},
		{`{"signals":{}}`, "signals", "signals must be an array, not an object", strictjson.WrongType},
		{`{"signals":[{},{"age":"7"}]}`, "signals.1.age", "signals.1.age must be a whole number, not a string", strictjson.WrongType},
		{`{"contact":{"age":7.5}}`, "contact.age", "contact.age must be a whole number, not 7.5", strictjson.WrongType},
		{`{"contact":{"age":300}}`, "contact.age", "contact.age must be a whole number, and 300 is outside its range", strictjson.NumberRange},
		{`{"on":"yes"}`, "on", "on must be true or false, not a string", strictjson.WrongType},
		{`{"on":1}`, "on", "on must be true or false, not a number", strictjson.WrongType},
		{`{"score":true}`, "score", "score must be a number, not true or false", strictjson.WrongType},
		{`{"at":"yesterday"}`, "at", `at must be a time such as 2026-01-02T15:04:05Z`, strictjson.WrongType},
		{`{"at":5}`, "at", "at must be a time such as 2026-01-02T15:04:05Z, not a number", strictjson.WrongType},
		{`{"word":"abc"}`, "word", "word is not valid: it must be in capitals", strictjson.WrongType},
		{`{"word":5}`, "word", "word must be a string, not a number", strictjson.WrongType},
		{`[]`, "", "the body must be an object, not an array", strictjson.WrongType},
		{`"x"`, "", "the body must be an object, not a string", strictjson.WrongType},
	}
	for _, c := range cases {
		var b body
		var e *strictjson.Error
		if err := strictjson.Unmarshal([]byte(c.text), &b); !errors.As(err, &e) {
			t.Errorf("%s: got %v", c.text, err)
			continue
		}
		if e.Path != c.path || e.Msg != c.msg || e.Kind != c.kind {
			t.Errorf("%s:\n got %q %q %q\nwant %q %q %q", c.text, e.Path, e.Msg, e.Kind, c.path, c.msg, c.kind)
		}
	}
}

func TestUnmarshal_AProgramsMistakeIsNotBadInput(t *testing.T) {
	t.Parallel()
	var e *strictjson.Error
	if err := strictjson.Unmarshal([]byte("{}"), body{}); err == nil || errors.As(err, &e) {
		t.Errorf("not a pointer: got %v", err)
	}
	if err := strictjson.Unmarshal([]byte("{}"), nil); err == nil || errors.As(err, &e) {
		t.Errorf("nil: got %v", err)
	}
}

func TestUnmarshalReport_ManyUnknownMembersCostLinearTime(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`{"by_name":{"` + strings.Repeat("k", 100_000) + `":{`)
	for i := range 50_000 {
		fmt.Fprintf(&b, `"%d":0,`, i)
	}
	text := strings.TrimSuffix(b.String(), ",") + "}}}"
	ignored, err := strictjson.UnmarshalReport([]byte(text), new(body))
	if err != nil || len(ignored) != 50_000 {
		t.Fatalf("got %d paths, %v", len(ignored), err)
	}
	total := 0
	for _, path := range ignored {
		total += len(path)
	}
	if total > 5_000_000 {
		t.Errorf("the paths take %d bytes", total)
	}
}
