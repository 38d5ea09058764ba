package decide_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"signalbox"
	"signalbox/audience"
	"signalbox/automate"
	"signalbox/decide"
)

// sends is an action that sends a signal.
func sends(typ, properties string) signalbox.Action {
	x := signalbox.Action{Type: signalbox.ActSignal, SignalType: typ}
	if properties != "" {
		x.Properties = []byte(properties)
	}
	return x
}

// typesOfSignals tells the signals that are stored, by type and source.
func (w *world) typesOfSignals() (list []string) {
	for _, s := range w.signals {
		list = append(list, s.Type+" by "+s.Source)
	}
	return list
}

func TestRun_AnUpdateChangesTheRecordAsByHandAndGoesOneDeeper(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change(func(d *signalbox.Definitions) {
		d.Audiences = []signalbox.Audience{{ID: 77, Name: "Large", Of: signalbox.AccountRecord, Ready: true, Condition: "account.attributes.team >= 10"}}
	})
	id := w.automation(does(onSignal("demo"),
		signalbox.Action{Type: signalbox.ActUpdate, Entity: signalbox.AccountRecord, Attributes: []byte(`{"team":"{{ properties.team_size }}","none":"{{ properties.none }}"}`), Status: "{{ signal.type }}", Name: "Renamed"},
		signalbox.Action{Type: signalbox.ActUpdate, Entity: signalbox.ContactRecord, Attributes: []byte(`{"seen":true}`)}))
	w.automation(when(signalbox.Trigger{Type: signalbox.OnAudience, Audience: 77, On: signalbox.Enters}, "account.status == 'demo'"))
	r := w.signal(of("demo"))
	if a := w.account(r.Account); a.Name != "Renamed" || a.Status != "demo" || string(a.Attributes) != `{"team":12}` {
		t.Errorf("the account is %+v", a)
	}
	if c := w.contact(r.Contact); string(c.Attributes) != `{"seen":true}` {
		t.Errorf("the contact is %+v", c)
	}
	if diff := cmp.Diff([]string{"signal.created done", "audience.entered done deep 1"}, w.ran()); diff != "" {
		t.Error(diff)
	}
	if len(w.audit) != 2 || w.audit[0].Action != "account.updated" || w.audit[0].Actor != (signalbox.Actor{Type: signalbox.ActorAutomation, ID: int64(id), Name: "High-intent trial → notify sales"}) {
		t.Errorf("the audit log says %+v", w.audit)
	}
}

func TestRun_ASignalIsDecidedInTheSameTurnAboutTheSameRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.automation(does(onSignal("demo"), sends("demo_scored", `{"size":"{{ properties.team_size }}"}`), sends("seen", "")))
	w.automation(onSignal("demo_scored", "properties.size == 12", "signal.source == 'automation'"))
	r := w.signal(of("demo"))
	if diff := cmp.Diff([]string{"demo by test", "demo_scored by automation", "seen by automation"}, w.typesOfSignals()); diff != "" {
		t.Fatal(diff)
	}
	for _, s := range w.signals[1:] {
		if s.Account != r.Account || s.Contact != r.Contact || s.PrevContact == 0 {
			t.Errorf("%s is about %d and %d, behind %d", s.Type, s.Account, s.Contact, s.PrevContact)
		}
	}
	if x := w.started()[0].Actions; x[0].Signal != w.signals[1].ID || x[1].Signal != w.signals[2].ID {
		t.Errorf("its actions are %+v", x)
	}
	if w.signals[0].CausedTo >= int64(w.signals[1].ID) || w.signals[1].CausedTo >= int64(w.signals[2].ID) {
		t.Error("what one caused holds what another one caused")
	}
	if diff := cmp.Diff([]string{"signal.created done", "signal.created done deep 1"}, w.ran()); diff != "" {
		t.Error(diff)
	}
	w.signal(of("demo")) // its types are known by now
	if got := len(w.types); got != 3 {
		t.Errorf("%d types, want 3", got)
	}
}

