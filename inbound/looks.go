package inbound

import (
	"regexp"
	"slices"
	"strings"
)

// secretWords name a secret wherever they stand in a name: "password_hash", "X-Hub-Signature-256". Only whole words, so that a secretary and tokens that were
// used up are shown.
var secretWords = []string{"password", "passwd", "passphrase", "passcode", "pwd", "secret", "secrets", "token", "authorization", "credential", "credentials",
	"cookie", "jwt", "bearer", "signature", "hmac", "otp", "cvv", "cvv2", "cvc", "cvc2", "csc", "ssn", "apikey", "accesskey", "secretkey", "privatekey",
	"signingkey", "authkey", "cardnumber", "creditcard", "accesstoken", "refreshtoken", "authtoken", "idtoken", "clientsecret", "sessionid"}

// secretPairs are two words that name a secret together.
var secretPairs = []string{"api key", "access key", "secret key", "private key", "signing key", "encryption key", "auth key", "account key", "shared key",
	"card number", "credit card", "card no", "security code", "social security", "session id", "connection string"}

// secretScalars name a secret only where a text or a number stands under them: a card is often an object that holds no number.
var secretScalars = []string{"card", "auth", "pass", "pin", "pan", "sig", "iban"}

// secretName says whether what stands under a name is secret.
func secretName(name string) bool {
	all := words(name)
	for i, word := range all {
		if slices.Contains(secretWords, word) || i > 0 && slices.Contains(secretPairs, all[i-1]+" "+word) {
			return true
		}
	}
	return false
}

func secretScalar(name string) bool {
	all := words(name)
	return len(all) == 1 && slices.Contains(secretScalars, all[0])
}

// secretHeader says so of a header or a query's name. Signatures are among them: with its body and without a time one can be played again.
func secretHeader(name string) bool { return secretName(name) || secretScalar(name) }

// look is what keys and credentials of one kind look like.
type look struct {
	hints []string // a text without all of these has none: most texts are never searched
	re    *regexp.Regexp
}

func looksLike(re string, hints ...string) look { return look{hints, regexp.MustCompile(re)} }

const (
	bearerForm = `(?i:\bbearer )[A-Za-z0-9._~+/=-]{16,}`
	basicForm  = `(?i:\bbasic )[A-Za-z0-9+/]{8,}={1,2}` // without the padding it may be the name of a plan
)

// looks are the kinds that are known. A text that has one is hidden whole.
var looks = []look{
	looksLike(`\b[rs]k_live_[A-Za-z0-9]{8,}`, "k_live_"), // Stripe's keys, and our own
	looksLike(`\b[rs]k_test_[A-Za-z0-9]{8,}`, "k_test_"),
	looksLike(`\bwhsec_[A-Za-z0-9+/=_-]{8,}`, "whsec_"), // secrets of webhooks
	looksLike(`\bwhsk_[A-Za-z0-9+/=_-]{8,}`, "whsk_"),
	looksLike(`\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*`, "eyJ"),          // JSON Web Tokens
	looksLike(`-----BEGIN [A-Z0-9 ]*(?:PRIVATE KEY|CERTIFICATE)-----[^-]*`, "-----BEGIN "), // PEM
	looksLike(bearerForm, "earer "), looksLike(bearerForm, "EARER "),                       // RFC 6750
	looksLike(basicForm, "asic "), looksLike(basicForm, "ASIC "), // RFC 7617
	looksLike(`\bgh[opsur]_[A-Za-z0-9]{20,}`, "gh", "_"),
	looksLike(`\bgithub_pat_[A-Za-z0-9_]{20,}`, "github_pat_"),
	looksLike(`\bglpat-[A-Za-z0-9_-]{16,}`, "glpat-"),
	looksLike(`\bxox[abeoprs]-[A-Za-z0-9-]{10,}`, "xox"),
	looksLike(`\bxapp-[A-Za-z0-9-]{10,}`, "xapp-"),
	looksLike(`hooks\.slack\.com/(?:services|workflows|triggers)/\S+`, "hooks.slack.com/"),
	looksLike(`\bAKIA[A-Z0-9]{16}\b`, "AKIA"), looksLike(`\bASIA[A-Z0-9]{16}\b`, "ASIA"),
	looksLike(`\bAIza[A-Za-z0-9_-]{35}`, "AIza"), looksLike(`\bya29\.[A-Za-z0-9_-]{20,}`, "ya29."),
	looksLike(`\bshp(?:at|ss|ca|pa)_[a-fA-F0-9]{20,}`, "shp", "_"),
	looksLike(`\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`, "SG."),
	looksLike(`\bpat-[a-z]{2}[0-9]-[a-f0-9-]{30,}`, "pat-"),
	looksLike(`\bsk-(?:[a-z]+-)*[A-Za-z0-9_-]{20,}`, "sk-"),
	looksLike(`\bnpm_[A-Za-z0-9]{30,}`, "npm_"), looksLike(`\bhf_[A-Za-z0-9]{30,}`, "hf_"), looksLike(`\bdop_v1_[a-f0-9]{30,}`, "dop_v1_"),
	looksLike(`[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]{0,200}:[^\s/@]{1,200}@`, "://", "@"),                                                    // a password in a URL
	looksLike(`(?i)[?&](?:[a-z_-]*token|api[_-]?key|access[_-]?key|[a-z_-]*secret|sig|[a-z-]*signature|password|auth)=[^&\s\[]{6,}`, "="), // a secret in a query
	looksLike(`\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b`, "-"),                                                                                      // a US social security number
}

