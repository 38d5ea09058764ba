package connector

import (
	"maps"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// placeholder is where a setting is put: {name}.
var placeholder = regexp.MustCompile(`\{([a-z][a-z0-9_]*)\}`)

// reserved placeholders are filled later: by a record's id and by a time.
var reserved = map[string]bool{"id": true, "since": true}

// hostLabel is what a setting may be in the name of a host: one label of it, so that no setting leads to another host than one below the definition's own.
var hostLabel = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

// maxSetting bounds a setting, in bytes.
const maxSetting = maxURL

// settingsOf checks settings against the definition, and adds those that have a default.
func (d *Definition) settingsOf(given map[string]string) (map[string]string, error) {
	for _, name := range sortedKeys(given) {
		if _, known := d.Settings[name]; !known {
			return nil, wrong("settings."+name, "is no setting of %s; it has %s", d.Name, listed(sortedKeys(d.Settings)))
		}
	}
	values := maps.Clone(given)
	if values == nil {
		values = map[string]string{}
	}
	for _, name := range sortedKeys(d.Settings) {
		s := d.Settings[name]
		if values[name] == "" {
			values[name] = s.Default
		}
		if values[name] == "" && !s.Optional {
			return nil, wrong("settings."+name, "is missing: %s", nameOr(s.Description, nameOr(s.Title, "the definition needs it")))
		}
		if err := s.check(values[name]); err != "" {
			return nil, wrong("settings."+name, "%s", err)
		}
	}
	return values, nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// check says what is wrong with a value, "" for nothing.
func (s Setting) check(value string) string {
	switch {
	case value == "":
		return ""
	case len(value) > maxSetting:
		return "is longer than 2048 bytes"
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }):
		return "has a control character, or is not UTF-8"
	case s.Kind == kindURL && strings.ContainsAny(value, "?#{}"):
		return "is an address without ? and #, as in https://host/path"
	case s.pattern != nil && !s.pattern.MatchString(value):
		return "must be like " + nameOr(s.Example, s.Default) + " (the pattern " + s.Pattern + ")"
	}
	return ""
}

// expander puts settings into the places of a Config.
type expander struct {
	values   map[string]string
	settings map[string]Setting
	err      error // the first
}

func (e *expander) config(c Config) Config {
	c.URL, c.ByID = e.address("url", c.URL), e.address("by_id", c.ByID)
	c.Query = e.all(c.Query)
	c.Headers = e.all(c.Headers)
	for _, text := range []*string{&c.Records, &c.ID, &c.Total, &c.File, &c.Pagination.Param, &c.Pagination.SizeParam, &c.Pagination.Next, &c.Auth.Scope} {
		*text = e.text(*text)
	}
	c.Auth.TokenURL = e.address("auth.token_url", c.Auth.TokenURL)
	c.Auth.Params = e.all(c.Auth.Params)
	if c.UpdatedSince != nil {
		u := *c.UpdatedSince
		u.Param, u.Value = e.text(u.Param), e.text(u.Value)
		c.UpdatedSince = &u
	}
	return c
}

// all puts settings into the values of a map. What an optional setting leaves empty is left out.
func (e *expander) all(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	full := map[string]string{}
	for name, value := range m {
		if filled := e.text(value); filled != "" || value == "" {
			full[name] = filled
		}
	}
	return full
}

// text puts settings where no escaping is needed.
func (e *expander) text(text string) string {
	return e.fill(text, func(_ string, value string) string { return value })
}

func (e *expander) fill(text string, escape func(name, value string) string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		name := found[1 : len(found)-1]
		if reserved[name] {
			return found
		}
		return escape(name, e.values[name])
	})
}

// address puts settings into an address: as a label of the host's name, a part of the path, or a value in the query. Only a setting of the kind url may be
// more than that, and only at the beginning.
func (e *expander) address(field, text string) string {
	start := placeholder.FindStringSubmatch(text)
	prefix := ""
	if start != nil && strings.HasPrefix(text, start[0]) && e.settings[start[1]].Kind == kindURL {
		prefix = e.values[start[1]]
		text = text[len(start[0]):]
		if strings.HasPrefix(text, "/") {
			prefix = strings.TrimRight(prefix, "/")
		}
	}
	hostAt, host, tail := "", "", text
	if prefix == "" {
		hostAt, host, tail = splitHost(text)
	}
	path, query, asked := strings.Cut(tail, "?")
	host = e.fill(host, func(name, value string) string {
		if !hostLabel.MatchString(value) && e.err == nil {
			e.err = wrong("settings."+name, "becomes a part of the host's name in %s: letters, digits and hyphens only", field)
		}
		return value
	})
	path = e.fill(path, func(name, value string) string {
		if (value == "." || value == ".." || value == "") && e.err == nil {
			e.err = wrong("settings."+name, "becomes a part of the path of %s, where it cannot be empty, . or ..", field)
		}
		return url.PathEscape(value)
	})
	if asked {
		path += "?" + e.fill(query, func(_, value string) string { return url.QueryEscape(value) })
	}
	return prefix + hostAt + host + path
}

// splitHost takes an address apart before and behind its host.
func splitHost(text string) (scheme, host, tail string) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return "", "", text
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	return scheme + "://", rest[:end], rest[end:]
}
