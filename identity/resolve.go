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
	names := fields{domain: "account.domain", email: "contact.email", linkedIn: "contact.linkedin_url"}
	s, _, err := resolve(rules, in.Account.Domain, in.Contact.Email, in.Contact.LinkedInURL, names)
	if err != nil {
		return Subject{}, err
	}
	s.AccountName, s.FirstName, s.LastName, s.Title = in.Account.Name, in.Contact.FirstName, in.Contact.LastName, in.Contact.Title
	return s, nil
}

// ResolveAccount says which account a row of an import is about, as a signal's account.domain does. A mailbox provider's domain is
// refused: nothing else in the row says whom it means. The errors are of Param domain.
func ResolveAccount(rules *Rules, row signalbox.AccountRow) (Subject, error) {
	if row.Domain == "" {
		return Subject{}, signalbox.InvalidField("domain", "domain is required: accounts are known by it, such as acme.com")
	}
	s, named, err := resolve(rules, row.Domain, "", "", fields{domain: "domain"})
	if err == nil && !named {
		return Subject{}, signalbox.InvalidField("domain", "domain: %q is a mailbox provider's, not a company's; send one such as acme.com", clip(row.Domain))
	}
	return s, err
}

// ResolveContact says which contact and account a row of an import is about, as a signal does; named says that account_domain told
// the account. The errors are of Params email, linkedin_url and account_domain.
func ResolveContact(rules *Rules, row signalbox.ContactRow) (s Subject, named bool, err error) {
	if row.Email == "" && row.LinkedInURL == "" {
		return Subject{}, false, signalbox.InvalidField("email", "email or linkedin_url is required: contacts are known by them")
	}
	return resolve(rules, row.AccountDomain, row.Email, row.LinkedInURL, fields{domain: "account_domain", email: "email", linkedIn: "linkedin_url"})
}

// fields are what the fields that name a company and a person are called where they were sent.
type fields struct{ domain, email, linkedIn string }

// resolve normalises what names a company and a person; "" is what was not given. named says that the domain told the account.
func resolve(rules *Rules, domain, email, profile string, names fields) (s Subject, named bool, err error) {
	var mail string
	if domain != "" {
		if s.AccountDomain, err = rules.explicit(domain); err != nil {
			return Subject{}, false, at(names.domain, err)
		}
	}
	if email != "" {
		if s.Email, s.EmailMatch, mail, err = Email(email); err != nil {
			return Subject{}, false, at(names.email, err)
		}
	}
	if profile != "" {
		if s.LinkedIn, err = LinkedIn(profile); err != nil {
			return Subject{}, false, at(names.linkedIn, err)
		}
	}
	named = s.AccountDomain != ""
	if !named && mail != "" {
		s.AccountDomain = rules.inferred(mail)
	}
	return s, named, nil
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
