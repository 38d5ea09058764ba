package retry

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"signalbox"
)

// Peer says by whose rules an answer is read.
type Peer uint8

// The peers. An automation sends to several of them through one lane, so that none of theirs disables it.
const (
	Receiver   Peer = iota // of a registered webhook
	Action                 // whom an automation's webhook action asks
	Slack                  // an incoming webhook of Slack
	MailServer             // by SMTP: Status is its reply code (RFC 5321, section 4.2.1)
)

// maxSaid is how much of what a peer says is kept in an attempt's text, in runes.
const maxSaid = 200

// good says whether the answer is the success that the peer knows. Slack answers 200 and "ok", and so do those that imitate it, with other words: the status is
// what counts (contract section 12: any 2xx).
func (o *Outcome) good() bool { return o.Failure == "" && o.Status >= 200 && o.Status <= 299 }

// final says whether the answer is one that no further attempt can change.
//
//   - A webhook action is asked as a receiver is: 410 Gone ends it.
//   - Slack names in 4xx what is wrong with the message or with its address (invalid_payload, no_service, channel_is_archived); 408 and 429 are about the moment
//     (docs.slack.dev, Sending messages using incoming webhooks; Rate limits).
//   - A mail server says by 5yz that it will not take this message, by 4yz that it may later (RFC 5321, section 4.2.1).
func (o *Outcome) final() bool {
	if o.Failure != "" {
		return false
	}
	switch o.Peer {
	case Slack:
		return o.Status/100 == 4 && o.Status != http.StatusRequestTimeout && o.Status != http.StatusTooManyRequests
	case MailServer:
		return o.Status/100 == 5
	}
	return o.Status == http.StatusGone
}

// explainAnswer puts an answer that is no success into a word and a sentence.
func explainAnswer(o *Outcome) (word, text string) {
	who := "the receiver"
	switch o.Peer {
	case Slack:
		who = "Slack"
	case MailServer:
		word = "smtp_" + strconv.Itoa(o.Status)
		said := clip(strings.TrimPrefix(strings.TrimSpace(o.Said), strconv.Itoa(o.Status)))
		return word, join(word, strings.TrimSpace(fmt.Sprintf("the mail server answered %d %s", o.Status, said)))
	}
	word = "http_" + strconv.Itoa(o.Status)
	answer := strings.TrimSpace(fmt.Sprintf("%s answered %d %s", who, o.Status, http.StatusText(o.Status)))
	switch {
	case o.Peer == Slack:
		if said := clip(o.Said); said != "" {
			answer += ": " + said
		}
		if name := slackWord(o); name != "" {
			word = name
		}
	case o.Status == http.StatusGone && o.Peer == Receiver:
		answer += "; the webhook is disabled"
	}
	if o.Status/100 == 3 {
		answer += "; redirects are not followed"
	}
	return word, join(word, answer)
}

// ownWords are reasons that Signalbox alone gives: no answer may pass for one of them.
var ownWords = []string{
	signalbox.ReasonDisabled, signalbox.ReasonDeleted, signalbox.ReasonExpired, signalbox.ReasonPull, signalbox.ReasonRead, signalbox.ReasonErased,
	signalbox.ReasonManual, signalbox.ReasonNoMail, signalbox.ReasonRestored, signalbox.ReasonRecovered, ReasonCut, string(RefusedTarget), string(DNS),
	string(Connect), string(TLS), string(Timeout), string(ConnectionLost), string(ProtocolError), string(Unprepared),
}

// maxSlackWord is longer than any of the words that Slack documents (posting_to_general_channel_denied).
const maxSlackWord = 64

// slackWord is the word that Slack refuses a message with; "" where it says anything else, or the refusal is not final.
func slackWord(o *Outcome) string {
	word := strings.TrimSpace(o.Said)
	if !o.final() || word == "" || len(word) > maxSlackWord || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return ""
	}
	if slices.Contains(ownWords, word) || strings.HasPrefix(word, "http_") || strings.HasPrefix(word, "smtp_") {
		return ""
	}
	return word
}

// clip makes one line of what a peer says, and not a long one.
func clip(said string) string {
	said = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(said, "\uFFFD"), func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }), " ")
	if runes := []rune(said); len(runes) > maxSaid {
		return string(runes[:maxSaid-1]) + "…"
	}
	return said
}
