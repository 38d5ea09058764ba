package expr_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"signalbox/expr"
	"signalbox/filter"
)

// document is docs/expressions.md, taken apart: what it shows in fences, by what follows the three marks, and the rows of its tables.
type document struct {
	text   string
	fences []fence
	rows   []map[string]string // by the names of the columns
}

type fence struct{ info, text string }

var fenced = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")

func readDocument(t *testing.T) *document {
	t.Helper()
	raw, err := os.ReadFile("../docs/expressions.md")
	if err != nil {
		t.Fatal(err)
	}
	d := &document{text: string(raw)}
	for _, m := range fenced.FindAllStringSubmatch(d.text, -1) {
		d.fences = append(d.fences, fence{m[1], strings.TrimSpace(m[2])})
	}
	var columns []string
	for line := range strings.Lines(fenced.ReplaceAllString(d.text, "")) {
		cells := cellsOf(strings.TrimSpace(line))
		switch {
		case cells == nil:
			columns = nil
		case columns == nil:
			columns = cells
		case strings.Trim(strings.Join(cells, ""), "-") == "": // below the names of the columns
		case len(cells) != len(columns):
			t.Errorf("a row of %d cells below %q: %s", len(cells), columns, line)
		default:
			row := map[string]string{}
			for i, name := range columns {
				row[name] = cells[i]
			}
			d.rows = append(d.rows, row)
		}
	}
	return d
}

// cellsOf cuts a row of a table; nil when a line is none. A | in a cell is written \|.
func cellsOf(line string) []string {
	if !strings.HasPrefix(line, "|") {
		return nil
	}
	var cells []string
	for _, cell := range strings.Split(strings.ReplaceAll(strings.Trim(line, "|"), `\|`, "\x00"), "|") {
		cells = append(cells, strings.ReplaceAll(strings.TrimSpace(cell), "\x00", "|"))
	}
	return cells
}

// column lists what stands between marks in the cells of a column.
func (d *document) column(name string) []string {
	var all []string
	for _, row := range d.rows {
		all = append(all, marked(row[name])...)
	}
	return all
}

func marked(cell string) []string {
	var all []string
	for i, part := range strings.Split(cell, "`") {
		if i%2 == 1 {
			all = append(all, part)
		}
	}
	return all
}

// of lists the fences of a kind; there must be at least so many.
func (d *document) of(t *testing.T, info string, least int) []string {
	t.Helper()
	var all []string
	for _, f := range d.fences {
		if f.info == info {
			all = append(all, f.text)
		}
	}
	if len(all) < least {
		t.Fatalf("%d fences %q, want at least %d", len(all), info, least)
	}
	return all
}

// after finds the fences that follow those of a kind: what they come to.
func (d *document) after(t *testing.T, info, next string) [][2]string {
	t.Helper()
	var all [][2]string
	for i, f := range d.fences {
		if f.info != info {
			continue
		}
		if i+1 == len(d.fences) || d.fences[i+1].info != next {
			t.Fatalf("no fence %q follows %s", next, f.text)
		}
		all = append(all, [2]string{f.text, d.fences[i+1].text})
	}
	if len(all) == 0 {
		t.Fatalf("no fence %q", info)
	}
	return all
}

// shownCase is an expression, and what is said of it in the comments below.
type shownCase struct{ source, says string }

// casesOf cuts a fence at its empty lines.
func casesOf(text string) []shownCase {
	var all []shownCase
	for part := range strings.SplitSeq(text, "\n\n") {
		source, says, _ := strings.Cut(part, "\n// ")
		all = append(all, shownCase{source, strings.ReplaceAll(says, "\n// ", "\n")})
	}
	return all
}

// sampleSignal is a signal as the document shows it.
type sampleSignal struct {
	Type       string          `json:"type"`
	Source     string          `json:"source"`
	EventName  string          `json:"event_name"`
	Score      float64         `json:"score"`
	OccurredAt time.Time       `json:"occurred_at"`
	CreatedAt  time.Time       `json:"created_at"`
	Properties json.RawMessage `json:"properties"`
}

func (s sampleSignal) signal() *expr.Signal {
	return &expr.Signal{Type: s.Type, Source: s.Source, EventName: s.EventName, Score: s.Score, OccurredAt: s.OccurredAt, CreatedAt: s.CreatedAt, Context: s.Properties}
}

// sample is the record that the document shows.
type sample struct {
	Now     time.Time    `json:"now"`
	Signal  sampleSignal `json:"signal"`
	Account struct {
		Domain, Name, Status, Stage string
		Score                       int
		Attributes                  json.RawMessage
	} `json:"account"`
	Contact struct {
		Email, Title, Stage string
		FirstName           string `json:"first_name"`
		Score               int
		Attributes          json.RawMessage
	} `json:"contact"`
	Signals []sampleSignal `json:"signals"`
}

