package decide

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"signalbox"
	"signalbox/score"
)

// declared refuses a type that the capture door does not know, or that is disabled (S3-6).
func (c *Compiled) declared(typ string) error {
	settings, ok := c.Definitions.Settings[typ]
	if ok && settings.Disabled {
		return &signalbox.Error{
			Code: signalbox.UnknownSignalType, Param: "signal_type",
			Msg: "signal_type: " + strconv.Quote(typ) + " is disabled in this workspace: enable it under Signals, or send another type",
		}
	}
	if _, builtin := score.Shipped()[typ]; ok || builtin {
		return nil
	}
	known := slices.AppendSeq(slices.Collect(maps.Keys(c.Definitions.Settings)), maps.Keys(score.Shipped()))
	slices.Sort(known)
	msg := "signal_type: no type " + strconv.Quote(typ) + " is declared in this workspace"
	if near := signalbox.Near(typ, slices.Compact(known)); len(near) > 0 {
		msg += "; did you mean " + strings.Join(near, " or ") + "?"
	} else {
		msg += "; declare it under Signals, + Add, Custom signal"
	}
	return &signalbox.Error{Code: signalbox.UnknownSignalType, Param: "signal_type", Msg: msg}
}

// asCapture words a refusal of the subject as the capture door names its fields.
func asCapture(err error) error {
	var e *signalbox.Error
	if !errors.As(err, &e) {
		return err
	}
	for _, one := range [][2]string{{"account.domain", "identity.company_domain"}, {"contact.email", "identity.email"}, {"contact.linkedin_url", "identity.linkedin_url"}} {
		if e.Param == one[0] {
			renamed := *e
			renamed.Param, renamed.Msg = one[1], strings.ReplaceAll(e.Msg, one[0], one[1])
			return &renamed
		}
	}
	return err
}

// captureKey is by what a capture is known: its idempotency key, which makes it one of its own, or what it says (S3-26), as it was normalised.
func captureKey(p *Prepared) signalbox.AnswerKey {
	s := p.Input.Signal
	if s.IdempotencyKey != "" {
		return answerKey(p.Workspace, "key\x00"+s.IdempotencyKey)
	}
	return answerKey(p.Workspace, strings.Join([]string{
		"capture", s.Type, s.Source, p.subject.EmailMatch, p.subject.LinkedIn, p.subject.AccountDomain, strconv.FormatInt(s.OccurredAt.UnixMicro(), 10),
	}, "\x00"))
}

// recapture answers a capture that came before: with its ids, and the qualification of its record as it now stands. It counts against the limits as any
// other one.
func (f *fold) recapture(in *Prepared) (signalbox.Receipt, error, bool) {
	if in.capture == (signalbox.AnswerKey{}) {
		return signalbox.Receipt{}, nil, false
	}
	first, ok := f.now.Captures[in.capture]
	if !ok {
		return signalbox.Receipt{}, nil, false
	}
	quota, err := f.count(in)
	if err != nil {
		return signalbox.Receipt{}, err, true
	}
	r := signalbox.Receipt{ID: first.Signal, Type: in.Signal.Type, Source: in.Signal.Source, Account: first.Account, Contact: first.Contact, Replayed: true, Quota: quota}
	var lead signalbox.Record
	if c := f.now.Contacts[first.Contact]; c != nil {
		top := f.topContact(c)
		r.Contact, lead = top.ID, top
	}
	if a := f.now.Accounts[first.Account]; a != nil {
		top := f.topAccount(a)
		if r.Account = top.ID; lead == nil {
			lead = top
		}
	}
	short := signalbox.Qualified{}
	if lead != nil {
		short = f.follows(lead).short
	}
	if !in.By.holds(in.Signal.Type) || lead != nil && f.follows(lead).judged != 0 {
		r.Qualified = &short
	}
	return r, nil, true
}

// captured remembers by what a capture is known.
func (f *fold) captured(in *Prepared, s *signalbox.Signal) {
	if in.capture == (signalbox.AnswerKey{}) {
		return
	}
	c := signalbox.Capture{Key: in.capture, Signal: s.ID, Account: s.Account, Contact: s.Contact}
	f.now.Captures[in.capture] = c
	f.out.Captures = append(f.out.Captures, c)
}
