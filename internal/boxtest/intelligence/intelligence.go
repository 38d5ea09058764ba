// Package intelligence makes what a workspace that uses all of signal intelligence has defined, for benchmarks and for tests that hold the whole of it to its
// bounds: 20 score rules, 5 ICPs of 10 parameters, 10 personas of 10, and 50 audiences of which a signal touches 10.
package intelligence

import (
	"encoding/json"
	"fmt"

	"signalbox"
)

// Rules are 20 score rules, five of which are about the type "page_view".
func Rules() []signalbox.ScoreRule {
	list := make([]signalbox.ScoreRule, 20)
	for i := range list {
		r := &list[i]
		r.Name, r.Points, r.Type = fmt.Sprint("rule ", i), 1, fmt.Sprint("type_", i)
		if i%4 == 0 {
			r.Type = "page_*"
		}
		r.When = fmt.Sprintf(`properties.team_size > %d && signal.source == "website"`, 10*i)
	}
	return list
}

// Profiles are five ICPs, and ten personas.
func Profiles() (icps, personas []signalbox.Profile) {
	forms := []string{
		`account.attributes.employees >= %d`, `account.attributes.industry in ["SaaS", "Fintech", "%d"]`, `account.attributes.country == "DE" && account.score >= %d`,
		`contact.title.contains("VP") && !(properties.team_size > 1%d0)`, `properties.plan != "%d"`,
	}
	for i := range 15 {
		p := signalbox.Profile{Code: fmt.Sprint("profile ", i), Live: true, Version: 1}
		for j := range 10 {
			q := signalbox.Parameter{Name: fmt.Sprint(j), When: fmt.Sprintf(forms[(i+j)%len(forms)], i), Mode: signalbox.ModeScore, Weight: 1 + j, OnMissing: signalbox.MissingNeutral}
			if j < 2 {
				q.Mode, q.Weight = signalbox.ModeFilter, 0
			}
			p.Parameters = append(p.Parameters, q)
		}
		if i < 5 {
			icps = append(icps, p)
		} else {
			personas = append(personas, p)
		}
	}
	return icps, personas
}

// Audiences are 50, ready, of which a signal of the type "page_view" touches 10.
func Audiences() []signalbox.Audience {
	list := make([]signalbox.Audience, 50)
	for i := range list {
		a := &list[i]
		*a = signalbox.Audience{ID: signalbox.AudienceID(i + 1), Name: fmt.Sprint("audience ", i), Of: signalbox.AccountRecord, Ready: true}
		switch {
		case i < 5:
			a.Condition = fmt.Sprintf(`count(signals, "page_view", "%dd") >= 3`, 7+i)
		case i < 10:
			a.Condition = fmt.Sprintf(`within(last(signals, "page_view"), "%dd") && signals.context.team_size > %d`, 7+i, i)
		default:
			a.Condition = fmt.Sprintf(`signals.exists(s, s.type == "type_%d") && account.attributes.employees > %d`, i, i)
		}
	}
	return list
}

// Define gives a workspace's definitions all of it.
func Define(d *signalbox.Definitions) {
	d.Scoring.Rules = Rules()
	d.ICPs, d.Personas = Profiles()
	d.Audiences = Audiences()
}

// Definitions are the same as they are stored. next makes their ids.
func Definitions(ws signalbox.WorkspaceID, next func() int64) ([]signalbox.Definition, error) {
	var list []signalbox.Definition
	var bad error
	add := func(kind signalbox.DefinitionKind, id int64, code string, body any) {
		text, err := json.Marshal(body)
		if err != nil {
			bad = err
		}
		list = append(list, signalbox.Definition{ID: id, Workspace: ws, Kind: kind, Code: code, Body: text})
	}
	add(signalbox.DefinedScoring, int64(ws), "", signalbox.Scoring{Rules: Rules()})
	icps, personas := Profiles()
	for _, p := range icps {
		add(signalbox.DefinedICP, next(), p.Code, p)
	}
	for _, p := range personas {
		add(signalbox.DefinedPersona, next(), p.Code, p)
	}
	for _, a := range Audiences() {
		add(signalbox.DefinedAudience, next(), a.Name, a)
	}
	return list, bad
}

// Attributes are those of an account that the profiles fit.
const Attributes = `{"employees":120,"industry":"SaaS","country":"DE","plan":"pro"}`

// Signal is the nth signal of one of so many people, who are one of five companies' each hundred.
func Signal(n, people int) signalbox.SignalInput {
	who := n % people
	domain := fmt.Sprintf("company%d.com", who/5)
	return signalbox.SignalInput{
		Type: "page_view", Source: "website", Account: signalbox.AccountInput{Domain: domain, Attributes: []byte(Attributes)},
		Contact:    signalbox.ContactInput{Email: fmt.Sprintf("person%d@%s", who, domain), Title: "VP Engineering"},
		Properties: []byte(fmt.Sprintf(`{"team_size":%d,"plan":"pro","url":"https://www.example.com/pricing"}`, n%200)),
	}
}
