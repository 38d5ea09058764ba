package egress

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The bounds of custom headers, in number and bytes.
const (
	MaxHeaders     = 32
	MaxHeaderName  = 256
	MaxHeaderValue = 4096
)

// deniedHeaders belong to the protocol, to the frame of the body or to the
// receiver's session; a custom one would override or smuggle (reliability 2.2).
var deniedHeaders = []string{
	"host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade",
	"http2-settings", "expect", "cookie", "cookie2", "set-cookie", "content-type", "content-encoding", "user-agent",
}

// deniedPrefixes belong to proxies and to the signatures of contract section 12.
var deniedPrefixes = []string{"proxy-", "webhook-", "x-stairoids-", "x-staircase-", "x-stackone-", ":"}

// tokenChars make up a token (RFC 9110, section 5.6.2).
const tokenChars = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// ValidateHeaders judges the custom headers of a webhook. Names are tokens (RFC
// 9110) and differ by more than case; values hold no control characters. The
// error names the header and never its value, which is a secret.
func ValidateHeaders(headers map[string]string) error {
	if len(headers) > MaxHeaders {
		return fmt.Errorf("at most %d custom headers are allowed", MaxHeaders)
	}
	seen := make(map[string]bool, len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		lower := strings.ToLower(name)
		if reason := judgeHeader(name, lower, headers[name]); reason != "" {
			return fmt.Errorf("header %.64q %s", name, reason)
		}
		if seen[lower] {
			return fmt.Errorf("header %.64q is given twice", name)
		}
		seen[lower] = true
	}
	return nil
}

func judgeHeader(name, lower, value string) string {
	switch {
	case name == "":
		return "has no name"
	case len(name) > MaxHeaderName:
		return fmt.Sprintf("has a name longer than %d bytes", MaxHeaderName)
	case slices.Contains(deniedHeaders, lower),
		slices.ContainsFunc(deniedPrefixes, func(p string) bool { return strings.HasPrefix(lower, p) }):
		return "is set by the protocol or the signature and cannot be overridden"
	case strings.Trim(name, tokenChars) != "":
		return "has a character that header names cannot hold"
	case len(value) > MaxHeaderValue:
		return fmt.Sprintf("has a value longer than %d bytes", MaxHeaderValue)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return "has a control character in its value"
	}
	return ""
}
