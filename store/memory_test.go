package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/internal/boxtest/storesuite"
	"signalbox/store"
)

// remembered is a workspace that one process or two write to at random, and the keys of all that was ever in it.
type remembered struct {
	nodes    []*storesuite.Box
	keys     []signalbox.RecordKey
	accounts []signalbox.AccountID
	contacts []signalbox.ContactID
	hits     int
}

// situation is what a node knows when it decides about everything.
func (r *remembered) situation(node *storesuite.Box) (s *signalbox.Situation) {
	node.Helper()
	need := signalbox.Need{Workspaces: []signalbox.WorkspaceID{node.WS}, Keys: r.keys, Accounts: r.accounts, Contacts: r.contacts}
	node.Must(node.DB.Decide(context.Background(), func() signalbox.Need { return need },
		func(now *signalbox.Situation) (*signalbox.Decision, error) {
			s = now
			return nil, nil
		}))
	return s
}

// rename changes a record that its key leads to, as a later signal does.
func (r *remembered) rename(node *storesuite.Box, key signalbox.RecordKey, name string) {
	need := signalbox.Need{Workspaces: []signalbox.WorkspaceID{node.WS}, Keys: []signalbox.RecordKey{key}}
	node.Must(node.DB.Decide(context.Background(), func() signalbox.Need { return need },
		func(s *signalbox.Situation) (*signalbox.Decision, error) {
			d := &signalbox.Decision{}
			e := s.Keys[key]
			if a := s.Accounts[signalbox.AccountID(e)]; a != nil && key.Kind == signalbox.KeyDomain {
				a.Name, a.Revision = name, a.Revision+1
				d.Accounts = append(d.Accounts, signalbox.Written[signalbox.Account]{Row: a})
			} else if c := s.Contacts[signalbox.ContactID(e)]; c != nil {
				c.FirstName, c.Revision = name, c.Revision+1
				d.Contacts = append(d.Contacts, signalbox.Written[signalbox.Contact]{Row: c})
			}
			return d, nil
		}))
}

// step does one thing at random.
func (r *remembered) step(t *rapid.T, n int) {
	node := rapid.SampledFrom(r.nodes).Draw(t, "node")
	account := func() signalbox.AccountID { return rapid.SampledFrom(r.accounts).Draw(t, "account") }
	switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
	case what == 0 || len(r.accounts) == 0:
		domain := fmt.Sprintf("d%d.com", n)
		r.accounts = append(r.accounts, node.NewAccount(domain, "").ID)
		r.keys = append(r.keys, node.DomainKey(domain))
	case what == 1 || len(r.contacts) == 0:
		email := fmt.Sprintf("p%d@d.com", n)
		r.contacts = append(r.contacts, node.NewContact(account(), email, "", "").ID)
		r.keys = append(r.keys, node.EmailKey(email))
	case what == 2:
		node.RunJob(node.NewJob(signalbox.JobEraseAccount, int64(account())).ID)
	case what == 3:
		node.RunJob(node.NewJob(signalbox.JobEraseContact, int64(rapid.SampledFrom(r.contacts).Draw(t, "contact"))).ID)
	case what < 6:
		r.rename(node, rapid.SampledFrom(r.keys).Draw(t, "key"), fmt.Sprint("n", n))
	default:
		node.Send(storesuite.Sent{Account: account(), Contact: rapid.SampledFrom(r.contacts).Draw(t, "contact")})
	}
}

// check holds what a node remembers against what is stored.
func (r *remembered) check(t *rapid.T) {
	for _, node := range r.nodes {
		r.situation(node)
		r.hits += store.Remembers(node.DB)
		with := r.situation(node)
		store.Forget(node.DB)
		without := r.situation(node)
		for what, pair := range map[string][2]any{
			"heads": {with.Heads, without.Heads}, "keys": {with.Keys, without.Keys}, "accounts": {with.Accounts, without.Accounts},
			"contacts": {with.Contacts, without.Contacts}, "states": {with.States, without.States},
		} {
			if !reflect.DeepEqual(pair[0], pair[1]) {
				t.Fatalf("%s from memory: %+v\nstored: %+v", what, pair[0], pair[1])
			}
		}
	}
}

