package identity

import (
	"errors"

	"signalbox"
)

// Subject says which account and which contact an input is about, by the keys that they are known by.
type Subject struct {
	AccountDomain string // registrable, aliases followed; "" for none
	AccountName   string // for a new account or one without a name (S0-17)

	Email      string // as given; "" for none
	EmailMatch string // what addresses are matched by
	LinkedIn   string // linkedin.com/in/<slug>; "" for none
	FirstName  string
	LastName   string
	Title      string
}

// Resolve says whom a signal is about (contract section 5). An explicit account.domain wins for the signal's account, unless it
// is a mailbox provider's, which counts as not given; then the e-mail's domain tells, unless that is one's. rules are the
// workspace's. The errors are of Params account.domain, contact.email and contact.linkedin_url.
func Resolve(rules *Rules, in signalbox.SignalInput) (Subject, error) {
	s := Subject{
		AccountName: in.Account.Name,
		FirstName:   in.Contact.FirstName,
		LastName:    in.Contact.LastName,
		Title:       in.Contact.Title,
	}
	var mail string
	var err error
	if in.Account.Domain != "" {
		if s.AccountDomain, err = rules.explicit(in.Account.Domain); err != nil {
			return Subject{}, at("account.domain", err)
		}
	}
	if in.Contact.Email != "" {
		if s.Email, s.EmailMatch, mail, err = Email(in.Contact.Email); err != nil {
			return Subject{}, at("contact.email", err)
		}
	}
	if in.Contact.LinkedInURL != "" {
		if s.LinkedIn, err = LinkedIn(in.Contact.LinkedInURL); err != nil {
			return Subject{}, at("contact.linkedin_url", err)
		}
	}
	if s.AccountDomain == "" && mail != "" {
		s.AccountDomain = rules.inferred(mail)
	}
	return s, nil
}

// explicit returns the account's domain for what was sent as account.domain, "" when it is a mailbox provider's.
func (r *Rules) explicit(raw string) (string, error) {
	host, err := asciiHost(hostOf(raw))
	if err != nil {
		return "", err
	}
	if r.IsMailbox(host) {
		return "", nil
	}
	domain, err := registrable(host)
	if err != nil {
		return "", err
	}
	return r.Account(domain), nil
}

// inferred returns the account's domain for the host of an e-mail, "" when the host tells nothing about a company.
func (r *Rules) inferred(host string) string {
	if r.IsMailbox(host) {
		return ""
	}
	domain, err := registrable(host)
	if err != nil {
		return "" // a private suffix: Email refuses every other host that has no registrable domain
	}
	return r.Account(domain)
}

// at names the field that a refusal is about.
func at(param string, err error) error {
	var e *signalbox.Error
	if !errors.As(err, &e) {
		return err
	}
	return signalbox.InvalidField(param, "%s: %s", param, e.Msg)
}
