package connector

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"signalbox/strictjson"
)

// Whatever a provider answers is records that are whole, or a failure.
func FuzzPage(f *testing.F) {
	f.Add([]byte(`{"data":[{"id":"1","name":"x","tags":["b","a"],"meta":{"seen":1,"deep":[{"at":1}]}},{"id":2}]}`))
	f.Add([]byte(`{"data":[{"id":"a\"\\\u00e9","\\\"":{},"":[]}]}`))
	f.Add([]byte("\ufeff[]"))
	f.Add([]byte(`{"data":[[],1,null]}`))
	f.Add([]byte("<html>"))
	readers := []*reader{
		newReader(Config{Records: "data", ID: "id"}),
		newReader(Config{ID: "id", Exclude: []string{"name", "meta.seen", "meta.deep.at"}, Unordered: []string{"tags", "meta.deep"}, Records: "data"}),
		newReader(Config{ID: "id", Fields: []string{"tags", "meta.deep.0.at", "name"}, Exclude: []string{"name"}, Records: "data"}),
		newReader(Config{ID: "0"}),
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, r := range readers {
			a, err := r.read(body)
			if err != nil {
				var f *Failure
				if !errors.As(err, &f) || f.Kind != ShapeFailure {
					t.Fatalf("%v is no failure of the shape", err)
				}
				continue
			}
			for _, one := range a.records {
				if one.ID == "" || len(one.ID) > MaxIDBytes {
					t.Fatalf("id %q", one.ID)
				}
				if canonical, err := strictjson.Canonical(one.Raw); err != nil || !bytes.Equal(canonical, one.Raw) {
					t.Fatalf("raw %s is not canonical: %v", one.Raw, err)
				}
				if canonical, err := strictjson.Canonical(one.Body); err != nil || !bytes.Equal(canonical, one.Body) {
					t.Fatalf("body %s is not canonical: %v", one.Body, err)
				}
				var c collector
				if joined := c.body(one.Fields); !bytes.Equal(joined, one.Body) {
					t.Fatalf("fields %s are not the body %s", joined, one.Body)
				}
			}
		}
	})
}

func FuzzReadDefinition(f *testing.F) {
	for _, name := range []string{"bamboohr", "greenhouse", "hubspot", "rest"} {
		text, err := shipped.ReadFile("definitions/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name+".yaml", text)
	}
	f.Add("a.yaml", []byte("name: a\nstreams: {x: {api: x, url: 'https://a.b.c', id: id, pagination: &p {type: link}}, y: *p}\n"))
	f.Add("a.yaml", []byte("a: &a [*a]\n<<: *a\n"))
	f.Fuzz(func(t *testing.T, file string, text []byte) {
		d, err := ReadDefinition(file, text)
		var bad *DefinitionError
		switch {
		case err != nil && !errors.As(err, &bad):
			t.Fatalf("%v is no error of a definition", err)
		case err != nil && strings.TrimSpace(bad.Msg) == "":
			t.Fatal("an error that says nothing")
		case err != nil:
			return
		}
		examples := map[string]string{}
		for name, s := range d.Settings {
			examples[name] = nameOr(s.Default, s.Example)
		}
		for _, name := range d.Names() {
			c, err := d.Config(name, examples, "")
			if err != nil {
				t.Fatalf("a definition that was accepted has no configuration: %v", err)
			}
			if c.Type == TypeHTTP {
				newReader(c)
			}
			if _, err := d.Stream(name).Unify(Record{Raw: json.RawMessage(`{"id":1}`)}); err != nil {
				t.Logf("an expression that costs too much: %v", err)
			}
		}
	})
}

func FuzzPath(f *testing.F) {
	f.Add("a.b.0", `{"a":{"b":[1]}}`)
	f.Add(`a\.b`, `{"a.b":null}`)
	f.Fuzz(func(t *testing.T, text, doc string) {
		p, err := parsePath(text)
		if err != nil {
			return
		}
		canonical, err := strictjson.Canonical([]byte(doc))
		if err != nil {
			return
		}
		if found := find(canonical, p); found != nil && strictjson.Check(found) != nil {
			t.Errorf("%q of %s is %s", text, canonical, found)
		}
	})
}