// memoryTest runs random steps on nodes that share a database.
func memoryTest(t *testing.T, nodes []*storesuite.Box) {
	hits := 0
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		ws := nodes[0].NewWorkspace(fmt.Sprint("w", run))
		r := &remembered{nodes: nodes}
		for _, n := range nodes {
			n.WS = ws
		}
		for n := range rapid.IntRange(1, 25).Draw(rt, "steps") {
			r.step(rt, n)
			if rapid.IntRange(0, 3).Draw(rt, "check") == 0 {
				r.check(rt)
			}
		}
		r.check(rt)
		hits += r.hits
	})
	if hits == 0 {
		t.Error("nothing was ever remembered: the test saw nothing")
	}
}

func TestMemory_IsWhatIsStored(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "box.db"), Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	memoryTest(t, []*storesuite.Box{storesuite.NewBox(t, db, storesuite.Start)})
}

func TestMemory_OfTwoNodesIsWhatIsStored(t *testing.T) {
	t.Parallel()
	one, two := twoNodes(t)
	memoryTest(t, []*storesuite.Box{one, two})
}

// twoNodes share a database and its workspace.
func twoNodes(t *testing.T) (*storesuite.Box, *storesuite.Box) {
	t.Helper()
	url := postgres(t).Schema(t)
	one := storesuite.NewBox(t, box(t, url), storesuite.Start)
	two := *one
	two.DB = box(t, url)
	return one, &two
}

// However many records there are, memory has an end.
func TestMemory_IsBounded(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	const rows = 1000
	for n := 0; n <= store.MaxRemembered+2*rows; n += rows {
		d := &signalbox.Decision{}
		for i := range rows {
			a := &signalbox.Account{ID: signalbox.AccountID(s.id()), Workspace: s.ws, Domain: fmt.Sprintf("d%d.com", n+i), CreatedAt: s.now, UpdatedAt: s.now}
			d.Accounts = append(d.Accounts, signalbox.Written[signalbox.Account]{Row: a, New: true})
		}
		if err := s.decide(d); err != nil {
			t.Fatal(err)
		}
		if got := store.Remembers(s.DB); got > store.MaxRemembered || got == 0 && n > 0 {
			t.Fatalf("%d records are remembered after %d were written, want at most %d", got, n+rows, store.MaxRemembered)
		}
	}
}

// What another node has changed is read anew, and nothing else is, until it is so far ahead that nobody knows what it has changed.
func TestMemory_KeepsWhatAnotherNodeLeftAlone(t *testing.T) {
	t.Parallel()
	one, two := twoNodes(t)
	r := &remembered{}
	for i := range 10 {
		domain := fmt.Sprintf("d%d.com", i)
		one.NewAccount(domain, "")
		r.keys = append(r.keys, one.DomainKey(domain))
	}
	r.situation(one)
	idle := &remembered{}
	for turns, want := range []int{10, 9, 8, 7} {
		idle.situation(one) // a turn that asks for nothing
		if got := store.Remembers(one.DB); got != want {
			t.Errorf("%d accounts are remembered after %d turns of another node, want %d", got, turns, want)
		}
		r.rename(two, r.keys[turns], "changed")
	}
	for range store.MaxChanges {
		r.rename(two, r.keys[9], "changed again")
	}
	idle.situation(one)
	if got := store.Remembers(one.DB); got != 0 {
		t.Errorf("%d accounts are remembered though another node was ahead for more turns than a head tells of", got)
	}
	if got := r.situation(one).Accounts; len(got) != 10 {
		t.Errorf("%d accounts are found, want 10", len(got))
	}
}
