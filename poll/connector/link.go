package connector

import (
	"net/url"
	"strings"
)

// nextLink finds the target of the first link with the relation next in Link headers (RFC 8288); "" when there is none. A link with an anchor is about
// another resource.
func nextLink(headers []string) string {
	for _, h := range headers {
		for rest := h; rest != ""; {
			var target string
			var params map[string]string
			var ok bool
			if target, params, rest, ok = readLink(rest); !ok {
				break
			}
			if _, elsewhere := params["anchor"]; elsewhere {
				continue
			}
			for rel := range strings.FieldsSeq(params["rel"]) {
				if strings.EqualFold(rel, "next") {
					return target
				}
			}
		}
	}
	return ""
}

const linkSpace = " \t"

// readLink reads one link of a header and passes over the comma behind it. Of a parameter that is given twice the first counts (RFC 8288, section 3.3).
func readLink(s string) (target string, params map[string]string, rest string, ok bool) {
	s = strings.TrimLeft(s, linkSpace+",")
	if !strings.HasPrefix(s, "<") {
		return "", nil, "", false
	}
	target, s, ok = strings.Cut(s[1:], ">")
	if !ok {
		return "", nil, "", false
	}
	params = map[string]string{}
	for {
		s = strings.TrimLeft(s, linkSpace)
		if !strings.HasPrefix(s, ";") {
			break
		}
		s = strings.TrimLeft(s[1:], linkSpace)
		end := strings.IndexAny(s, "=;,")
		if end < 0 {
			end = len(s)
		}
		name, value := strings.ToLower(strings.TrimRight(s[:end], linkSpace)), ""
		if s = s[end:]; strings.HasPrefix(s, "=") {
			value, s = linkValue(strings.TrimLeft(s[1:], linkSpace))
		}
		if _, twice := params[name]; !twice {
			params[name] = value
		}
	}
	s = strings.TrimLeft(s, linkSpace)
	if s != "" && s[0] != ',' {
		return target, params, "", true // what follows is no link
	}
	return target, params, strings.TrimPrefix(s, ","), true
}

// linkValue reads a parameter's value: a token, or a text in quotes.
func linkValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ";,")
		if end < 0 {
			end = len(s)
		}
		return strings.TrimRight(s[:end], linkSpace), s[end:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}

// sameOrigin says whether two addresses have the same scheme, host and port.
func sameOrigin(a, b string) bool {
	u, err := url.Parse(a)
	if err != nil {
		return false
	}
	v, err := url.Parse(b)
	return err == nil && originOf(u) == originOf(v)
}

func originOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
