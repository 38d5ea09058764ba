package api

import (
	"context"
	"fmt"
	"time"

	"signalbox"
)

// mailWithin is how long a request waits for the mail server: whoever made it can hand the link over himself.
const mailWithin = 5 * time.Second

// mailLink mails a one-time link to its member, and says whether the mail server has taken it. The link is nowhere but in the mail and in the answer.
func (a *API) mailLink(c *call, m *signalbox.Member, l signalbox.Link, url string) bool {
	if a.cfg.Mail == nil {
		return false
	}
	subject, body := linkLetter(l, url)
	ctx, cancel := context.WithTimeout(c.r.Context(), mailWithin)
	defer cancel()
	err := a.cfg.Mail(ctx, signalbox.Mail{ID: signalbox.MailID(a.cfg.IDs.Next(c.now)), Workspace: c.ws(), To: m.Email, Subject: subject, Body: body, CreatedAt: c.now})
	if err != nil {
		a.cfg.Log.WarnContext(ctx, "mail.failed", "subject", subject, "err", err)
	}
	return err == nil
}

func linkLetter(l signalbox.Link, url string) (subject, body string) {
	until := l.ExpiresAt.UTC().Format("2 January 2006, 15:04 UTC")
	if l.Kind == signalbox.LinkInvite {
		return "You are invited to Signalbox", fmt.Sprintf("You are invited to Signalbox. Choose a password here:\n\n%s\n\nThe link works once, until %s.\n", url, until)
	}
	return "Set another password for Signalbox",
		fmt.Sprintf("Somebody who administers Signalbox made you a link to set another password:\n\n%s\n\nIt works once, until %s. The password that you have works until then.\n", url, until)
}
