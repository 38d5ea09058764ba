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

// looks are what keys and credentials of known kinds look like. A text that has one is hidden whole.
var looks = regexp.MustCompile(strings.Join([]string{
	`\b[rs]k_(?:live|test)_[A-Za-z0-9]{8,}`,                     // Stripe's keys, and our own
	`\bwh(?:sec|sk)_[A-Za-z0-9+/=_-]{8,}`,                       // secrets of webhooks
	`\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*`, // JSON Web Tokens
	`-----BEGIN [A-Z0-9 ]*(?:PRIVATE KEY|CERTIFICATE)-----`,     // PEM
	`(?i:\bbearer )[A-Za-z0-9._~+/=-]{16,}`,                     // RFC 6750
	`(?i:\bbasic )[A-Za-z0-9+/]{8,}={1,2}`,                      // RFC 7617; without the padding it may be the name of a plan
	`\bgh[opsur]_[A-Za-z0-9]{20,}`, `\bgithub_pat_[A-Za-z0-9_]{20,}`, `\bglpat-[A-Za-z0-9_-]{16,}`,
	`\bxox[abeoprs]-[A-Za-z0-9-]{10,}`, `\bxapp-[A-Za-z0-9-]{10,}`, `hooks\.slack\.com/(?:services|workflows|triggers)/\S+`,
	`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`, `\bAIza[A-Za-z0-9_-]{35}`, `\bya29\.[A-Za-z0-9_-]{20,}`,
	`\bsh(?:pat|pss|pca|ppa)_[a-fA-F0-9]{20,}`, `\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`, `\bpat-[a-z]{2}[0-9]-[a-f0-9-]{30,}`,
	`\bsk-(?:[a-z]+-)*[A-Za-z0-9_-]{20,}`, `\bnpm_[A-Za-z0-9]{30,}`, `\bhf_[A-Za-z0-9]{30,}`, `\bdop_v1_[a-f0-9]{30,}`,
	`[a-z][a-z0-9+.-]*://[^\s/:@]{0,200}:[^\s/@]{1,200}@`,                                                                 // a password in a URL
	`(?i)[?&](?:[a-z_-]*token|api[_-]?key|access[_-]?key|[a-z_-]*secret|sig|[a-z-]*signature|password|auth)=[^&\s\[]{6,}`, // a secret in a query
	`\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b`,                                                                                      // a US social security number
}, "|"))

// cards are what may be the number of a card: 13 to 19 digits, perhaps in groups.
var cards = regexp.MustCompile(`\b[0-9](?:[ -]?[0-9]){12,18}\b`)

// secretText says whether a text looks like a key, or has one in it. A whole PEM block is one by its first line.
func secretText(s string) bool {
	if len(s) < len("000-00-0000") {
		return false
	}
	return looks.MatchString(s) || slices.ContainsFunc(cards.FindAllString(s, -1), isCard)
}

// secretNumber says whether a JSON number is a card's.
func secretNumber(number []byte) bool {
	return len(number) >= 15 && len(number) <= 16 && isCard(string(number))
}

// isCard says whether digits are the number of a card of a large network: its first digits, its length and its check digit (ISO/IEC 7812). Other ids of 15 or 16
// digits pass by chance once in some hundreds.
func isCard(s string) bool {
	digits := strings.NewReplacer(" ", "", "-", "").Replace(s)
	known := false
	switch {
	case strings.Trim(digits, "0123456789") != "":
	case len(digits) == 15:
		known = digits[0] == '3' && (digits[1] == '4' || digits[1] == '7')
	case len(digits) == 16:
		known = digits[0] == '4' || digits >= "51" && digits < "56" || digits >= "2221" && digits < "2721" || strings.HasPrefix(digits, "6011") ||
			digits >= "644" && digits < "66" || digits >= "3528" && digits < "359"
	}
	if !known {
		return false
	}
	sum := 0
	for i := range len(digits) {
		n := int(digits[i] - '0')
		if (len(digits)-i)%2 == 0 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}
