package expr

import (
	"fmt"
	"strings"
)

// JSON gives what a program that was compiled for a template comes to, as JSON.stringify would print it: null when it is missing. missing names the fields
// that it read and that were absent, sorted. Unlike in a template, a value that cannot be made, such as a time of a text that is none, is an error. Other errors
// are a program that costs too much, and a result of more than most bytes. All are *Error.
func (p *Program) JSON(f *Facts, b *Budget, most int) (value []byte, missing []string, err error) {
	if p.value == nil {
		return nil, nil, &Error{Msg: "is a condition, and has no value"}
	}
	f.begin(p, b)
	v, ok := p.value(f)
	over := f.run.over
	b.take(f.run.spent)
	switch missing = f.missing(); {
	case over:
		return nil, missing, &Error{Msg: f.overdrawn(b)}
	case !ok:
		return nil, missing, &Error{Msg: "cannot be made of these values"}
	}
	if value = appendJSON(nil, v, most); len(value) > most {
		return nil, missing, &Error{Msg: fmt.Sprintf("gives more than %d bytes", most)}
	}
	return value, missing, nil
}

// Set gives a variable of Extra another value. The other variables stay decoded, so that a program can be asked of many values beside a large one.
func (f *Facts) Set(name string, value any) {
	if f.Extra == nil {
		f.Extra = map[string]any{}
	}
	f.Extra[name] = value
	delete(f.extra, name)
}

// listed writes names as people do: "body, headers and query".
func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
