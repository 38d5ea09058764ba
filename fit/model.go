package fit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"signalbox"
	"signalbox/expr"
)

// Model is a workspace's live profiles, ready to be asked. It never changes, and is safe for concurrent use.
type Model struct {
	icps  group
	live  int
	reads expr.Reads
	atoms []expr.Atom
}

// group is profiles that are judged together, in the order in which they are asked.
type group struct {
	profiles  []*profile
	questions int // of all of them
}

// profile is one that was compiled.
type profile struct {
	*signalbox.Profile
	questions []question // in the order in which they are asked: what scores comes last
	places    []int      // by parameter: its place among the questions
	shares    int        // of its questions together
	personas  group      // of an ICP
}

// question is a parameter that was compiled.
type question struct {
	program   *expr.Program
	place     int // among the profile's parameters
	mode      signalbox.ParameterMode
	onMissing signalbox.OnMissing
	weight    int
	share     int // of the coverage: the weight of what scores, and where nothing does, each question is one
}

// Compile makes live profiles ready; drafts are left out, and may be wrong. The error is of a profile that [Check] refuses. A persona that names an ICP
// which is not there, or is a draft, does not belong to it; one that names only such belongs to none.
func Compile(icps, personas []signalbox.Profile) (*Model, error) {
	m := &Model{}
	companies, err := live(icps)
	if err != nil {
		return nil, fmt.Errorf("compile ICPs: %w", err)
	}
	people, err := live(personas)
	if err != nil {
		return nil, fmt.Errorf("compile personas: %w", err)
	}
	for _, company := range companies {
		for _, person := range people {
			if len(person.of) == 0 || slices.Contains(person.of, company.Code) {
				company.personas.add(person.profile)
			}
		}
		m.icps.add(company.profile)
	}
	m.live = len(companies) + len(people)
	m.readAll(slices.Concat(companies, people))
	return m, nil
}

func (g *group) add(p *profile) {
	g.profiles = append(g.profiles, p)
	g.questions += len(p.questions)
}

// belonging is a profile with the ICPs that it names.
type belonging struct {
	*profile
	of []string
}

// live compiles those that are no drafts, in the order in which they are asked.
func live(profiles []signalbox.Profile) ([]belonging, error) {
	var list []belonging
	for i := range profiles {
		p := &profiles[i]
		if !p.Live {
			continue
		}
		compiled, err := ready(p)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", p.Code, err)
		}
		list = append(list, belonging{compiled, slices.Clone(p.ICPCodes)})
	}
	slices.SortStableFunc(list, func(a, b belonging) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), strings.Compare(a.Code, b.Code))
	})
	return list, nil
}

// ready checks a profile, but for whether its ICPs exist, and compiles it.
func ready(p *signalbox.Profile) (*profile, error) {
	if err := checkProfile(p); err != nil {
		return nil, err
	}
	own := *p
	own.Parameters = slices.Clone(p.Parameters)
	r := &profile{Profile: &own}
	for i := range p.Parameters {
		if err := checkParameter(p.Parameters, i); err != nil {
			return nil, err
		}
		q := &p.Parameters[i]
		program, err := compileParameter(q.When, i)
		if err != nil {
			return nil, err
		}
		r.questions = append(r.questions, question{program: program, place: i, mode: q.Mode, onMissing: q.OnMissing, weight: q.Weight, share: q.Weight})
		r.shares += q.Weight
	}
	if r.shares == 0 {
		r.shares = len(r.questions)
		for i := range r.questions {
			r.questions[i].share = 1
		}
	}
	slices.SortStableFunc(r.questions, func(a, b question) int { return cmp.Compare(a.late(), b.late()) })
	r.places = make([]int, len(r.questions))
	for i := range r.questions {
		r.places[r.questions[i].place] = i
	}
	return r, nil
}

// asked is the question of a parameter.
func (p *profile) asked(parameter int) *question { return &p.questions[p.places[parameter]] }

// late orders questions: what may settle the profile comes first.
func (q *question) late() int {
	if q.mode == signalbox.ModeScore {
		return 1
	}
	return 0
}

// readAll gathers what profiles read.
func (m *Model) readAll(profiles []belonging) {
	m.reads.Types = []string{}
	atoms := map[string]expr.Atom{}
	for _, p := range profiles {
		for i := range p.questions {
			m.reads = union(m.reads, p.questions[i].program.Reads())
			for _, a := range p.questions[i].program.Atoms() {
				a.Keep = max(a.Keep, atoms[a.Key].Keep)
				atoms[a.Key] = a
			}
		}
	}
	slices.Sort(m.reads.Fields)
	m.reads.Fields = slices.Compact(m.reads.Fields)
	slices.Sort(m.reads.Types)
	m.reads.Types = slices.Compact(m.reads.Types)
	for _, a := range atoms {
		m.atoms = append(m.atoms, a)
	}
	slices.SortFunc(m.atoms, func(a, b expr.Atom) int { return strings.Compare(a.Key, b.Key) })
}

// union joins what two programs read; names may come twice, in any order.
func union(a, b expr.Reads) expr.Reads {
	u := expr.Reads{
		Fields: append(a.Fields, b.Fields...),
		Signal: a.Signal || b.Signal, Account: a.Account || b.Account, Contact: a.Contact || b.Contact,
		Signals: a.Signals || b.Signals, Time: a.Time || b.Time,
	}
	if a.Types != nil && b.Types != nil {
		u.Types = append(a.Types, b.Types...)
	}
	return u
}

// Empty says that there is no live profile.
func (m *Model) Empty() bool { return m.live == 0 }

// Reads is what all live profiles read. Outside of Types no parameter holds, which does not say that no profile fits.
func (m *Model) Reads() expr.Reads {
	r := m.reads
	r.Fields, r.Types = slices.Clone(r.Fields), slices.Clone(r.Types)
	return r
}

// Atoms are the questions on signals of one profile, draft or live, as those of a [Model] are: whoever has [Explain] judge it answers them. Its error is that
// of [Check].
func Atoms(p *signalbox.Profile) ([]expr.Atom, error) {
	r, err := ready(p)
	if err != nil {
		return nil, err
	}
	m := &Model{}
	m.readAll([]belonging{{profile: r}})
	return m.atoms, nil
}

// Atoms are the questions on signals of all live profiles, each once, and keeping as many times as the one that needs most; by key.
func (m *Model) Atoms() []expr.Atom { return slices.Clone(m.atoms) }
