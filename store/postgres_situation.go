package store

import (
	"signalbox"
)

// headsSQL takes the head of a turn's only workspace, and waits for whoever has it: what the statements after it see is what they saved.
const headsSQL = `
SELECT workspace_id, definitions_version, last_id, types, changes
  FROM heads
 WHERE workspace_id = ANY($1::bigint[])
 ORDER BY workspace_id
   FOR NO KEY UPDATE`

// freeHeadsSQL takes those heads of a turn that nobody has: a workspace that another node is deciding for holds up none of the others.
const freeHeadsSQL = headsSQL + ` SKIP LOCKED`

// batched answers a Need by a statement for each kind of look-up, however many there are of it.
func (l *loader) batched(n *signalbox.Need) error {
	for _, step := range []func(*signalbox.Need) error{
		l.takeHeads, l.findTypes, l.findMeters, l.findCaptured, l.findImports, l.findMerges, l.findKeys, l.findAnswered, l.flush, l.fenced,
		l.recallKeys, l.findRecords, l.flush, l.findAccounts, l.flush, l.findGroups, l.linkedStates, l.syncs,
	} {
		if err := step(n); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) flush(*signalbox.Need) error {
	return l.t.pg.flush()
}

func (l *loader) takeHeads(n *signalbox.Need) error {
	if l.holds = len(n.Workspaces) == 0; l.holds {
		return nil
	}
	if err := l.fence(); err != nil {
		return err
	}
	sql := headsSQL
	if len(n.Workspaces) > 1 {
		sql = freeHeadsSQL
		l.s.Busy = make(map[signalbox.WorkspaceID]bool, len(n.Workspaces))
		for _, ws := range n.Workspaces {
			l.s.Busy[ws] = true // unless it is answered; one that does not exist is found to when its turn is its own
		}
	}
	s, err := l.t.stmt(sql)
	if err != nil {
		return err
	}
	bindIDs(s, n.Workspaces)
	return s.pg.later(s.err, func(r *row) error {
		ws := signalbox.WorkspaceID(r.int(0))
		l.s.Heads[ws] = signalbox.Head{Definitions: r.int(1), LastID: r.int(2), Types: r.int(3)}
		l.known(ws, r.bytes(4))
		delete(l.s.Busy, ws)
		return nil
	})
}

func (l *loader) findTypes(n *signalbox.Need) error {
	return findBatch(l.t, typeIDSQL, 1, n.Types,
		func(s *stmt, k *signalbox.TypeKey) { s.id(int64(k.Workspace)).text(k.Name) },
		func(r *row, k *signalbox.TypeKey) error {
			l.s.Types[*k] = signalbox.TypeID(r.int(0))
			return nil
		})
}

// findAnswered looks every key up on every day that its workspace has answers of: the newest answer counts.
func (l *loader) findAnswered(n *signalbox.Need) error {
	type probe struct {
		key signalbox.AnswerKey
		day int64
	}
	var probes []probe
	daysOf := map[signalbox.WorkspaceID][]int64{}
	for _, key := range n.Answered {
		days, ok := daysOf[key.Workspace]
		if !ok {
			var err error
			if days, err = l.answerDays(key.Workspace); err != nil {
				return err
			}
			daysOf[key.Workspace] = days
		}
		for _, day := range days {
			probes = append(probes, probe{key, day})
		}
	}
	return findBatch(l.t, answerSQL, 5, probes,
		func(s *stmt, p *probe) { s.id(int64(p.key.Workspace)).int(p.day).blob(p.key.Key[:]) },
		func(r *row, p *probe) error {
			if known, ok := l.s.Answered[p.key]; !ok || known.Day < p.day {
				l.s.Answered[p.key] = scanAnswer(r, p.key, p.day)
			}
			return nil
		})
}

func (l *loader) findMeters(n *signalbox.Need) error {
	return findBatch(l.t, meterSQL, 1, n.Meters,
		func(s *stmt, k *signalbox.MeterKey) { s.id(int64(k.Workspace)).int(int64(k.Key)) },
		func(r *row, k *signalbox.MeterKey) error {
			if m, ok := unpackMeter(r.bytes(0)); ok {
				l.s.Meters[*k] = m
			}
			return nil
		})
}

// stateFields is how many columns a state has behind its record's.
const stateFields = 11

// findKeys looks keys up, but for those that are remembered: whether that is still true the same trip tells.
func (l *loader) findKeys(n *signalbox.Need) error {
	var unknown []signalbox.RecordKey
	for _, key := range n.Keys {
		if !l.m.offers(key) {
			unknown = append(unknown, key)
		}
	}
	return l.lookUp(unknown)
}

// recallKeys takes what is remembered from memory, and looks up what is so no longer.
func (l *loader) recallKeys(n *signalbox.Need) error {
	for _, ws := range n.Workspaces {
		if _, ok := l.m.heads[ws]; !ok { // somebody else has it, or it is gone: what was read of it may change
			delete(l.m.known, ws)
		}
	}
	var changed []signalbox.RecordKey
	for _, key := range l.m.offered {
		if !l.recall(key) && !l.s.Busy[key.Workspace] {
			changed = append(changed, key)
		}
	}
	return l.lookUp(changed)
}

func (l *loader) lookUp(keys []signalbox.RecordKey) error {
	var accounts, contacts []signalbox.RecordKey
	for _, key := range keys {
		if key.Kind == signalbox.KeyDomain {
			accounts = append(accounts, key)
		} else {
			contacts = append(contacts, key)
		}
	}
	bind := func(s *stmt, k *signalbox.RecordKey) { s.id(int64(k.Workspace)).int(int64(k.Kind)).text(k.Value) }
	each := func(r *row, k *signalbox.RecordKey) error {
		l.found(*k, r)
		return nil
	}
	if err := findBatch(l.t, accountByKeySQL, accountFields+stateFields, accounts, bind, each); err != nil {
		return err
	}
	return findBatch(l.t, contactByKeySQL, contactFields+stateFields, contacts, bind, each)
}

// placed is a record's id and a workspace that it may be of.
type placed struct{ id, workspace int64 }

func bindPlaced(s *stmt, p *placed) { s.int(p.id).int(p.workspace) }

// findRecords loads the contacts that the turn names by id, in any of its workspaces.
func (l *loader) findRecords(n *signalbox.Need) error {
	var contacts []placed
	for _, ws := range n.Workspaces {
		for _, con := range n.Contacts {
			if l.s.Contacts[con] == nil {
				contacts = append(contacts, placed{int64(con), int64(ws)})
			}
		}
	}
	return findBatch(l.t, contactByIDSQL, contactFields+stateFields, contacts, bindPlaced, func(r *row, _ *placed) error {
		l.putContact(r)
		return nil
	})
}

// findAccounts loads the accounts that the turn names by id, and those that contacts lead to.
func (l *loader) findAccounts(n *signalbox.Need) error {
	var accounts []placed
	for _, ws := range n.Workspaces {
		for _, acc := range n.Accounts {
			if l.s.Accounts[acc] == nil {
				accounts = append(accounts, placed{int64(acc), int64(ws)})
			}
		}
	}
	asked := map[signalbox.AccountID]bool{}
	for _, c := range l.s.Contacts {
		if c.Account != 0 && !asked[c.Account] && !l.recallAccount(l.m.known[c.Workspace], c.Account) {
			asked[c.Account] = true
			accounts = append(accounts, placed{int64(c.Account), int64(c.Workspace)})
		}
	}
	return findBatch(l.t, accountByIDSQL, accountFields+stateFields, accounts, bindPlaced, func(r *row, _ *placed) error {
		l.putAccount(r)
		return nil
	})
}