// A signal is about the very record that the one before it was about, also while another one stands for it.
func TestRun_ASignalStaysWithTheRecordThatWasMatched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.automation(does(onSignal("demo"), sends("next", "")))
	part, top := w.signal(company("part.com", "")), w.signal(company("top.com", ""))
	if _, err := w.mergeAccounts(part.Account, top.Account); err != nil {
		t.Fatal(err)
	}
	in := company("part.com", "")
	in.Type = "demo"
	w.signal(in)
	if s := w.signals[len(w.signals)-1]; s.Type != "next" || s.Account != part.Account {
		t.Errorf("%s is about %d, want %d", s.Type, s.Account, part.Account)
	}
	if r := w.started()[0]; r.Account != top.Account {
		t.Errorf("the run is about %d, want %d, which stands for it", r.Account, top.Account)
	}
}

// A chain ends: each link lies one deeper, and at MaxDepth no signal is sent any more.
func TestRun_AChainEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.automation(does(onSignal("loop"), sends("loop", "")))
	w.signal(of("loop"))
	if diff := cmp.Diff([]string{"signal.created done", "signal.created done deep 1", "signal.created done deep 2", "signal.created done deep 3", "signal.created stopped deep 4"}, w.ran()); diff != "" {
		t.Error(diff)
	}
	if got := len(w.signals); got != 1+signalbox.MaxDepth {
		t.Errorf("%d signals, want %d", got, 1+signalbox.MaxDepth)
	}
}

func TestRun_OneInputSetsOffNoMoreThanSoManySignals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	many := make([]signalbox.Action, 10)
	for i := range many {
		many[i] = sends("wide", "")
	}
	w.automation(does(onSignal("wide"), many...))
	in := of("wide")
	in.Source = "test"
	w.turn(decide.Input{Signal: &in}, decide.Input{Signal: &in})
	if got := len(w.signals); got != 2*(1+decide.MaxSent) {
		t.Errorf("two of them came to %d signals, want %d", got, 2*(1+decide.MaxSent))
	}
	refused := 0
	for _, r := range w.started() {
		for _, x := range r.Actions {
			if strings.Contains(x.Failed, "most signals") {
				refused++
			}
		}
	}
	if refused == 0 {
		t.Error("no run says that it was one too many")
	}
}

// What cannot be done is said by the run, and keeps the rest from nothing.
func TestRun_SaysWhatCannotBeDone(t *testing.T) {
	t.Parallel()
	long := fmt.Sprintf(`{"note":%q}`, strings.Repeat("x", 40_000))
	for _, c := range []struct {
		name   string
		do     func(*world)
		action signalbox.Action
		says   string
		status signalbox.RunStatus
	}{
		{"a lane that is gone", func(w *world) { w.change(func(d *signalbox.Definitions) { d.Webhooks = nil }) }, hook(), "save the automation again", signalbox.RunStopped},
		{"attributes that outgrow the record", func(w *world) { w.patch(w.signal(of("visit")).Account, `{"have":`+long+`}`) },
			signalbox.Action{Type: signalbox.ActUpdate, Entity: signalbox.AccountRecord, Attributes: []byte(long)}, "the most is", signalbox.RunDone},
		{"a type too many", func(w *world) {
			w.head.Types = signalbox.MaxSignalTypes
			w.types[signalbox.TypeKey{Workspace: ws, Name: "demo"}] = 5
		}, sends("new", ""), "signal types", signalbox.RunDone},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.automation(does(onSignal("demo"), c.action))
			c.do(w)
			w.signal(of("demo"))
			r := w.started()[0]
			if x := r.Actions[0]; r.Status != c.status || !strings.Contains(x.Failed, c.says) || x.Step != 1 || x.Event != 0 || !strings.Contains(fmt.Sprint(r.Reasons), c.says) {
				t.Errorf("it is %s: %+v, %+v", r.Status, x, r.Reasons)
			}
		})
	}
}

