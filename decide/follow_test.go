package decide_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/decide"
)

// applyFollowing saves what a decision says of qualifications, audiences and captures.
func (w *world) applyFollowing(d *signalbox.Decision) {
	w.t.Helper()
	for _, c := range d.Captures {
		if _, taken := w.captures[c.Key]; taken {
			w.t.Fatalf("capture key %v given twice", c.Key)
		}
		w.captures[c.Key] = c
	}
	for _, q := range d.Qualified {
		if q.Body == nil {
			delete(w.fits, q.Entity)
			continue
		}
		w.fits[q.Entity] = w.readFit(&q)
	}
	for _, m := range d.Moves {
		in := w.members[m.Audience]
		if in == nil {
			in = map[signalbox.EntityID]bool{}
			w.members[m.Audience] = in
		}
		if in[m.Entity] == m.Entered {
			w.t.Fatalf("record %d moves where it is: %+v", m.Entity, m)
		}
		if in[m.Entity] = m.Entered; !m.Entered {
			delete(in, m.Entity)
		}
	}
	for _, s := range d.Stirred {
		w.stirred = append(w.stirred, s.Account)
	}
}

// readFit reads what is kept of a qualification in the words of the profiles in force.
func (w *world) readFit(q *signalbox.Qualification) signalbox.Fit {
	w.t.Helper()
	var kept struct{ ICPs, Personas []signalbox.Judged }
	if err := json.Unmarshal(q.Body, &kept); err != nil {
		w.t.Fatal(err)
	}
	read := func(list []signalbox.Judged, profiles []signalbox.Profile) (out []signalbox.ProfileVerdict) {
		for i := range list {
			at := slices.IndexFunc(profiles, func(p signalbox.Profile) bool { return p.Code == list[i].Code && p.Version == list[i].Version })
			if at < 0 {
				w.t.Fatalf("it names %q in version %d, which is not in force", list[i].Code, list[i].Version)
			}
			out = append(out, list[i].Verdict(&profiles[at]))
		}
		return out
	}
	d := &w.defs
	return signalbox.Fit{
		ICP: q.Short.ICP, ICPScore: q.Short.ICPScore, Persona: q.Short.Persona, PersonaScore: q.Short.PersonaScore, At: q.At,
		ICPs: read(kept.ICPs, d.ICPs), Personas: read(kept.Personas, d.Personas),
	}
}

func (w *world) in(a signalbox.AudienceID) []signalbox.EntityID {
	return slices.Sorted(maps.Keys(w.members[a]))
}

// qualifying is a workspace with an ICP on the company and what it does, and a persona on the person.
func qualifying(t *testing.T) *world {
	w := newWorld(t)
	w.change(func(d *signalbox.Definitions) {
		d.ICPs = []signalbox.Profile{{Code: "Mid-market SaaS", Live: true, Version: 1, Parameters: []signalbox.Parameter{
			{Name: "size", When: "account.attributes.employees > 50", Mode: signalbox.ModeFilter, OnMissing: signalbox.MissingFail},
			{Name: "industry", When: `account.attributes.industry == "SaaS"`, Mode: signalbox.ModeScore, Weight: 3, OnMissing: signalbox.MissingNeutral},
			{Name: "team", When: "count(signals, 'invited', '30d') >= 2", Mode: signalbox.ModeScore, Weight: 1, OnMissing: signalbox.MissingNeutral},
		}}}
		d.Personas = []signalbox.Profile{{Code: "VP", Live: true, Version: 1, Parameters: []signalbox.Parameter{
			{Name: "title", When: `contact.title.startsWith("VP")`, Mode: signalbox.ModeScore, Weight: 1, OnMissing: signalbox.MissingNeutral},
		}}}
	})
	hook := subscriber(signalbox.FormatStandard)
	hook.Events = []string{"signal.qualified", "audience.*"}
	w.webhook(hook)
	return w
}

// capture is one of S3-14's kind, by Jane of Acme.
func capture(typ string, at time.Time) signalbox.SignalInput {
	return signalbox.SignalInput{
		Type: typ, Source: "product", OccurredAt: at, Capture: true, Account: signalbox.AccountInput{Domain: "acme.com"},
		Contact: signalbox.ContactInput{Email: "Jane@acme.com", Title: "VP Engineering"}, Properties: []byte(`{"team_size":12}`),
	}
}

func declare(w *world, typ string, s signalbox.TypeSettings) {
	w.change(func(d *signalbox.Definitions) {
		d.Settings = maps.Clone(d.Settings)
		if d.Settings == nil {
			d.Settings = map[string]signalbox.TypeSettings{}
		}
		d.Settings[typ] = s
	})
}