func (d *document) sample(t *testing.T) *sample {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(d.of(t, "json record", 1)[0]))
	dec.DisallowUnknownFields()
	s := &sample{}
	if err := dec.Decode(s); err != nil {
		t.Fatal(err)
	}
	return s
}

// facts are those of the sample; p may be nil when no history is asked.
func (s *sample) facts(p *expr.Program) *expr.Facts {
	f := &expr.Facts{
		Signal:  s.Signal.signal(),
		Account: &expr.Account{Domain: s.Account.Domain, Name: s.Account.Name, Status: s.Account.Status, Stage: s.Account.Stage, Score: s.Account.Score, Attributes: s.Account.Attributes},
		Contact: &expr.Contact{Email: s.Contact.Email, FirstName: s.Contact.FirstName, Title: s.Contact.Title, Stage: s.Contact.Stage, Score: s.Contact.Score, Attributes: s.Contact.Attributes},
		Now:     s.Now,
	}
	var timeline []*expr.Signal
	for _, one := range s.Signals {
		timeline = append(timeline, one.signal())
	}
	if p != nil {
		f.Times = history(p, timeline...)
	}
	return f
}

// docs/expressions.md says of each expression that it holds, or does not: so it is, of the record that it shows.
func TestDocument_EachExampleHoldsOrNotAsItSays(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	s := d.sample(t)
	asked := 0
	ask := func(source string, want bool) {
		asked++
		for i, compiled := range []func(string, expr.Options) (*expr.Program, error){expr.Compile, expr.CompileSlow} {
			p, err := compiled(source, expr.Options{Use: expr.ForRecord})
			if err != nil {
				t.Errorf("%s: %v", source, err)
				return
			}
			b := expr.NewBudget(50) // "The conditions of this page cost at most 50"
			if i == 1 {
				b = nil
			}
			if v := p.Ask(s.facts(p), b); v.Holds != want || v.Reason != "" {
				t.Errorf("%s: %+v, and is said to be %v", source, v, want)
			}
		}
	}
	for info, want := range map[string]bool{"cel holds": true, "cel false": false} {
		for _, text := range d.of(t, info, 5) {
			for source := range strings.SplitSeq(text, "\n") {
				ask(source, want)
			}
		}
	}
	for _, source := range d.column("holds") {
		ask(source, true)
	}
	if asked < 100 {
		t.Errorf("only %d examples were found", asked)
	}
	known := []string{"json record", "cel holds", "cel false", "cel error", "cel error signal", "cel explained", "cel costs", "json condition", "cel expression", "json refused",
		"json template", "json rendered", "json template refused", "text"}
	for _, f := range d.fences {
		if !slices.Contains(known, f.info) {
			t.Errorf("nobody looks at the fence %q: %s", f.info, f.text)
		}
	}
}

func TestDocument_EachRefusalIsSaidSo(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	for info, use := range map[string]expr.Use{"cel error": expr.ForRecord, "cel error signal": expr.ForSignal} {
		for _, text := range d.of(t, info, 1) {
			for _, c := range casesOf(text) {
				if _, err := expr.Compile(c.source, expr.Options{Use: use}); err == nil || err.Error() != c.says {
					t.Errorf("%s: %v, and is said to be %s", c.source, err, c.says)
				}
			}
		}
	}
	for _, pair := range d.after(t, "json refused", "text") {
		if _, err := expr.FromStructured([]byte(pair[0])); err == nil || err.Error() != pair[1] {
			t.Errorf("%s: %v, and is said to be %s", pair[0], err, pair[1])
		}
	}
	for _, pair := range d.after(t, "json template refused", "text") {
		if _, err := expr.CompileTemplate([]byte(pair[0]), expr.Options{}); err == nil || err.Error() != pair[1] {
			t.Errorf("%s: %v, and is said to be %s", pair[0], err, pair[1])
		}
	}
}

func TestDocument_WhatIsExplainedAndWhatCostsTooMuch(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	s := d.sample(t)
	for _, c := range casesOf(d.of(t, "cel explained", 1)[0]) {
		p := compile(t, c.source, expr.Options{Use: expr.ForRecord})
		var said []string
		for _, one := range p.Explain(s.facts(p)) {
			said = append(said, map[bool]string{true: "yes: ", false: "no: "}[one.Holds]+one.Says)
		}
		if got := strings.Join(said, "\n"); got != c.says {
			t.Errorf("%s is explained as\n%s\nand is said to be as\n%s", c.source, got, c.says)
		}
	}
	for _, c := range casesOf(d.of(t, "cel costs", 1)[0]) {
		p := compile(t, c.source, expr.Options{Use: expr.ForRecord})
		if v := p.Ask(s.facts(p), nil); v.Holds || v.Reason != c.says {
			t.Errorf("%s: %+v, and is said to be %s", c.source, v, c.says)
		}
	}
}