// proves S2-16, S2-17 and contract section 11
func TestRun_ANotificationGoesToTheWebhookThatItNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	to := w.webhook(signalbox.Webhook{Kind: signalbox.KindPush, URL: "https://example.com", Format: signalbox.FormatStaircase, Enabled: true})
	n := signalbox.Notification{
		Trigger:      signalbox.Trigger{Type: signalbox.OnSignal, SignalType: "churn_risk"},
		Destinations: []signalbox.Destination{{Type: signalbox.ActNotify, Webhook: to}, {Type: signalbox.ActNotify, Webhook: 12345}},
	}
	w.automation(signalbox.Automation{Name: "Churn", Notification: &n})
	in := of("churn_risk")
	in.OccurredAt = w.now.Add(-time.Hour)
	r := w.signal(in)
	run := w.started()[0]
	events := w.sentBy(run)
	if len(events) != 1 || events[0].Name != "notification" || events[0].Request != nil || w.sent[0].Webhook != to || !strings.Contains(run.Actions[1].Failed, "no such webhook") {
		t.Fatalf("sent %+v by %+v", events, run)
	}
	var body struct {
		Type         string
		Title        string
		Occurred     time.Time `json:"occurred_at"`
		Notification struct{ ID, Name string }
		Account      struct {
			ID    string
			Score int
			Stage string
		}
		Signal struct{ ID string }
		URL    string
	}
	if err := json.Unmarshal(events[0].Bodies.Vendor, &body); err != nil {
		t.Fatal(err)
	}
	if body.Type != "churn_risk" || body.Title != "Churn risk at Acme Corp" || !body.Occurred.Equal(in.OccurredAt) || body.Notification.Name != "Churn" || !strings.HasPrefix(body.Notification.ID, "ntf_") ||
		body.Account.Score != 5 || body.Account.Stage != "Cool" || body.Signal.ID != w.codec.Format(signalbox.KindSignal, int64(r.ID)) ||
		body.URL != "https://box.example/accounts/"+w.codec.Format(signalbox.KindAccount, int64(r.Account)) {
		t.Errorf("it says %s", events[0].Bodies.Vendor)
	}
}

// Records that are merged answer as one that saw the runs of both, and a record that is parted again has its own back. Merging and parting start nothing.
func TestRun_MergedRecordsClaimTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change(func(d *signalbox.Definitions) {
		d.Audiences = []signalbox.Audience{{ID: 77, Name: "Both", Of: signalbox.AccountRecord, Ready: true, Condition: "account.attributes.a == 1 && account.attributes.b == 1"}}
	})
	a := onSignal("demo")
	a.Frequency = signalbox.Frequency{Mode: signalbox.OncePerAccount}
	w.automation(a)
	w.automation(when(signalbox.Trigger{Type: signalbox.OnAudience, Audience: 77, On: signalbox.Enters}))
	one, two, three := company("one.com", ""), company("two.com", ""), company("three.com", "")
	one.Account.Attributes, two.Account.Attributes = []byte(`{"a":1}`), []byte(`{"b":1}`)
	for _, in := range []*signalbox.SignalInput{&one, &two, &three} {
		in.Type = "demo"
	}
	first := w.signal(one)
	two.Type = "visit"
	second := w.signal(two)
	if diff := cmp.Diff([]string{"signal.created done"}, w.ran()); diff != "" {
		t.Fatal(diff)
	}
	m, err := w.mergeAccounts(first.Account, second.Account)
	if err != nil {
		t.Fatal(err)
	}
	two.Type = "demo"
	w.signal(two)
	w.signal(one)
	if got := w.ran(); got != nil {
		t.Errorf("merged with one that it ran for: %v", got)
	}
	if _, err := w.undo(m.ID); err != nil {
		t.Fatal(err)
	}
	w.signal(one)
	w.signal(two)
	w.signal(two)
	if diff := cmp.Diff([]string{"signal.created done"}, w.ran()); diff != "" {
		t.Errorf("parted again: %s", diff)
	}
}

