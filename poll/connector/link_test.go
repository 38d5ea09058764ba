package connector

import "testing"

// RFC 8288, sections 3 and 3.5, and what is met.
func TestNextLink_IsThatOfTheRelationNext(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		headers []string
		want    string
	}{
		"none":                     {nil, ""},
		"plain":                    {[]string{`<https://x/?page=2>; rel="next"`}, "https://x/?page=2"},
		"a token":                  {[]string{`<https://x/2>;rel=next`}, "https://x/2"},
		"upper case":               {[]string{`<https://x/2>; REL="NEXT"`}, "https://x/2"},
		"among others":             {[]string{`<https://x/1>; rel="prev", <https://x/3>; rel="next", <https://x/9>; rel="last"`}, "https://x/3"},
		"in another header":        {[]string{`<https://x/1>; rel=prev`, `<https://x/3>; rel=next`}, "https://x/3"},
		"several relations":        {[]string{`<https://x/3>; rel="last next"`}, "https://x/3"},
		"commas in the address":    {[]string{`<https://x/?ids=1,2;3>; title="a, <b>; rel=next"; rel="next"`}, "https://x/?ids=1,2;3"},
		"an escaped quote":         {[]string{`<https://x/3>; title="a \" , rel=prev"; rel="next"`}, "https://x/3"},
		"the first rel counts":     {[]string{`<https://x/3>; rel="prev"; rel="next"`}, ""},
		"of another resource":      {[]string{`<https://x/3>; rel="next"; anchor="#foo"`}, ""},
		"another relation":         {[]string{`<https://x/3>; rel="nextish"`}, ""},
		"no relation":              {[]string{`<https://x/3>`}, ""},
		"relative":                 {[]string{`</items?cursor=abc>; rel="next"`}, "/items?cursor=abc"},
		"spaces":                   {[]string{"  ,  <https://x/3>  ;  rel = \"next\"  "}, "https://x/3"},
		"never closed":             {[]string{`<https://x/3; rel="next"`}, ""},
		"a quote never closed":     {[]string{`<https://x/3>; rel="next`}, "https://x/3"},
		"nonsense":                 {[]string{`next: https://x/3`, `;;;,,,<`, `<a>;`, `<a>;=`}, ""},
		"a parameter with no name": {[]string{`<https://x/3>; =x; rel=next`}, "https://x/3"},
	} {
		if got := nextLink(c.headers); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func FuzzNextLink(f *testing.F) {
	f.Add(`<https://x/1>; rel="prev", <https://x/3>; title="\"a"; rel="next"`)
	f.Fuzz(func(t *testing.T, header string) {
		if got := nextLink([]string{header}); len(got) > len(header) {
			t.Errorf("%q of %q", got, header)
		}
	})
}