// qualifiedLines are the qualifications that were told of, in short.
func (w *world) followed() (list []string) {
	for _, e := range w.events {
		var body struct {
			Type string
			Data struct {
				Qualification *struct {
					ICP     *string `json:"icp_code"`
					Score   *int    `json:"icp_score"`
					Persona *string `json:"persona_code"`
				}
				Audience *struct{ Name, Entity string }
				Record   string `json:"matched_record_id"`
			}
		}
		if err := json.Unmarshal(e.Bodies.Standard, &body); err != nil {
			w.t.Fatal(err)
		}
		if a := body.Data.Audience; a != nil {
			list = append(list, fmt.Sprintf("%s %s %s", body.Type, a.Name, a.Entity))
		} else if q := body.Data.Qualification; q != nil {
			persona := "nobody"
			if q.Persona != nil {
				persona = *q.Persona
			}
			list = append(list, fmt.Sprintf("%s %s %d %s", body.Type, *q.ICP, *q.Score, persona))
		}
	}
	w.events = nil
	return list
}

// proves contract section 7, S3-17 and S3-31: the answer holds the qualification, and whenever the record fits that is told
func TestQualify_ACaptureIsAnsweredWithWhatItsRecordFits(t *testing.T) {
	t.Parallel()
	w := qualifying(t)
	declare(w, "invited", signalbox.TypeSettings{Label: "Invited"})
	r := w.signal(capture("invited", w.now))
	if diff := cmp.Diff(&signalbox.Qualified{}, r.Qualified); diff != "" || w.followed() != nil {
		t.Errorf("nothing is known of the company, and it is %+v", r.Qualified)
	}
	if out := w.turn(decide.Input{Account: &decide.AccountAct{ID: r.Account, Patch: signalbox.AccountPatch{Attributes: []byte(`{"employees":80,"industry":"SaaS"}`)}}})[0]; out.Err != nil {
		t.Fatal(out.Err)
	}
	if got := w.fits[signalbox.EntityID(r.Account)]; got.ICP != "Mid-market SaaS" || got.ICPScore != 75 || w.followed() != nil {
		t.Errorf("after the patch the company is %+v", got)
	}
	r = w.signal(capture("invited", w.now.Add(-time.Minute)))
	if diff := cmp.Diff(&signalbox.Qualified{ICP: "Mid-market SaaS", ICPScore: 100, Persona: "VP", PersonaScore: 100}, r.Qualified); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"signal.qualified Mid-market SaaS 100 VP"}, w.followed()); diff != "" {
		t.Error(diff)
	}
	company, person := w.fits[signalbox.EntityID(r.Account)], w.fits[signalbox.EntityID(r.Contact)]
	if company.Persona != "" || company.ICPScore != 100 || person.Persona != "VP" || len(person.ICPs[0].Says) != 3 {
		t.Errorf("kept are %+v and %+v", company, person)
	}
}

// A record is qualified anew when somebody asks, or when a job has marked it: by what its last signal says, and nobody is told.
func TestQualify_AgainByTheLastSignal(t *testing.T) {
	t.Parallel()
	w := qualifying(t)
	w.change(func(d *signalbox.Definitions) {
		d.ICPs = []signalbox.Profile{{Code: "Large teams", Live: true, Version: 1, Parameters: []signalbox.Parameter{
			{Name: "team", When: "properties.team_size > 10", Mode: signalbox.ModeScore, Weight: 1, OnMissing: signalbox.MissingNeutral},
		}}}
	})
	r := w.signal(capture("form_submit", w.now))
	acc, con := signalbox.EntityID(r.Account), signalbox.EntityID(r.Contact)
	w.followed()
	w.change(func(d *signalbox.Definitions) {
		d.ICPs = []signalbox.Profile{d.ICPs[0]}
		d.ICPs[0].Code, d.ICPs[0].Version = "Teams", 2
	})
	scorer, err := decide.NewScorer(&w.defs)
	if err != nil {
		t.Fatal(err)
	}
	state := w.states[con]
	kept, err := scorer.Restand(signalbox.Kept{Standing: state.Standing, Following: state.Following}, nil, signalbox.Rescoring{Fit: true})
	if err != nil {
		t.Fatal(err)
	}
	state.Standing, state.Following = kept.Standing, kept.Following
	w.states[con] = state
	last := &w.signals[0]
	w.turn(decide.Input{Due: con, Last: last})
	w.turn(decide.Input{Due: acc, Last: last})
	if got := w.fits[con]; got.ICP != "Teams" || got.Persona != "VP" || w.fits[acc].ICP != "Large teams" || w.followed() != nil {
		t.Errorf("the contact is %+v, and the account, which nobody marked, %+v", got, w.fits[acc])
	}
	w.turn(decide.Input{Due: acc, Last: last, Refit: true})
	if got := w.fits[acc]; got.ICP != "Teams" || got.Persona != "" || w.followed() != nil {
		t.Errorf("the account is %+v", got)
	}
}