// Whoever was erased is unknown when they come again.
func TestRun_AnErasedRecordIsNotRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := onSignal("demo")
	a.Frequency = signalbox.Frequency{Mode: signalbox.OncePerContact}
	w.automation(a)
	r := w.signal(of("demo"))
	if w.states[signalbox.EntityID(r.Contact)].Following[0] != 2 {
		t.Error("what is kept of it does not say that it knows of runs")
	}
	w.turn(decide.Input{Contact: &decide.ContactAct{ID: r.Contact, Erase: true}})
	if got := w.states[signalbox.EntityID(r.Contact)].Following; got != nil {
		t.Errorf("kept of one who was erased: %x", got)
	}
	w.signal(of("demo"))
	if diff := cmp.Diff([]string{"signal.created done", "signal.created done"}, w.ran()); diff != "" {
		t.Error(diff)
	}
}

// What a change of the scoring moves starts nothing, also where it is told; what the removal of signals does, does.
func TestRun_ARecomputeStartsNothing(t *testing.T) {
	t.Parallel()
	for _, tell := range []bool{true, false} {
		w := newWorld(t)
		w.automation(when(signalbox.Trigger{Type: signalbox.OnScore, Of: signalbox.AccountRecord, Threshold: 50, Direction: signalbox.Above}))
		w.automation(when(signalbox.Trigger{Type: signalbox.OnStage, Of: signalbox.AccountRecord}))
		w.change(func(d *signalbox.Definitions) {
			d.Audiences = []signalbox.Audience{{ID: 77, Name: "Warm", Of: signalbox.AccountRecord, Ready: true, Condition: "account.score >= 50"}}
		})
		w.automation(when(signalbox.Trigger{Type: signalbox.OnAudience, Audience: 77, On: signalbox.Enters}))
		r := w.signal(about("demo"))
		more := 60.0
		w.score(signalbox.Scoring{Points: &more, Cap: &more, Era: 1})
		w.rescore(signalbox.EntityID(r.Account), tell)
		if got := w.ran(); got != nil || len(w.in(77)) != 1 {
			t.Errorf("told %t: %v, and %d are in the audience", tell, got, len(w.in(77)))
		}
	}
}

// What is kept of a record for audiences and for automations has room together where audiences alone had it.
func TestFollowing_HasRoomForAudiencesAndRuns(t *testing.T) {
	t.Parallel()
	if most := 48 << 10; audience.MaxState+automate.MaxState > most {
		t.Errorf("audiences keep up to %d bytes and automations %d: together more than %d", audience.MaxState, automate.MaxState, most)
	}
}

// ranFor is what is kept of a contact that automations were run for.
func ranFor(t testing.TB) []byte {
	w := newWorld(t)
	a := onSignal("demo", "count(signals, 'demo', '1d') >= 1")
	a.Frequency = signalbox.Frequency{Mode: signalbox.OncePerContact}
	w.automation(a)
	w.automation(a)
	r := w.signal(of("demo"))
	return w.states[signalbox.EntityID(r.Contact)].Following
}

func TestFollowing_OneThatIsCutOffIsRefused(t *testing.T) {
	t.Parallel()
	whole := ranFor(t)
	if s, err := decide.SourcesOf(signalbox.EntityState{Following: whole}); err != nil || s.Counts["test"] != 1 {
		t.Fatalf("whole: %+v, %v", s, err)
	}
	var read []int
	for n := 1; n < len(whole); n++ {
		if _, err := decide.SourcesOf(signalbox.EntityState{Following: whole[:n]}); err == nil {
			read = append(read, n)
		}
	}
	if len(read) != 1 { // where only its audiences are missing: it is that of a record that is in none
		t.Errorf("of %d bytes so many are read: %v", len(whole), read)
	}
	scorer, err := decide.NewScorer(&signalbox.Definitions{})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := scorer.Restand(signalbox.Kept{Following: whole}, nil, signalbox.Rescoring{Fit: true})
	if err != nil || len(kept.Following) != len(whole) {
		t.Errorf("a job that has to do with another part of it leaves %x, %v", kept.Following, err)
	}
}

// FuzzFollowing: whatever is stored is read or refused, and what was read is written as it was.
func FuzzFollowing(f *testing.F) {
	f.Add(ranFor(f))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	scorer, err := decide.NewScorer(&signalbox.Definitions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		once, err := scorer.Note(b, nil)
		if err != nil {
			return
		}
		twice, err := scorer.Note(once, nil)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%x, then %x, %v", once, twice, err)
		}
	})
}

