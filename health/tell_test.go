package health

import (
	"strings"
	"testing"
	"time"

	"signalbox"
)

// An automation's lane is none of the webhooks that administrators know: they are written of the automation, and led to it.
func TestLetter_OfWhatAnAutomationSendsNamesTheAutomation(t *testing.T) {
	t.Parallel()
	codec, now := signalbox.NewCodec([16]byte{1}), time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	lane := signalbox.Webhook{ID: 9101, Kind: signalbox.KindAction, Label: "Notify\r\nBcc: eve@example.com sales"}
	hook := signalbox.Webhook{ID: 9102, Kind: signalbox.KindPush, Label: "CRM"}
	teller := teller{codec: codec, now: now, workspace: &signalbox.Workspace{Name: "Acme"}, url: "https://box.example"}
	for _, c := range []struct {
		name    string
		about   *signalbox.Webhook
		kind    signalbox.NoticeKind
		reason  string
		subject string // ends so; "": nobody is written
		link    string
	}{
		{"failing", &lane, signalbox.NoticeFailing, "", "is failing", "/automations/" + codec.Format(signalbox.KindAutomation, 9101)},
		{"recovered", &lane, signalbox.NoticeRecovered, "", "arrives again", "/automations/" + codec.Format(signalbox.KindAutomation, 9101)},
		{"disabled", &lane, signalbox.NoticeDisabled, signalbox.ReasonFailing, "sends nothing any more", "/automations/" + codec.Format(signalbox.KindAutomation, 9101)},
		{"disabled by hand", &lane, signalbox.NoticeDisabled, "manual", "", ""},
		{"one delivery failed", &lane, signalbox.NoticeFailed, "http_404", "", ""},
		{"a webhook is failing", &hook, signalbox.NoticeFailing, "", "Webhook CRM is failing", "/settings/webhooks/" + codec.Format(signalbox.KindWebhook, 9102)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			subject, body := teller.letter(&signalbox.Told{About: c.about, Notice: signalbox.Notice{Kind: c.kind, Webhook: c.about.ID, Reason: c.reason, Since: now, At: now}})
			if c.subject == "" {
				if subject != "" || body != "" {
					t.Errorf("written %q\n%s", subject, body)
				}
				return
			}
			if !strings.HasPrefix(subject, "[Acme] ") || !strings.HasSuffix(subject, c.subject) || !strings.Contains(body, "\nhttps://box.example"+c.link+"\n") {
				t.Errorf("written %q\n%s", subject, body)
			}
			if strings.ContainsAny(subject, "\r\n") || c.about == &lane && strings.Contains(body, "webhook") {
				t.Errorf("written %q\n%s", subject, body)
			}
		})
	}
}
