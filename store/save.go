package store

import (
	"fmt"
	"slices"

	"signalbox"
)

// save writes a Decision, table by table, with one prepared statement for each. The heads tell under the
// stamp which records it has changed.
func (t *tx) save(d *signalbox.Decision, m *remembering, stamp int64) error {
	t.proveDecision(d)
	return t.unheard(func() error { return t.saveAll(d, m, stamp) })
}

func (t *tx) saveAll(d *signalbox.Decision, m *remembering, stamp int64) error {
	for _, step := range []struct {
		what string
		run  func(*signalbox.Decision) error
	}{
		{"heads", func(d *signalbox.Decision) error { return t.saveHeads(d, m, stamp) }},
		{"types", t.saveTypes},
		{"keys", t.saveKeys},
		{"accounts", t.saveAccounts},
		{"contacts", t.saveContacts},
		{"words", t.saveWords},
		{"states", t.saveStates},
		{"signals", t.saveSignals},
		{"events", t.saveEvents},
		{"deliveries", t.saveDeliveries},
		{"answers", t.saveAnswered},
		{"meters", t.saveMeters},
		{"jobs", t.saveJobs},
		{"audit entries", t.saveAudit},
		{"log", t.forgetErased},
		{"tallies", t.saveTallies},
		{"merges", t.saveMerges},
		{"imports", t.saveImports},
		{"qualifications", t.saveQualifications},
		{"members of audiences", t.saveMoves},
		{"captures", t.saveCaptures},
		{"linked accounts", t.saveLinked},
		{"slices of streams", t.saveSynced},
		{"due rows", t.saveDue},
		{"contacts of accounts", t.saveStirred},
	} {
		if err := step.run(d); err != nil {
			return fmt.Errorf("save %s: %w", step.what, err)
		}
	}
	return nil
}

// each runs a statement once for every row of a decision, with what bind gives it.
func each[T any](t *tx, sql string, rows []T, bind func(*stmt, *T)) error {
	if t.pg != nil {
		return runBatch(t, sql, rows, bind)
	}
	for i := range rows {
		s, err := t.stmt(sql)
		if err != nil {
			return err
		}
		bind(s, &rows[i])
		if _, err := s.run(); err != nil {
			return err
		}
	}
	return nil
}

// written inserts the rows that are new and replaces the others, each of which must be there: a decision never writes over nothing.
func written[T any](t *tx, insert, update string, rows []T, isNew func(*T) bool, bind func(*stmt, *T)) error {
	if t.pg != nil {
		return writtenBatch(t, insert, update, rows, isNew, bind)
	}
	for i := range rows {
		sql := update
		if isNew(&rows[i]) {
			sql = insert
		}
		s, err := t.stmt(sql)
		if err != nil {
			return err
		}
		bind(s, &rows[i])
		if err := s.runOne(); err != nil {
			return err
		}
	}
	return nil
}

const saveHeadSQL = `
UPDATE heads
   SET definitions_version = $2,
       last_id = $3,
       types = $4,
       signals = signals + $5,
       changes = $6
 WHERE workspace_id = $1`

const changedHeadSQL = `
UPDATE heads
   SET signals = signals + $2,
       changes = $3
 WHERE workspace_id = $1`

