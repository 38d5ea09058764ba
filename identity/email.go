package identity

import (
	"net/url"
	"strings"
	"unicode"

	"signalbox"
)

// maxLocal is how many bytes may stand before the @ (RFC 5321 section 4.5.3.1.1).
const maxLocal = 64

// Email reads an e-mail address. given is what was written, trimmed; match is what two spellings of one address have in common:
// lower-case, the domain in ASCII, and for Gmail one domain without dots and +tag before the @ (other providers do tell those
// apart). domain is the host after the @ with its subdomains, normalised. A refusal has no Param.
func Email(raw string) (given, match, domain string, err error) {
	given = strings.TrimSpace(raw)
	if len(given) > signalbox.MaxEmail {
		return "", "", "", refuse("the e-mail is too long: at most %d bytes", signalbox.MaxEmail)
	}
	local, host, at := strings.Cut(given, "@")
	local = strings.ToLower(local)
	if !at || !validLocal(local) || strings.Contains(host, "@") {
		return "", "", "", refuse("%q is not an e-mail address; send one such as jane@acme.com", clip(given))
	}
	if domain, err = mailHost(host); err != nil {
		return "", "", "", err
	}
	match = local + "@" + domain
	if domain == "gmail.com" || domain == "googlemail.com" {
		name, _, _ := strings.Cut(local, "+")
		name = strings.ReplaceAll(name, ".", "")
		if name == "" {
			return "", "", "", refuse("%q is not an e-mail address: nothing is left before the @", clip(given))
		}
		match = name + "@gmail.com"
	}
	if len(match) > signalbox.MaxEmail {
		return "", "", "", refuse("the e-mail is too long: at most %d bytes in ASCII", signalbox.MaxEmail)
	}
	return given, match, domain, nil
}

// mailHost normalises the host of an e-mail. People do have addresses right below a private suffix of the list, at the company
// that shares it out, so that one is no reason to refuse an address.
func mailHost(raw string) (string, error) {
	host, err := asciiHost(raw)
	if err != nil {
		return "", err
	}
	if _, err := registrable(host); err != nil && !privateSuffix(host) {
		return "", err
	}
	return host, nil
}

func validLocal(local string) bool {
	if local == "" || len(local) > maxLocal {
		return false
	}
	return !strings.ContainsFunc(local, func(r rune) bool {
		return !unicode.IsGraphic(r) || unicode.IsSpace(r) || strings.ContainsRune(`()<>[]:;,\"`, r)
	})
}

// LinkedIn returns linkedin.com/in/<slug>, lower-case, of a person's profile address: with or without scheme, www. or the
// subdomain of a country, and whatever follows the slug. A refusal has no Param.
func LinkedIn(raw string) (string, error) {
	s := strings.TrimSpace(raw)
	if len(s) > signalbox.MaxLinkedIn {
		return "", refuse("the address is too long: at most %d bytes", signalbox.MaxLinkedIn)
	}
	if scheme, rest, found := strings.Cut(s, "://"); found {
		if scheme = strings.ToLower(scheme); scheme != "http" && scheme != "https" {
			return "", notLinkedIn(raw)
		}
		s = rest
	}
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	host, path, _ := strings.Cut(s, "/")
	section, path, _ := strings.Cut(path, "/")
	slug, _, _ := strings.Cut(path, "/")
	if !linkedInHost(strings.ToLower(host)) || strings.ToLower(section) != "in" {
		return "", notLinkedIn(raw)
	}
	slug, err := url.PathUnescape(slug)
	if slug = strings.ToLower(slug); err != nil || !validSlug(slug) {
		return "", notLinkedIn(raw)
	}
	return "linkedin.com/in/" + slug, nil
}

// linkedInHost takes linkedin.com, www. and m., and the subdomains of countries.
func linkedInHost(host string) bool {
	sub, found := strings.CutSuffix(strings.TrimSuffix(host, "."), "linkedin.com")
	if !found || sub == "" {
		return found
	}
	sub, dot := strings.CutSuffix(sub, ".")
	return dot && (sub == "www" || sub == "m" || len(sub) == 2 && strings.Trim(sub, "abcdefghijklmnopqrstuvwxyz") == "")
}

// validSlug takes letters and digits of any script, and the marks that slugs have. A percent sign is none of them: decoding
// twice must change nothing.
func validSlug(slug string) bool {
	return slug != "" && !strings.ContainsFunc(slug, func(r rune) bool {
		return r == unicode.ReplacementChar || !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.So, unicode.Sk) && !strings.ContainsRune("-_.~'", r)
	})
}

func notLinkedIn(raw string) error {
	return refuse("%q is not a person's LinkedIn address; send one such as https://www.linkedin.com/in/jane-doe", clip(raw))
}
