package audience_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/audience"
	"signalbox/expr"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

const (
	day      = 24 * time.Hour
	accounts = signalbox.AccountRecord
	contacts = signalbox.ContactRecord
)

// of makes audiences of accounts, numbered from 1 and ready.
func of(conditions ...string) []signalbox.Audience {
	var list []signalbox.Audience
	for i, c := range conditions {
		list = append(list, signalbox.Audience{ID: signalbox.AudienceID(i + 1), Name: fmt.Sprint("audience ", i+1), Of: accounts, Condition: c, Ready: true})
	}
	return list
}

func compile(t testing.TB, list []signalbox.Audience, atoms ...expr.Atom) *audience.Model {
	t.Helper()
	m, err := audience.Compile(list, atoms)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func signal(typ string, at time.Time, context string) *expr.Signal {
	return &expr.Signal{Type: typ, Source: "website", Context: []byte(context), OccurredAt: at}
}

func account(score int, stage, attributes string) *expr.Account {
	return &expr.Account{Domain: "acme.com", Name: "Acme", Score: score, Stage: stage, Attributes: []byte(attributes)}
}

// atomsOf are those of a condition.
func atomsOf(t testing.TB, condition string) []expr.Atom {
	t.Helper()
	p, err := expr.Compile(condition, expr.Options{Use: expr.ForRecord})
	if err != nil {
		t.Fatal(err)
	}
	return p.Atoms()
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

type ids = []signalbox.AudienceID

// proves contract section 9: membership follows each signal, and follows time by timers
func TestJudge_EntersWithASignalAndLeavesWithTime(t *testing.T) {
	t.Parallel()
	m := compile(t, of(`signals.exists(s, s.type == "page_view" && within(s.occurred_at, "14d"))`, `count(signals, "page_view") >= 2`, `account.score > 40`))
	var st audience.State
	at := func(when time.Time, score int, changed *audience.Changed) ([]audience.Move, time.Time) {
		return m.Judge(accounts, &st, &expr.Facts{Account: account(score, "", ""), Now: when}, changed, nil)
	}
	steps := []struct {
		name    string
		when    time.Duration
		view    bool
		score   int
		changed *audience.Changed
		moves   []audience.Move
		next    time.Duration // 0: never
	}{
		{name: "nothing is known", moves: nil},
		{name: "first view", when: time.Hour, view: true, score: 5, changed: &audience.Changed{Signal: "page_view", Score: true}, moves: []audience.Move{{1, true, false}}, next: 14*day + time.Hour},
		{name: "an unread change", when: 2 * time.Hour, score: 5, changed: &audience.Changed{Record: true}, next: 14*day + time.Hour},
		{name: "second view", when: day, view: true, score: 50, changed: &audience.Changed{Signal: "page_view", Score: true}, moves: []audience.Move{{2, true, false}, {3, true, false}}, next: 15 * day},
		{name: "the window of the first ends", when: 14*day + time.Hour, score: 50, changed: &audience.Changed{}, next: 15 * day},
		{name: "that of the second", when: 15 * day, score: 50, changed: &audience.Changed{}, moves: []audience.Move{{1, false, false}}},
		{name: "the score decayed", when: 30 * day, score: 40, changed: &audience.Changed{Score: true}, moves: []audience.Move{{3, false, false}}},
	}
	for i, s := range steps {
		when := now.Add(s.when)
		if s.view && !m.Note(&st, signalbox.SignalID(i), signal("page_view", when, ""), nil) {
			t.Errorf("%s: no atom holds", s.name)
		}
		moves, next := at(when, s.score, s.changed)
		same(t, s.name, moves, s.moves)
		want := time.Time{}
		if s.next > 0 {
			want = now.Add(s.next)
		}
		if !next.Equal(want) || !next.Equal(st.Next()) {
			t.Errorf("%s: next is %v, want %v", s.name, next, want)
		}
	}
	same(t, "audiences at the end", st.Audiences(), ids{2})
}

// The moments of one audience must not hide those of another that is not asked this time.
func TestJudge_NextIsOfTheAudiencesThatAreNotAskedToo(t *testing.T) {
	t.Parallel()
	m := compile(t, of(`within(last(signals, "a"), "1d")`, `within(last(signals, "b"), "9d")`))
	var st audience.State
	for i, typ := range []string{"a", "b", "b"} {
		m.Note(&st, signalbox.SignalID(i+1), signal(typ, now, ""), nil)
		if _, next := m.Judge(accounts, &st, &expr.Facts{Now: now}, &audience.Changed{Signal: typ}, nil); !next.Equal(now.Add(day)) {
			t.Errorf("after %s the next moment is %v, want that of the first audience", typ, next)
		}
	}
}

func TestJudge_AsksOnlyWhatReadsTheChange(t *testing.T) {
	t.Parallel()
	m := compile(t, of(`signals.type == "a"`, `signals.context.n > 1`, `account.attributes.plan == "pro"`, `account.stage == "Hot"`, `size(account) > 0`, `count(signals, "b") > 1 || account.name == "x"`))
	cases := []struct {
		name    string
		changed *audience.Changed
		asked   ids
	}{
		{"nothing", &audience.Changed{}, nil},
		{"everything", nil, ids{1, 2, 3, 4, 5, 6}},
		{"a signal that is named", &audience.Changed{Signal: "a"}, ids{1, 2}},
		{"another one that is named", &audience.Changed{Signal: "b"}, ids{2, 6}},
		{"one that none names", &audience.Changed{Signal: "c"}, ids{2}},
		{"the record", &audience.Changed{Record: true}, ids{3, 5, 6}},
		{"the score", &audience.Changed{Score: true}, ids{4, 5}},
		{"its signals", &audience.Changed{Atoms: true}, ids{1, 2, 6}},
		{"a signal and the score", &audience.Changed{Signal: "a", Score: true}, ids{1, 2, 4, 5}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var st audience.State
			m.Judge(accounts, &st, &expr.Facts{Now: now}, nil, nil) // is in none: whoever is asked then and holds is entered
			f := &expr.Facts{Account: &expr.Account{Name: "x", Stage: "Hot", Attributes: []byte(`{"plan":"pro"}`)}, Now: now,
				Times: func(string) []time.Time { return []time.Time{now, now.Add(-time.Hour)} }}
			m.Judge(accounts, &st, f, c.changed, nil)
			if got := st.Audiences(); !slices.Equal(got, c.asked) {
				t.Errorf("asked %v, want %v", got, c.asked)
			}
		})
	}
}

// An audience may hold of a record that has nothing: no change would have it asked.
func TestJudge_TheFirstTimeAllAreAsked(t *testing.T) {
	t.Parallel()
	m := compile(t, of(`count(signals, "b") < 1`, `!(account.score > 5)`, `signals.type == "a"`))
	var st audience.State
	m.Note(&st, 1, signal("a", now, ""), nil)
	f := &expr.Facts{Account: account(1, "", ""), Now: now}
	moves, _ := m.Judge(accounts, &st, f, &audience.Changed{Signal: "a"}, nil)
	same(t, "moves", moves, []audience.Move{{1, true, false}, {2, true, false}, {3, true, false}})
	f.Account.Score = 9
	moves, _ = m.Judge(accounts, &st, f, &audience.Changed{Signal: "a"}, nil)
	same(t, "moves the second time", moves, []audience.Move(nil))
}

func TestJudge_AnAudienceThatIsNotReadyTellsNobody(t *testing.T) {
	t.Parallel()
	list := of(`account.score > 1`, `account.score > 2`)
	list[0].Ready = false
	var st audience.State
	f := &expr.Facts{Account: account(10, "", ""), Now: now}
	moves, _ := compile(t, list).Judge(accounts, &st, f, nil, nil)
	same(t, "moves", moves, []audience.Move{{1, true, true}, {2, true, false}})
	same(t, "audiences", st.Audiences(), ids{1, 2})
	list[0].Ready = true
	moves, _ = compile(t, list).Judge(accounts, &st, f, nil, nil)
	same(t, "moves once it is ready", moves, []audience.Move(nil))
}

func TestJudge_ADeletedAudienceIsForgottenSilently(t *testing.T) {
	t.Parallel()
	list := of(`account.score > 1`, `within(last(signals, "a"), "1d")`)
	var st audience.State
	m := compile(t, list)
	m.Note(&st, 1, signal("a", now, ""), nil)
	f := &expr.Facts{Account: account(10, "", ""), Now: now}
	m.Judge(accounts, &st, f, nil, nil)
	same(t, "audiences", st.Audiences(), ids{1, 2})
	moves, next := compile(t, nil).Judge(accounts, &st, f, &audience.Changed{}, nil)
	if len(moves) > 0 || !next.IsZero() || !st.Empty() {
		t.Errorf("moves %v, next %v, left %+v", moves, next, st)
	}
}

func TestJudge_AudiencesOfTheOtherKindAreNotAsked(t *testing.T) {
	t.Parallel()
	list := of(`account.score > 1`, `account.score > 1`)
	list[1].Of = contacts
	m := compile(t, list)
	for kind, want := range map[signalbox.RecordKind]ids{accounts: {1}, contacts: {2}} {
		var st audience.State
		m.Judge(kind, &st, &expr.Facts{Account: account(10, "", ""), Now: now}, nil, nil)
		same(t, kind.String(), st.Audiences(), want)
	}
}

func TestModel_FollowsAccountsWhereContactsReadThem(t *testing.T) {
	t.Parallel()
	list := of(`account.score > 1`, `contact.score > 1`)
	list[1].Of = contacts
	if compile(t, list).FollowsAccounts() {
		t.Error("follows accounts, which no audience of contacts reads")
	}
	list[1].Condition = `contact.score > 1 && account.stage == "Hot"`
	if !compile(t, list).FollowsAccounts() {
		t.Error("does not follow accounts")
	}
}

func TestJudge_MovesAreByAudience(t *testing.T) {
	t.Parallel()
	list := of(`account.score > 1`, `account.score > 2`, `account.score > 3`)
	slices.Reverse(list)
	var st audience.State
	moves, _ := compile(t, list).Judge(accounts, &st, &expr.Facts{Account: account(10, "", ""), Now: now}, nil, nil)
	same(t, "moves", moves, []audience.Move{{1, true, false}, {2, true, false}, {3, true, false}})
}

// Nobody leaves because something else cost too much, and what was not asked is asked first when there is a budget again.
func TestJudge_WhatNoBudgetIsLeftForStaysAndIsAskedAgain(t *testing.T) {
	t.Parallel()
	const many = 600 // more than are asked without an allocation
	var conditions []string
	for i := range many {
		conditions = append(conditions, fmt.Sprintf(`account.score > %d`, i))
	}
	m := compile(t, of(conditions...))
	var st audience.State
	ask := func(score int, changed *audience.Changed, b *expr.Budget) ([]audience.Move, time.Time) {
		return m.Judge(accounts, &st, &expr.Facts{Account: account(score, "", ""), Now: now}, changed, b)
	}
	ask(many, nil, nil)
	moves, next := ask(0, &audience.Changed{Score: true}, expr.NewBudget(150))
	if len(moves) == 0 || len(moves) == many || !next.Equal(now.Add(time.Minute)) {
		t.Fatalf("%d moves, next %v", len(moves), next)
	}
	left := len(moves)
	for rounds := 0; left < many; rounds++ {
		got, err := audience.Decode(st.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		st = got
		moves, next = ask(0, &audience.Changed{}, expr.NewBudget(150))
		for i, v := range moves {
			if v.Entered || int(v.Audience) != left+1+i {
				t.Fatalf("%v after %d", v, left)
			}
		}
		if left += len(moves); rounds > 20 {
			t.Fatal("does not get on")
		}
	}
	if !next.IsZero() || len(st.Audiences()) > 0 {
		t.Errorf("next %v, left %+v", next, st)
	}
}

// Those that wait are asked before the others, and that shows neither in what is kept nor in what is told.
func TestJudge_TheOrderOfAskingDoesNotShow(t *testing.T) {
	t.Parallel()
	m := compile(t, of(`account.stage == "Hot"`, `account.score > 5`, `account.score > 6`))
	var st audience.State
	for _, step := range []struct {
		name  string
		stage string
		score int
		b     *expr.Budget
		moves []audience.Move
	}{
		{"the first is asked, the others wait", "Cool", 9, expr.NewBudget(3), nil},
		{"those that waited are asked, then the first", "Hot", 9, nil, []audience.Move{{1, true, false}, {2, true, false}, {3, true, false}}},
		{"the first is asked again", "Cool", 0, expr.NewBudget(3), []audience.Move{{1, false, false}}},
		{"the others wait again, and the first after them", "Cool", 0, expr.NewBudget(0), nil},
		{"all are asked", "Cool", 0, nil, []audience.Move{{2, false, false}, {3, false, false}}},
	} {
		moves, _ := m.Judge(accounts, &st, &expr.Facts{Account: account(step.score, step.stage, ""), Now: now}, nil, step.b)
		same(t, step.name, moves, step.moves)
		st = *decoded(&st)
	}
}

// contract section 8: what costs too much does not hold, with a reason; whether it does may change with time
func TestJudge_WhatCostsTooMuchIsAskedAgainWhenItReadsTheTime(t *testing.T) {
	t.Parallel()
	dear := `account.attributes.list.all(x, x + 1 > 1 && x + 2 > 1)`
	facts := &expr.Facts{Account: account(0, "", `{"list":[1`+strings.Repeat(",2", 5000)+`]}`), Now: now}
	for condition, want := range map[string]time.Time{dear: {}, `within(last(signals, "a"), "1d") ? ` + dear + ` : true`: now.Add(time.Hour)} {
		m := compile(t, of(condition))
		var st audience.State
		m.Note(&st, 1, signal("a", now, ""), nil)
		if moves, next := m.Judge(accounts, &st, facts, nil, nil); len(moves) > 0 || !next.Equal(want) {
			t.Errorf("%s: %v, next %v, want %v", condition, moves, next, want)
		}
	}
}

func TestCheck_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	ok := signalbox.Audience{Name: "Hot accounts", Of: accounts, Condition: `account.stage == "Hot"`}
	cases := []struct {
		name   string
		change func(*signalbox.Audience)
		param  string
		says   string
	}{
		{"nothing", func(*signalbox.Audience) {}, "", ""},
		{"no name", func(a *signalbox.Audience) { a.Name = " " }, "name", "1 to 200 characters"},
		{"a long name", func(a *signalbox.Audience) { a.Name = strings.Repeat("é", 201) }, "name", "1 to 200 characters"},
		{"a name that is as long as may be", func(a *signalbox.Audience) { a.Name = strings.Repeat("é", 200) }, "", ""},
		{"no kind", func(a *signalbox.Audience) { a.Of = 0 }, "entity", "account or contact"},
		{"another kind", func(a *signalbox.Audience) { a.Of = 3 }, "entity", "account or contact"},
		{"no condition", func(a *signalbox.Audience) { a.Condition = "" }, "condition", "line 1, column 1: is empty"},
		{"an unknown field", func(a *signalbox.Audience) { a.Condition = "true &&\n account.stag == 1" }, "condition", "line 2, column 10: unknown field account.stag"},
		{"the signal", func(a *signalbox.Audience) { a.Condition = `signal.type == "x"` }, "condition", "write signals.type"},
		{"its properties", func(a *signalbox.Audience) { a.Condition = `properties.a.b > 1` }, "condition", "write signals.properties.a.b"},
		{"its time", func(a *signalbox.Audience) { a.Condition = `within(signal.occurred_at, "1d")` }, "condition", "write signals.occurred_at"},
		{"all of it", func(a *signalbox.Audience) { a.Condition = `size(signal) > 0` }, "condition", "only known while one arrives"},
		{"the signals", func(a *signalbox.Audience) { a.Condition = `signals.type == "x"` }, "", ""},
		{"a contact of an account", func(a *signalbox.Audience) { a.Condition = `contact.title == "CEO"` }, "condition", "contact.title cannot be read of an account"},
		{"a contact", func(a *signalbox.Audience) {
			a.Of, a.Condition = contacts, `contact.title == "CEO" && account.score > 1`
		}, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := ok
			c.change(&a)
			err := audience.Check(&a)
			a.ID = 1
			if _, compiled := audience.Compile([]signalbox.Audience{a}, nil); (compiled == nil) != (err == nil) {
				t.Errorf("Compile says %v", compiled)
			}
			var e *signalbox.Error
			if errors.As(err, &e); (e == nil) != (c.param == "") {
				t.Fatalf("got %v", err)
			}
			if e != nil && (e.Code != signalbox.Invalid || e.Param != c.param || !strings.Contains(e.Msg, c.says)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCompile_RefusesIdsThatAreNotTheirOwn(t *testing.T) {
	t.Parallel()
	for _, id := range []signalbox.AudienceID{0, 1, -1} {
		list := of(`account.score > 1`, `account.score > 1`)
		list[1].ID = id
		if _, err := audience.Compile(list, nil); err == nil {
			t.Errorf("takes the ids 1 and %d", id)
		}
	}
}

func BenchmarkNoteAndJudge(b *testing.B) {
	var conditions []string
	for i := range 50 {
		conditions = append(conditions, fmt.Sprintf([]string{
			`signals.exists(s, s.type == "type_%d" && s.properties.team_size > %d)`, `count(signals, "type_%d", "30d") >= 3 && account.score > %d`,
			`within(last(signals, "type_%d"), "14d") && account.attributes.employees >= %d`, `signals.exists(s, s.type == "type_%d" && s.context.n > %d && within(s.occurred_at, "7d"))`,
		}[i/5%4], i%5, i))
	}
	m := compile(b, of(conditions...))
	raw := []byte(`{"team_size":30,"plan":"pro","n":28}`)
	f := &expr.Facts{Account: account(30, "Warm", `{"employees":51}`)}
	var id signalbox.SignalID
	var st audience.State
	step := func() []audience.Move {
		id++
		f.Now = now.Add(time.Duration(id) * time.Second)
		s := &expr.Signal{Type: "type_2", Context: raw, OccurredAt: f.Now}
		budget := expr.NewBudget(1_000_000)
		m.Note(&st, id, s, budget)
		moves, _ := m.Judge(accounts, &st, f, &audience.Changed{Signal: "type_2"}, budget)
		return moves
	}
	f.Now = now
	m.Judge(accounts, &st, f, nil, nil)
	for i := range 5 {
		m.Note(&st, -1, signal(fmt.Sprint("type_", i), now, string(raw)), nil)
	}
	step()
	b.Logf("in %d audiences, %d bytes of state", len(st.Audiences()), len(st.Append(nil)))
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
}

// BenchmarkState is what reading and writing a state adds.
func BenchmarkState(b *testing.B) {
	m := compile(b, of(`count(signals, "a") >= 10 && signals.type == "b"`, `signals.context.n > 1`, `account.score > 1`))
	var st audience.State
	for i := range 30 {
		m.Note(&st, signalbox.SignalID(i+1), signal([]string{"a", "b"}[i%2], now.Add(time.Duration(i)*time.Hour), `{"n":2}`), nil)
	}
	raw := st.Append(nil)
	b.Logf("%d bytes", len(raw))
	b.ReportAllocs()
	for b.Loop() {
		got, err := audience.Decode(raw)
		if err != nil {
			b.Fatal(err)
		}
		got.Append(raw[:0])
	}
}