// saveHeads also counts the signals of the decision.
func (t *tx) saveHeads(d *signalbox.Decision, m *remembering, stamp int64) error {
	signals := map[signalbox.WorkspaceID]int64{}
	for i := range d.Signals {
		signals[d.Signals[i].Workspace]++
	}
	all := t.pg == nil || erases(d) // nobody else has an embedded database
	for ws, entities := range writtenIn(d) {
		var err error
		told := m.heads[ws].with(stamp, entities, all)
		if h, changed := d.Heads[ws]; changed {
			_, err = t.exec(saveHeadSQL, ws, h.Definitions, h.LastID, h.Types, signals[ws], []byte(told))
		} else {
			_, err = t.exec(changedHeadSQL, ws, signals[ws], []byte(told))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const insertTypeSQL = `
INSERT INTO signal_types (id, workspace_id, name, declared, created_at)
VALUES ($1, $2, $3, $4, $5)`

func (t *tx) saveTypes(d *signalbox.Decision) error {
	return each(t, insertTypeSQL, d.Types, func(s *stmt, y *signalbox.SignalType) {
		s.id(int64(y.ID)).id(int64(y.Workspace)).text(y.Name).bool(y.Declared).time(y.CreatedAt)
	})
}

const deleteRecordKeySQL = `
DELETE FROM record_keys
 WHERE workspace_id = $1
   AND kind = $2
   AND value = $3`

const insertRecordKeySQL = `
INSERT INTO record_keys (workspace_id, kind, value, entity_id)
VALUES ($1, $2, $3, $4)`

// saveKeys frees before it takes: a key may pass from one record to another in one decision.
func (t *tx) saveKeys(d *signalbox.Decision) error {
	err := each(t, deleteRecordKeySQL, d.Freed, func(s *stmt, k *signalbox.RecordKey) {
		s.id(int64(k.Workspace)).int(int64(k.Kind)).text(k.Value)
	})
	if err != nil {
		return err
	}
	return each(t, insertRecordKeySQL, d.Keys, func(s *stmt, k *signalbox.NewKey) {
		s.id(int64(k.Workspace)).int(int64(k.Kind)).text(k.Value).id(int64(k.Entity))
	})
}

const insertAccountSQL = `
INSERT INTO accounts (id, workspace_id, domain, name, status, attributes, revision, created_at, updated_at, erased_at, merged_into, merged,
                      sorted)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

const updateAccountSQL = `
UPDATE accounts
   SET domain = $3,
       name = $4,
       status = $5,
       attributes = $6,
       revision = $7,
       created_at = $8,
       updated_at = $9,
       erased_at = $10,
       merged_into = $11,
       merged = $12,
       sorted = $13
 WHERE id = $1
   AND workspace_id = $2`

func (t *tx) saveAccounts(d *signalbox.Decision) error {
	return written(t, insertAccountSQL, updateAccountSQL, d.Accounts,
		func(w *signalbox.Written[signalbox.Account]) bool { return w.New },
		func(s *stmt, w *signalbox.Written[signalbox.Account]) {
			a := w.Row
			s.id(int64(a.ID)).id(int64(a.Workspace)).text(a.Domain).text(a.Name).text(a.Status).json(a.Attributes)
			s.int(a.Revision).time(a.CreatedAt).time(a.UpdatedAt).time(a.ErasedAt)
			s.id(int64(a.MergedInto)).merged(a.Merged).text(sortedBy(a))
		})
}

const insertContactSQL = `
INSERT INTO contacts (id, workspace_id, account_id, email, first_name, last_name, title, linkedin_url, attributes, by_hand, revision,
                      created_at, updated_at, erased_at, merged_into, merged, sorted)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`

const updateContactSQL = `
UPDATE contacts
   SET account_id = $3,
       email = $4,
       first_name = $5,
       last_name = $6,
       title = $7,
       linkedin_url = $8,
       attributes = $9,
       by_hand = $10,
       revision = $11,
       created_at = $12,
       updated_at = $13,
       erased_at = $14,
       merged_into = $15,
       merged = $16,
       sorted = $17
 WHERE id = $1
   AND workspace_id = $2`

func (t *tx) saveContacts(d *signalbox.Decision) error {
	return written(t, insertContactSQL, updateContactSQL, d.Contacts,
		func(w *signalbox.Written[signalbox.Contact]) bool { return w.New },
		func(s *stmt, w *signalbox.Written[signalbox.Contact]) {
			c := w.Row
			s.id(int64(c.ID)).id(int64(c.Workspace)).id(int64(c.Account)).text(c.Email).text(c.FirstName).text(c.LastName).text(c.Title)
			s.text(c.LinkedInURL).json(c.Attributes).int(int64(c.ByHand)).int(c.Revision)
			s.time(c.CreatedAt).time(c.UpdatedAt).time(c.ErasedAt).id(int64(c.MergedInto)).merged(c.Merged).text(sortedBy(c))
		})
}

const insertStateSQL = `
INSERT INTO entity_states (entity_id, workspace_id, last_signal_id, last_signal_at, signals, account_rank, contact_rank, standing,
                           following, lead_rank, account_score, contact_score, account_stage, contact_stage, score_due)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`

const updateStateSQL = `
UPDATE entity_states
   SET last_signal_id = $3,
       last_signal_at = $4,
       signals = $5,
       account_rank = $6,
       contact_rank = $7,
       standing = $8,
       following = $9,
       lead_rank = $10,
       account_score = $11,
       contact_score = $12,
       account_stage = $13,
       contact_stage = $14,
       score_due = $15
 WHERE entity_id = $1
   AND workspace_id = $2`

func (t *tx) saveStates(d *signalbox.Decision) error {
	return written(t, insertStateSQL, updateStateSQL, d.States,
		func(v **signalbox.EntityState) bool { return (*v).New },
		func(s *stmt, row **signalbox.EntityState) {
			v := *row
			s.id(int64(v.Entity)).id(int64(v.Workspace)).id(int64(v.LastSignal)).time(v.LastSignalAt).int(v.Signals)
			if v.Kind == signalbox.ContactRecord {
				s.null().time(v.Ranked)
			} else {
				s.time(v.Ranked).null()
			}
			s.blob(v.Standing).blob(v.Following)
			if v.Lead && v.Kind == signalbox.AccountRecord {
				s.time(v.Ranked)
			} else {
				s.null()
			}
			s.scoreRank(v.Kind, v.Score, v.Stage)
		})
}

// scoreRank binds where a record stands in lists by score and in which stage: those of accounts and those of contacts are columns apart, as their lists are.
func (s *stmt) scoreRank(kind signalbox.RecordKind, rank signalbox.ScoreRank, stage string) *stmt {
	account := kind != signalbox.ContactRecord
	for _, own := range []bool{account, !account} {
		if own && rank.On {
			s.int(rank.Key)
		} else {
			s.null()
		}
	}
	for _, own := range []bool{account, !account} {
		if own {
			s.json(orNull(stage))
		} else {
			s.null()
		}
	}
	return s.time(rank.Due)
}

const insertSignalSQL = `
INSERT INTO signals (id, workspace_id, type_id, source, account_id, contact_id, occurred_at, created_at, properties, backfill,
                     prev_account_signal_id, prev_contact_signal_id, caused_to, erased_at, points, rules, event_name, held)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`

const countedSignalsSQL = `
UPDATE heads
   SET signals = signals + $2
 WHERE workspace_id = $1`

func (t *tx) saveSignals(d *signalbox.Decision) error {
	return each(t, insertSignalSQL, d.Signals, func(s *stmt, g *signalbox.Signal) {
		s.id(int64(g.ID)).id(int64(g.Workspace)).id(int64(g.TypeID)).text(g.Source).id(int64(g.Account)).id(int64(g.Contact))
		s.time(g.OccurredAt).time(g.CreatedAt).json(g.Properties).bool(g.Backfill)
		s.id(int64(g.PrevAccount)).id(int64(g.PrevContact)).int(max(g.CausedTo, int64(g.ID))).time(g.ErasedAt).int(int64(g.Points)).json(g.Rules)
		s.json(orNull(g.EventName)).bool(g.Held)
	})
}

// orNull is a text as it is stored where NULL says that there is none.
func orNull(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

const insertEventSQL = `
INSERT INTO events (id, workspace_id, name, signal_id, account_id, contact_id, stairoids, standard, vendor, caused_to, test, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

func (t *tx) saveEvents(d *signalbox.Decision) error {
	return each(t, insertEventSQL, d.Events, bindEvent)
}

// insertEvent adds one event.
func (t *tx) insertEvent(e signalbox.Event) error {
	return each(t, insertEventSQL, []signalbox.Event{e}, bindEvent)
}

func bindEvent(s *stmt, e *signalbox.Event) {
	s.id(int64(e.ID)).id(int64(e.Workspace)).text(e.Name).id(int64(e.Signal)).id(int64(e.Account)).id(int64(e.Contact))
	s.json(e.Bodies.Stairoids).json(e.Bodies.Standard).json(e.Bodies.Vendor).int(max(e.CausedTo, int64(e.ID))).bool(e.Test).time(e.CreatedAt)
}

const insertDeliverySQL = `
INSERT INTO deliveries (id, workspace_id, webhook_id, event_id, event_name, state, reason, attempts, due_at, lease_node, lease_generation,
                        manual_state, manual_reason, manual_due_at, test, created_at, done_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`

func (t *tx) saveDeliveries(d *signalbox.Decision) error { return t.insertDeliveries(d.Deliveries) }

// bornDelivery is a delivery as it is inserted.
type bornDelivery struct {
	*signalbox.NewDelivery
	leased bool
}

// insertDeliveries adds deliveries. Free ones that are due make their lane due, once per lane; a lease that has ended meanwhile counts
// as none, so that nothing is left that nobody would send.
func (t *tx) insertDeliveries(rows []signalbox.NewDelivery) error {
	if t.pg != nil {
		return t.insertDeliveryBatch(rows)
	}
	lanes := map[signalbox.WebhookID]signalbox.Due{}
	born := make([]bornDelivery, len(rows))
	var known signalbox.Lease
	var holds bool
	for i := range rows {
		n := &rows[i]
		if n.Lease != (signalbox.Lease{}) && n.Lease != known {
			var err error
			if holds, err = t.leaseHolds(n.Lease); err != nil {
				return err
			}
			known = n.Lease
		}
		born[i] = bornDelivery{n, n.Lease != (signalbox.Lease{}) && holds && !n.DueAt.IsZero()}
		if lane, ok := lanes[n.Webhook]; !born[i].leased && !n.DueAt.IsZero() && (!ok || n.DueAt.Before(lane.At)) {
			lanes[n.Webhook] = laneDue(n.Workspace, n.Webhook, n.DueAt)
		}
	}
	if err := each(t, insertDeliverySQL, born, bindDelivery); err != nil {
		return err
	}
	return t.armAll(lanes)
}

func bindDelivery(s *stmt, n *bornDelivery) {
	s.id(int64(n.ID)).id(int64(n.Workspace)).id(int64(n.Webhook)).id(int64(n.Event)).text(n.EventName)
	s.int(int64(n.State)).text(n.Reason).int(int64(n.Attempts)).time(n.DueAt)
	if n.leased {
		s.int(int64(n.Lease.Node)).int(n.Lease.Generation)
	} else {
		s.null().null()
	}
	if m := n.Manual; m != nil {
		s.int(int64(m.State)).text(m.Reason).time(m.DueAt)
	} else {
		s.null().null().null()
	}
	s.bool(n.Test).time(n.CreatedAt).time(n.DoneAt)
}

const insertAnswerSQL = `
INSERT INTO answered (workspace_id, day, key, body, signal_id, account_id, contact_id, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

// saveAnswered writes in the order of the keys: neighbours share pages.
func (t *tx) saveAnswered(d *signalbox.Decision) error {
	sorted := slices.SortedFunc(slices.Values(d.Answered), func(a, b signalbox.Answered) int {
		return slices.Compare(a.Key.Key[:], b.Key.Key[:])
	})
	return each(t, insertAnswerSQL, sorted, func(s *stmt, a *signalbox.Answered) {
		s.id(int64(a.Key.Workspace)).int(a.Day).blob(a.Key.Key[:]).blob(a.Body[:])
		s.id(int64(a.Signal)).id(int64(a.Account)).id(int64(a.Contact)).time(a.CreatedAt)
	})
}

const saveMeterSQL = `
INSERT INTO meters (workspace_id, key_id, packed)
VALUES ($1, $2, $3)
ON CONFLICT (workspace_id, key_id) DO UPDATE
   SET packed = excluded.packed`

func (t *tx) saveMeters(d *signalbox.Decision) error {
	type meter struct {
		signalbox.MeterKey
		signalbox.Meter
	}
	list := make([]meter, 0, len(d.Meters))
	for key, m := range d.Meters {
		list = append(list, meter{key, m})
	}
	buf := make([]byte, 0, meterLen)
	return each(t, saveMeterSQL, list, func(s *stmt, m *meter) {
		s.id(int64(m.Workspace)).int(int64(m.Key)).blob(packMeter(buf, &m.Meter))
	})
}

func (t *tx) saveJobs(d *signalbox.Decision) error {
	for i := range d.Jobs {
		if err := t.insertJob(&d.Jobs[i]); err != nil {
			return err
		}
	}
	return nil
}

// runOne executes a statement that must change exactly one row: a decision never writes over nothing.
func (s *stmt) runOne() error {
	changed, err := s.run()
	if err == nil && changed != 1 {
		err = fmt.Errorf("%d rows changed in %q", changed, s.SQL())
	}
	return err
}