// proves S3-26 and S3-27
func TestCapture_TheSameEventTwiceIsOne(t *testing.T) {
	t.Parallel()
	w := qualifying(t)
	declare(w, "invited", signalbox.TypeSettings{})
	first := w.signal(capture("invited", w.now))
	same := capture("invited", w.now)
	same.Contact.Email, same.Properties = "jane@ACME.com", nil
	for _, again := range []signalbox.Receipt{w.signal(same), w.signal(capture("invited", w.now))} {
		if again.ID != first.ID || !again.Replayed || again.Contact != first.Contact || len(w.signals) != 1 {
			t.Errorf("again it is %+v, and there are %d", again, len(w.signals))
		}
	}
	w.turn(decide.Input{Account: &decide.AccountAct{ID: first.Account, Patch: signalbox.AccountPatch{Attributes: []byte(`{"employees":80,"industry":"SaaS"}`)}}})
	if again := w.signal(same); again.Qualified == nil || again.Qualified.ICP != "" {
		t.Errorf("a persona is judged with the next signal, and it stands at %+v", again.Qualified)
	}
	forced := capture("invited", w.now)
	forced.IdempotencyKey = "once more"
	second := w.signal(forced)
	if third := w.signal(forced); second.Replayed || second.ID == first.ID || third.ID != second.ID || !third.Replayed {
		t.Errorf("with a key of its own it is %+v, and again %+v", second, third)
	}
	twins := w.turn(decide.Input{Signal: ptr(capture("invited", w.now.Add(time.Second)))}, decide.Input{Signal: ptr(capture("invited", w.now.Add(time.Second)))})
	if a, b := twins[0].Receipt, twins[1].Receipt; a.Replayed || !b.Replayed || a.ID != b.ID {
		t.Errorf("two of one turn are %+v and %+v", a, b)
	}
	for name, differs := range map[string]func(*signalbox.SignalInput){
		"source": func(in *signalbox.SignalInput) { in.Source = "crm" },
		"time":   func(in *signalbox.SignalInput) { in.OccurredAt = in.OccurredAt.Add(time.Microsecond) },
		"person": func(in *signalbox.SignalInput) { in.Contact.Email = "joe@acme.com" },
		"type":   func(in *signalbox.SignalInput) { in.Type = "page_view" },
	} {
		in := capture("invited", w.now)
		if differs(&in); w.signal(in).Replayed {
			t.Errorf("another %s is the same capture", name)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// proves S3-6, S3-20, C30: the type must be declared and enabled; the built-in ones are
func TestCapture_TheTypeMustBeDeclaredAndEnabled(t *testing.T) {
	t.Parallel()
	w := qualifying(t)
	declare(w, "custom_event", signalbox.TypeSettings{})
	declare(w, "old_event", signalbox.TypeSettings{Disabled: true})
	for typ, says := range map[string]string{"custom_evnt": "did you mean custom_event?", "old_event": "is disabled", "zzzzzzzzzzzz": "declare it under Signals"} {
		err := w.try(capture(typ, w.now)).Err
		if e, ok := err.(*signalbox.Error); !ok || e.Code != signalbox.UnknownSignalType || e.Param != "signal_type" || !strings.Contains(e.Msg, says) {
			t.Errorf("%s: %v", typ, err)
		}
	}
	for _, typ := range []string{"custom_event", "meeting_booked"} {
		if out := w.try(capture(typ, w.now)); out.Err != nil {
			t.Errorf("%s: %v", typ, out.Err)
		}
	}
	other := capture("never_declared", w.now)
	if other.Capture = false; w.try(other).Err != nil {
		t.Error("the other door takes any type")
	}
}

// proves S3-19, S3-24, V-20
func TestCapture_AHeldTypeLeavesItsRecordUnqualified(t *testing.T) {
	t.Parallel()
	w := qualifying(t)
	declare(w, "held", signalbox.TypeSettings{Held: true})
	in := capture("held", w.now)
	in.Account.Attributes = []byte(`{"employees":80,"industry":"SaaS"}`)
	r := w.signal(in)
	if r.Qualified != nil || !w.signals[0].Held || len(w.fits) != 0 || w.followed() != nil {
		t.Errorf("held it is %+v", r)
	}
	if again := w.signal(in); again.Qualified != nil || !again.Replayed {
		t.Errorf("again it is %+v", again)
	}
}

func audiences(w *world, list ...signalbox.Audience) {
	w.change(func(d *signalbox.Definitions) {
		for i := range list {
			list[i].ID = signalbox.AudienceID(i + 1)
		}
		d.Audiences = list
	})
}

// proves contract section 9: membership follows each signal in its own commit, and time by timers
func TestAudience_RecordsEnterBySignalsAndLeaveInTime(t *testing.T) {
	t.Parallel()
	w := qualifying(t)
	audiences(w,
		signalbox.Audience{Name: "Active", Of: signalbox.AccountRecord, Condition: `within(last(signals, "page_view"), "14d")`, Ready: true},
		signalbox.Audience{Name: "Warm people", Of: signalbox.ContactRecord, Condition: `contact.score >= 25 && account.attributes.plan == "pro"`, Ready: true},
		signalbox.Audience{Name: "Being filled", Of: signalbox.AccountRecord, Condition: `signals.type == "page_view"`},
	)
	r := w.signal(person("jane@acme.com"))
	acc, con := signalbox.EntityID(r.Account), signalbox.EntityID(r.Contact)
	if diff := cmp.Diff([]string{"audience.entered Active account"}, w.followed()); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(w.in(1), []signalbox.EntityID{acc}) || !slices.Equal(w.in(3), []signalbox.EntityID{acc}) || len(w.in(2)) != 0 {
		t.Errorf("members are %v", w.members)
	}
	booked := person("jane@acme.com")
	booked.Type, booked.Account.Attributes = "meeting_booked", []byte(`{"plan":"pro"}`)
	w.signal(booked)
	if diff := cmp.Diff([]string{"audience.entered Warm people contact"}, w.followed()); diff != "" || !slices.Equal(w.in(2), []signalbox.EntityID{con}) {
		t.Error(diff, w.members)
	}
	w.turn(decide.Input{Account: &decide.AccountAct{ID: r.Account, Patch: signalbox.AccountPatch{Attributes: []byte(`{"plan":"free"}`)}}})
	if !slices.Equal(w.stirred, []signalbox.AccountID{r.Account, r.Account, r.Account}) && len(w.stirred) == 0 {
		t.Errorf("the contacts of %v are looked at", w.stirred)
	}
	w.turn(decide.Input{Due: con})
	if diff := cmp.Diff([]string{"audience.left Warm people contact"}, w.followed()); diff != "" {
		t.Error(diff)
	}
	for range 10 {
		if w.fire(acc); len(w.in(1)) == 0 {
			break
		}
	}
	if diff := cmp.Diff([]string{"audience.left Active account"}, w.followed()); diff != "" {
		t.Error(diff)
	}
	if after := w.now.Sub(w.signals[0].OccurredAt); after < 14*24*time.Hour || after > 14*24*time.Hour+time.Second {
		t.Errorf("it left after %s", after)
	}
}

// proves contract section 9: right after merge and undo; erasing takes a record out
func TestAudience_FollowsMergesAndErasure(t *testing.T) {
	t.Parallel()
	w := qualifying(t)
	audiences(w, signalbox.Audience{Name: "Two views", Of: signalbox.AccountRecord, Condition: `count(signals, "page_view", "30d") >= 2`, Ready: true})
	one, two := about("page_view"), about("page_view")
	two.Account.Domain = "acme.de"
	from, into := signalbox.EntityID(w.signal(one).Account), signalbox.EntityID(w.signal(two).Account)
	m := w.turn(decide.Input{Merge: &decide.MergeAct{Deed: decide.MergeNow, Kind: signalbox.AccountRecord, From: from, Into: into}})[0]
	if diff := cmp.Diff([]string{"audience.entered Two views account"}, w.followed()); diff != "" || !slices.Equal(w.in(1), []signalbox.EntityID{into}) || m.Err != nil {
		t.Error(diff, w.members, m.Err)
	}
	w.turn(decide.Input{Merge: &decide.MergeAct{Deed: decide.MergeUndo, ID: m.Merge.ID}})
	if diff := cmp.Diff([]string{"audience.left Two views account"}, w.followed()); diff != "" || len(w.in(1)) != 0 {
		t.Error(diff, w.members)
	}
	w.signal(one)
	if !slices.Equal(w.in(1), []signalbox.EntityID{from}) {
		t.Fatalf("members are %v", w.members)
	}
	w.followed()
	w.turn(decide.Input{Account: &decide.AccountAct{ID: signalbox.AccountID(from), Erase: true}})
	if len(w.in(1)) != 0 || w.followed() != nil || len(w.fits) != 1 {
		t.Errorf("erased it is still there: %v, %v", w.members, w.fits)
	}
}
