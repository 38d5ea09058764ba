package automate

import (
	"errors"
	"net/mail"
	"net/url"
	"slices"
	"strings"

	"signalbox"
	"signalbox/expr"
)

// slackHosts are where Slack takes incoming webhooks.
var slackHosts = []string{"hooks.slack.com", "hooks.slack-gov.com"}

// readyURL checks the address of a webhook action: what stands before its path is literal, so that no value of a signal can send the request elsewhere.
func readyURL(source, param string) (line *expr.Line, origin string, err error) {
	if source == "" || len(source) > signalbox.MaxURL {
		return nil, "", signalbox.InvalidField(param, "%s must have 1 to %d bytes", param, signalbox.MaxURL)
	}
	if line, err = expr.CompileLine(source, expr.Options{}); err != nil {
		return nil, "", badExpression(param, err)
	}
	literals := line.Literals()
	if origin = originOf(literals[0]); origin == "" {
		return nil, "", signalbox.InvalidField(param, "%s must begin with https:// and a host; only what follows the host may hold {{ expressions }}", param)
	}
	if origin == literals[0] && len(literals) > 1 {
		return nil, "", signalbox.InvalidField(param, "%s: an expression stands in the host; begin the path with / before it", param)
	}
	for i, part := range literals {
		if i == 0 {
			part = part[len(origin):]
		}
		if bad := strings.IndexFunc(part, func(r rune) bool { return !pathRune(r) }); bad >= 0 {
			return nil, "", signalbox.InvalidField(param, "%s holds %q, which must be percent-encoded there", param, []rune(part[bad:])[0])
		}
	}
	sample := strings.Join(literals, "x")
	if u, err := url.Parse(sample); err != nil || u.User != nil {
		return nil, "", signalbox.InvalidField(param, "%s is no address: it is written https://host/path, without a user", param)
	}
	if stepsOut(sample) {
		return nil, "", signalbox.InvalidField(param, "%s: a part of the path is . or ..; write the path that is meant", param)
	}
	return line, origin, nil
}

// Origin is the scheme and the host that an address begins with, "" where it begins with neither: what of it is literal, and is judged as a target.
func Origin(address string) string { return originOf(address) }

// originOf is the scheme and the host that an address begins with, "" where it begins with neither.
func originOf(address string) string {
	rest, ok := strings.CutPrefix(address, "https://")
	if !ok {
		if rest, ok = strings.CutPrefix(address, "http://"); !ok {
			return ""
		}
	}
	end := strings.IndexAny(rest, "/?#\\")
	if end < 0 {
		end = len(rest)
	}
	host := rest[:end]
	if host == "" || strings.ContainsAny(host, "@ {}%") {
		return ""
	}
	if u, err := url.Parse("https://" + host); err != nil || u.Host != host || u.Hostname() == "" {
		return ""
	}
	return address[:len(address)-len(rest)+end]
}

// pathRune says what may stand in the path and the query of an address (RFC 3986). A fragment is never sent.
func pathRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~!$&'()*+,;=:@/?%", r)
}

// stepsOut says whether a part of an address's path would lead out of it.
func stepsOut(address string) bool {
	path := strings.TrimPrefix(address, originOf(address))
	path, _, _ = strings.Cut(path, "?")
	for part := range strings.SplitSeq(path, "/") {
		switch strings.ReplaceAll(strings.ToLower(part), "%2e", ".") {
		case ".", "..":
			return true
		}
	}
	return false
}

var (
	errEmptyPart = errors.New("a part of the path is missing: what its expression reads is not there")
	errStepsOut  = errors.New("a value makes a part of the path . or .., which would lead elsewhere")
	errLongURL   = errors.New("the address would be longer than 2,048 bytes")
)

// putPart puts a value into an address: percent-encoded, so that it is one part of the path or one value of the query whatever it holds.
func putPart(dst []byte, value string) ([]byte, error) {
	if value == "" && !slices.Contains(dst, '?') {
		return nil, errEmptyPart
	}
	const hex = "0123456789ABCDEF"
	for i := range len(value) {
		c := value[i]
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	if len(dst) > signalbox.MaxURL {
		return nil, errLongURL
	}
	return dst, nil
}

// address renders the address of a webhook action.
func address(l *expr.Line, f *expr.Facts, b *expr.Budget) (string, error) {
	text, err := l.Render(f, b, putPart)
	switch {
	case err != nil:
		return "", err
	case len(text) > signalbox.MaxURL:
		return "", errLongURL
	case stepsOut(text):
		return "", errStepsOut
	}
	return text, nil
}

// checkSlack is about the address of a slack action, which is literal.
func (o Options) checkSlack(address, param string) error {
	u, err := url.Parse(address)
	if err != nil || originOf(address) == "" || u.User != nil || u.Fragment != "" || u.RawQuery != "" {
		return signalbox.InvalidField(param, "%s must be the address of an incoming webhook of Slack: https://hooks.slack.com/services/…", param)
	}
	if slices.Contains(o.SlackHosts, u.Host) || u.Scheme == "https" && slices.Contains(slackHosts, u.Host) {
		return nil
	}
	return signalbox.InvalidField(param, "%s must be at %s, by https; %s is neither, and is not among the hosts that this server allows", param, strings.Join(slackHosts, " or "), clip(u.Host))
}

// checkTo is about the recipient of an email.
func checkTo(to, param string) error {
	if strings.ContainsAny(to, "\r\n") {
		return signalbox.InvalidField(param, "%s must not hold a line end", param)
	}
	if strings.Contains(to, "{{") {
		return signalbox.InvalidField(param, "%s is one address and holds no expression: whom a message goes to is not said by what comes in", param)
	}
	a, err := mail.ParseAddress(to)
	if err != nil || a.Address != to || len(to) > signalbox.MaxEmail {
		return signalbox.InvalidField(param, "%s must be one e-mail address, as in ops@acme.com", param)
	}
	return nil
}