// A stream that is folded in turns of any size comes to the same runs, events and deliveries as one signal a turn, id by id.
func TestRun_TurnsOfAnySizeStartTheSame(t *testing.T) {
	t.Parallel()
	build := func() *world {
		w := newWorld(t)
		w.change(func(d *signalbox.Definitions) {
			d.Audiences = []signalbox.Audience{{ID: 77, Name: "Often", Of: signalbox.ContactRecord, Ready: true, Condition: "count(signals, 'a', '1d') >= 2"}}
		})
		often := func(a signalbox.Automation, f signalbox.Frequency, perHour int) signalbox.Automation {
			a.Frequency, a.PerHour = f, perHour
			return a
		}
		w.automation(often(onSignal("a"), signalbox.Frequency{Mode: signalbox.OncePerContact}, 0))
		w.automation(often(onSignal("b", "account.score >= 10"), signalbox.Frequency{Mode: signalbox.Cooldown, Duration: time.Hour, Per: signalbox.AccountRecord}, 3))
		w.automation(does(onSignal("c"), sends("a", `{"n":"{{ properties.n }}"}`), signalbox.Action{Type: signalbox.ActUpdate, Entity: signalbox.AccountRecord, Attributes: []byte(`{"last":"{{ properties.n }}"}`)}))
		w.automation(when(signalbox.Trigger{Type: signalbox.OnAudience, Audience: 77, On: signalbox.Enters}))
		w.automation(often(when(signalbox.Trigger{Type: signalbox.OnScore, Of: signalbox.AccountRecord, Threshold: 20, Direction: signalbox.Above}, "account.attributes.last != 3"), signalbox.Frequency{}, 1))
		late := onSignal("b")
		late.Delay = time.Minute
		w.automation(late)
		return w
	}
	rapid.Check(t, func(rt *rapid.T) {
		stream := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) signalbox.SignalInput {
			return signalbox.SignalInput{
				Type: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "type"), Source: "test", Properties: []byte(fmt.Sprintf(`{"n":%d}`, rapid.IntRange(1, 5).Draw(rt, "n"))),
				Contact: signalbox.ContactInput{Email: rapid.SampledFrom([]string{"x@one.com", "y@one.com", "z@two.com", ""}).Draw(rt, "who")}, Backfill: rapid.IntRange(0, 9).Draw(rt, "past") == 0,
			}
		}), 1, 25).Draw(rt, "stream")
		pauses := rapid.SliceOfN(rapid.IntRange(0, 3), len(stream), len(stream)).Draw(rt, "pauses") // 3: an hour passes before it
		alone, together := build(), build()
		var turn []decide.Input
		flush := func() {
			if len(turn) > 0 {
				together.turn(turn...)
			}
			turn = nil
		}
		pass := func(w *world) {
			w.now = w.now.Add(time.Hour)
			for _, r := range w.started() {
				if _, waits := w.waiting[r.ID]; waits {
					w.turn(decide.Input{Run: r.ID})
				}
			}
		}
		for i := range stream {
			if pauses[i] == 3 {
				flush()
				pass(alone)
				pass(together)
			}
			if pauses[i] == 2 {
				flush()
			}
			alone.turn(decide.Input{Signal: &stream[i]})
			turn = append(turn, decide.Input{Signal: &stream[i]})
		}
		flush()
		for what, diff := range map[string]string{
			"runs":     cmp.Diff(alone.started(), together.started()),
			"signals":  cmp.Diff(alone.signals, together.signals),
			"events":   cmp.Diff(alone.events, together.events),
			"sent":     cmp.Diff(alone.sent, together.sent),
			"accounts": cmp.Diff(alone.accounts, together.accounts),
			"kept":     cmp.Diff(slices.Clone(alone.pace), slices.Clone(together.pace)),
		} {
			if diff != "" {
				rt.Fatalf("%s: %s", what, diff)
			}
		}
	})
}