func (l *look) mayBeIn(s string) bool {
	for _, hint := range l.hints {
		if !strings.Contains(s, hint) {
			return false
		}
	}
	return true
}

// secretText says whether a text looks like a key, or has one in it. A whole PEM block is one by its first line.
func secretText(s string) bool {
	if len(s) < len("000-00-0000") {
		return false
	}
	for i := range looks {
		if looks[i].mayBeIn(s) && looks[i].re.MatchString(s) {
			return true
		}
	}
	from, _ := findCard(s, 0)
	return from >= 0
}

// findCard finds the next number of a card, perhaps in groups with a space or a dash between them; -1 for none.
func findCard(s string, at int) (from, to int) {
	for at < len(s) {
		if !isDigit(s, at) || at > 0 && (inName(s[at-1]) && s[at-1] != '-' && s[at-1] != '.') {
			at++
			continue
		}
		group := 0 // where the first group ends
		for count, end := 0, at; count <= 16; {
			for ; isDigit(s, end) && count <= 16; end++ {
				count++
			}
			if group == 0 {
				group = end
			}
			if (count == 15 || count == 16) && (end == len(s) || !inName(s[end]) || s[end] == '-' || s[end] == '.') && isCard(s[at:end]) {
				return at, end
			}
			if end+1 >= len(s) || s[end] != ' ' && s[end] != '-' || !isDigit(s, end+1) {
				break
			}
			end++
		}
		at = group
	}
	return -1, -1
}

func isDigit(s string, i int) bool { return i < len(s) && s[i] >= '0' && s[i] <= '9' }

// secretNumber says whether a JSON number is a card's.
func secretNumber(number []byte) bool {
	return len(number) >= 15 && len(number) <= 16 && isCard(string(number))
}

// isCard says whether digits are the number of a card of a large network: its first digits, its length and its check digit (ISO/IEC 7812). Other ids of 15 or 16
// digits pass by chance once in some hundreds.
func isCard(s string) bool {
	var buffer [16]byte
	digits := buffer[:0]
	for i := range len(s) {
		switch {
		case s[i] == ' ' || s[i] == '-':
		case !isDigit(s, i) || len(digits) == len(buffer):
			return false
		default:
			digits = append(digits, s[i])
		}
	}
	return ofNetwork(string(digits)) && checks(digits)
}

func ofNetwork(digits string) bool {
	switch len(digits) {
	case 15:
		return digits[0] == '3' && (digits[1] == '4' || digits[1] == '7')
	case 16:
		return digits[0] == '4' || digits >= "51" && digits < "56" || digits >= "2221" && digits < "2721" || strings.HasPrefix(digits, "6011") ||
			digits >= "644" && digits < "66" || digits >= "3528" && digits < "359"
	}
	return false
}

// checks says whether the last digit is the check digit of the others (ISO/IEC 7812, annex B).
func checks(digits []byte) bool {
	sum := 0
	for i, d := range digits {
		n := int(d - '0')
		if (len(digits)-i)%2 == 0 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}