func TestDocument_StructuredFormsAndTemplatesComeToWhatItSays(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	s := d.sample(t)
	pairs := d.after(t, "json condition", "cel expression")
	var operators []string
	for _, row := range d.rows {
		if row["structured operator"] == "" {
			continue
		}
		operators = append(operators, marked(row["structured operator"])...)
		pairs = append(pairs, [2]string{marked(row["condition"])[0], marked(row["expression"])[0]})
		if !strings.Contains(row["condition"], `"operator": "`+operators[len(operators)-1]+`"`) {
			t.Errorf("the row of %s shows %s", row["structured operator"], row["condition"])
		}
	}
	same(t, "structured operators", operators, filter.Operators())
	bounds := fmt.Sprintf("At most %d conditions, %d groups deep; a text of at most %d characters, and at most %d values of an `in`.",
		filter.MaxConditions, filter.MaxDepth, filter.MaxText, filter.MaxChoices)
	if !strings.Contains(strings.Join(strings.Fields(d.text), " "), bounds) {
		t.Errorf("it does not say: %s", bounds)
	}
	for _, pair := range pairs {
		if got, err := expr.FromStructured([]byte(pair[0])); err != nil || got != pair[1] {
			t.Errorf("%s is %s, %v; it is said to be %s", pair[0], got, err, pair[1])
		}
	}
	for _, pair := range d.after(t, "json template", "json rendered") {
		tm, err := expr.CompileTemplate([]byte(pair[0]), expr.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if err := json.Compact(&want, []byte(pair[1])); err != nil {
			t.Fatal(err)
		}
		if got, err := tm.Render(s.facts(nil), nil); err != nil || string(got) != want.String() {
			t.Errorf("renders\n%s, %v\nand is said to render\n%s", got, err, want.String())
		}
	}
}

// What the language knows is in the document's tables, and nothing else is.
func TestDocument_NamesWhatThereIs(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	same(t, "functions", d.column("function"), expr.Functions())
	same(t, "operators", d.column("operator"), expr.Operators())
	for _, row := range d.rows {
		for _, name := range marked(row["function"]) {
			if !strings.Contains(row["holds"], name+"(") {
				t.Errorf("no example of %s: %s", name, row["holds"])
			}
		}
	}
	said, limits := map[string]string{}, map[string]string{}
	for _, row := range d.rows {
		if row["field"] != "" {
			said[marked(row["field"])[0]] = row["is"]
		}
		if row["limit"] != "" {
			limits[row["limit"]] = strings.ReplaceAll(row["most"], ",", "")
		}
	}
	if want := expr.Fields(); !maps.Equal(said, want) {
		t.Errorf("fields\n%v\nwant\n%v", said, want)
	}
	want := map[string]string{}
	for name, most := range expr.Limits() {
		want[name] = fmt.Sprint(most)
	}
	if !maps.Equal(limits, want) {
		t.Errorf("limits\n%v\nwant\n%v", limits, want)
	}
	_, spans, _ := strings.Cut(d.text, "A time span is a whole number and a unit, in quotes: ")
	spans, _, _ = strings.Cut(spans, "at most")
	same(t, "units", marked(spans), expr.Units())
}

// The table says where each variable may be read, and the language allows and refuses just that.
func TestDocument_VariablesMayBeReadWhereItSays(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	probes := map[string]string{
		"signal": `signal.type == "a"`, "properties": "properties.a == 1", "context": "context.a == 1", "account": `account.name == "a"`, "contact": `contact.title == "a"`,
		"signals": `signals.type == "a" || count(signals, "a") > 1 || last(signals, "a") > signal.occurred_at`, "within": `within(signal.occurred_at, "1d")`,
	}
	uses := map[string]expr.Use{"condition on a signal": expr.ForSignal, "condition on a record": expr.ForRecord, "template": expr.ForTemplate}
	same(t, "variables", d.column("variable"), slices.Collect(maps.Keys(probes)))
	for _, row := range d.rows {
		for _, name := range marked(row["variable"]) {
			for column, use := range uses {
				_, err := expr.Compile(probes[name], expr.Options{Use: use})
				if got := map[bool]string{true: "yes", false: "no"}[err == nil]; got != row[column] {
					t.Errorf("%s in a %s: %s (%v), and is said to be %q", name, column, got, err, row[column])
				}
			}
		}
	}
}

// same compares two lists whose order means nothing.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("%s: the document has\n%q\nand there are\n%q", what, got, want)
	}
}
