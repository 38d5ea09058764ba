package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"signalbox"
)

const saveQualificationSQL = `
INSERT INTO qualifications (workspace_id, entity_id, at, icp, icp_score, persona, persona_score, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (workspace_id, entity_id) DO UPDATE
   SET at = excluded.at,
       icp = excluded.icp,
       icp_score = excluded.icp_score,
       persona = excluded.persona,
       persona_score = excluded.persona_score,
       body = excluded.body`

const dropQualificationSQL = `
DELETE FROM qualifications
 WHERE workspace_id = $1 AND entity_id = $2`

// saveQualifications keeps the last word on each record.
func (t *tx) saveQualifications(d *signalbox.Decision) error {
	if len(d.Qualified) == 0 {
		return nil
	}
	last := make(map[signalbox.EntityID]int, len(d.Qualified))
	for i := range d.Qualified {
		last[d.Qualified[i].Entity] = i
	}
	var put, gone []signalbox.Qualification
	for i, q := range d.Qualified {
		switch {
		case last[q.Entity] != i:
		case q.Body == nil:
			gone = append(gone, q)
		default:
			put = append(put, q)
		}
	}
	err := each(t, saveQualificationSQL, put, func(s *stmt, q *signalbox.Qualification) {
		s.id(int64(q.Workspace)).id(int64(q.Entity)).time(q.At)
		s.text(q.Short.ICP).int(int64(q.Short.ICPScore)).text(q.Short.Persona).int(int64(q.Short.PersonaScore)).json(q.Body)
	})
	if err != nil {
		return err
	}
	return each(t, dropQualificationSQL, gone, func(s *stmt, q *signalbox.Qualification) { s.id(int64(q.Workspace)).id(int64(q.Entity)) })
}

const (
	qualificationSQL = `
SELECT at, icp, icp_score, persona, persona_score, body
  FROM qualifications
 WHERE workspace_id = $1 AND entity_id = $2`

	saveProfileVersionSQL = `
INSERT INTO profile_versions (workspace_id, kind, code, version, body)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (workspace_id, kind, code, version) DO UPDATE
   SET body = excluded.body`

	profileVersionSQL = `
SELECT body
  FROM profile_versions
 WHERE workspace_id = $1 AND kind = $2 AND code = $3 AND version = $4`
)

// profileVersion names a version of an ICP or a persona.
type profileVersion struct {
	kind    signalbox.DefinitionKind
	code    string
	version int64
}

// keptFit is a fit as it is kept.
type keptFit struct {
	signalbox.Fit
	ICPs     []signalbox.Judged `json:"icps"`
	Personas []signalbox.Judged `json:"personas"`
}

// Qualifications answers what the qualifications of records came to, by record; what was never qualified is left out.
func (db *DB) Qualifications(ctx context.Context, ws signalbox.WorkspaceID, ids []signalbox.EntityID) (map[signalbox.EntityID]signalbox.Fit, error) {
	found := make(map[signalbox.EntityID]signalbox.Fit, len(ids))
	err := db.read(ctx, func(t *tx) error {
		clear(found) // a read may run again
		kept, err := t.keptFits(ws, ids)
		if err != nil {
			return err
		}
		profiles, err := t.profileVersions(ws, kept)
		if err != nil {
			return err
		}
		for e, k := range kept {
			k.Fit.ICPs, k.Fit.Personas = verdicts(k.ICPs, signalbox.DefinedICP, profiles), verdicts(k.Personas, signalbox.DefinedPersona, profiles)
			found[e] = k.Fit
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read qualifications: %w", err)
	}
	return found, nil
}

func (t *tx) keptFits(ws signalbox.WorkspaceID, ids []signalbox.EntityID) (map[signalbox.EntityID]keptFit, error) {
	kept := make(map[signalbox.EntityID]keptFit, len(ids))
	var bad error
	err := lookUp(t, qualificationSQL, 6, ids, func(s *stmt, e *signalbox.EntityID) { s.id(int64(ws)).id(int64(*e)) }, func(r *row, e *signalbox.EntityID) {
		k := keptFit{Fit: signalbox.Fit{At: r.time(0), ICP: r.text(1), ICPScore: int(r.int(2)), Persona: r.text(3), PersonaScore: int(r.int(4))}}
		if err := json.Unmarshal([]byte(r.text(5)), &k); err != nil {
			bad = err
		}
		kept[*e] = k
	})
	return kept, cmp.Or(err, bad)
}

// profileVersions reads what those profiles ask that fits name.
func (t *tx) profileVersions(ws signalbox.WorkspaceID, kept map[signalbox.EntityID]keptFit) (map[profileVersion]*signalbox.Profile, error) {
	profiles := map[profileVersion]*signalbox.Profile{}
	for _, k := range kept {
		for i := range k.ICPs {
			profiles[profileVersion{signalbox.DefinedICP, k.ICPs[i].Code, k.ICPs[i].Version}] = nil
		}
		for i := range k.Personas {
			profiles[profileVersion{signalbox.DefinedPersona, k.Personas[i].Code, k.Personas[i].Version}] = nil
		}
	}
	var bad error
	bind := func(s *stmt, v *profileVersion) { s.id(int64(ws)).text(string(v.kind)).text(v.code).int(v.version) }
	err := lookUp(t, profileVersionSQL, 1, slices.Collect(maps.Keys(profiles)), bind, func(r *row, v *profileVersion) {
		p := &signalbox.Profile{}
		if err := json.Unmarshal([]byte(r.text(0)), p); err != nil {
			bad = err
		}
		profiles[*v] = p
	})
	return profiles, cmp.Or(err, bad)
}

func verdicts(list []signalbox.Judged, kind signalbox.DefinitionKind, profiles map[profileVersion]*signalbox.Profile) []signalbox.ProfileVerdict {
	if list == nil {
		return nil
	}
	out := make([]signalbox.ProfileVerdict, len(list))
	for i := range list {
		out[i] = list[i].Verdict(profiles[profileVersion{kind, list[i].Code, list[i].Version}])
	}
	return out
}

// keepProfile keeps a version of an ICP or a persona: qualifications name it for as long as they stand.
func (t *tx) keepProfile(d *signalbox.Definition) error {
	if d.Kind != signalbox.DefinedICP && d.Kind != signalbox.DefinedPersona {
		return nil
	}
	_, err := t.exec(saveProfileVersionSQL, id(d.Workspace), string(d.Kind), d.Code, d.Revision, textBytes(d.Body))
	return err
}

const (
	enterAudienceSQL = `
INSERT INTO audience_members (workspace_id, audience_id, entity_id, since)
VALUES ($1, $2, $3, $4)
ON CONFLICT (workspace_id, audience_id, entity_id) DO NOTHING`

	leaveAudienceSQL = `
DELETE FROM audience_members
 WHERE workspace_id = $1 AND audience_id = $2 AND entity_id = $3`

	// stirSQL has the contacts of an account looked at. More than a slice of them are left to their next signal.
	stirSQL = `
INSERT INTO due (kind, subject, workspace_id, at)
SELECT 8, id, workspace_id, $3
  FROM contacts
 WHERE workspace_id = $1 AND account_id = $2 AND erased_at IS NULL
 ORDER BY id
 LIMIT 1000
ON CONFLICT (kind, subject) DO UPDATE
   SET at = excluded.at
 WHERE excluded.at < due.at` // signalbox.DueRecord, signalbox.SliceRows
)

// saveMoves writes who entered and left audiences, each pair's last move alone, and has those looked at whose accounts have changed.
func (t *tx) saveMoves(d *signalbox.Decision) error {
	type pair struct {
		audience signalbox.AudienceID
		entity   signalbox.EntityID
	}
	last := map[pair]int{}
	for i := range d.Moves {
		last[pair{d.Moves[i].Audience, d.Moves[i].Entity}] = i
	}
	var in, out []signalbox.AudienceMove
	for i, m := range d.Moves {
		switch {
		case last[pair{m.Audience, m.Entity}] != i:
		case m.Entered:
			in = append(in, m)
		default:
			out = append(out, m)
		}
	}
	err := each(t, enterAudienceSQL, in, func(s *stmt, m *signalbox.AudienceMove) {
		s.id(int64(m.Workspace)).id(int64(m.Audience)).id(int64(m.Entity)).time(m.At)
	})
	if err != nil {
		return err
	}
	return each(t, leaveAudienceSQL, out, func(s *stmt, m *signalbox.AudienceMove) {
		s.id(int64(m.Workspace)).id(int64(m.Audience)).id(int64(m.Entity))
	})
}

// saveStirred has the contacts of accounts looked at that have changed.
func (t *tx) saveStirred(d *signalbox.Decision) error {
	seen := map[signalbox.AccountID]bool{}
	for _, s := range d.Stirred {
		if seen[s.Account] {
			continue
		}
		seen[s.Account] = true
		if _, err := t.exec(stirSQL, id(s.Workspace), id(s.Account), s.At); err != nil {
			return err
		}
	}
	return nil
}

const insertCaptureSQL = `
INSERT INTO captures (workspace_id, key, signal_id, account_id, contact_id)
VALUES ($1, $2, $3, $4, $5)`

func (t *tx) saveCaptures(d *signalbox.Decision) error {
	return each(t, insertCaptureSQL, d.Captures, func(s *stmt, c *signalbox.Capture) {
		s.id(int64(c.Key.Workspace)).blob(c.Key.Key[:]).id(int64(c.Signal)).id(int64(c.Account)).id(int64(c.Contact))
	})
}

const captureSQL = `
SELECT signal_id, account_id, contact_id
  FROM captures
 WHERE workspace_id = $1 AND key = $2`

// captured finds the signals that are known by the turn's capture keys.
func (l *loader) captured(n *signalbox.Need) error {
	return lookUp(l.t, captureSQL, 3, n.Captures, bindCapture, l.capture)
}

// findCaptured is captured in a batch.
func (l *loader) findCaptured(n *signalbox.Need) error {
	return findBatch(l.t, captureSQL, 3, n.Captures, bindCapture, func(r *row, k *signalbox.AnswerKey) error {
		l.capture(r, k)
		return nil
	})
}

func bindCapture(s *stmt, k *signalbox.AnswerKey) { s.id(int64(k.Workspace)).blob(k.Key[:]) }

func (l *loader) capture(r *row, k *signalbox.AnswerKey) {
	l.s.Captures[*k] = signalbox.Capture{Key: *k, Signal: signalbox.SignalID(r.int(0)), Account: signalbox.AccountID(r.int(1)), Contact: signalbox.ContactID(r.int(2))}
}

const dropCapturesSQL = `
DELETE FROM captures
 WHERE workspace_id = $1 AND signal_id = $2`

// forgetCaptures drops by what signals were known that are gone.
func (t *tx) forgetCaptures(gone []signalbox.Signal) error {
	return each(t, dropCapturesSQL, gone, func(s *stmt, g *signalbox.Signal) { s.id(int64(g.Workspace)).id(int64(g.ID)) })
}

const audienceMembersSQL = `
SELECT entity_id, since
  FROM audience_members
 WHERE workspace_id = $1 AND audience_id = $2 AND entity_id < $3
 ORDER BY entity_id DESC
 LIMIT $4`

// AudienceMembers answers a page of those who are in an audience, those who are known last first.
func (db *DB) AudienceMembers(ctx context.Context, ws signalbox.WorkspaceID, of signalbox.AudienceID, p signalbox.Page) (list []signalbox.AudienceMember, next int64, err error) {
	return fill(ctx, db, p, listing[signalbox.AudienceMember]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			return t.query(audienceMembersSQL, []any{id(ws), id(of), before, n}, each)
		},
		scan: func(r *row) (signalbox.AudienceMember, error) {
			return signalbox.AudienceMember{Entity: signalbox.EntityID(r.int(0)), Since: r.time(1)}, nil
		},
	})
}

const countAudienceSQL = `
SELECT count(*)
  FROM audience_members
 WHERE workspace_id = $1 AND audience_id = $2`

// CountMembers says how many are in an audience.
func (db *DB) CountMembers(ctx context.Context, ws signalbox.WorkspaceID, of signalbox.AudienceID) (n int64, err error) {
	err = db.read(ctx, func(t *tx) error {
		n, err = t.count(countAudienceSQL, id(ws), id(of))
		return err
	})
	return n, err
}

const dropMembersSQL = `
DELETE FROM audience_members
 WHERE workspace_id = $1 AND audience_id = $2
   AND entity_id IN (SELECT entity_id
                       FROM audience_members
                      WHERE workspace_id = $1 AND audience_id = $2
                      ORDER BY entity_id
                      LIMIT $3)`

// sliceEmpty takes the members of a deleted audience out of it, as far as one slice goes.
func (t *tx) sliceEmpty(j *jobRow, now time.Time) error {
	n, err := t.exec(dropMembersSQL, id(j.Workspace), j.Subject, signalbox.SliceRows)
	if err != nil {
		return fmt.Errorf("empty an audience: %w", err)
	}
	if j.Done += n; n < signalbox.SliceRows {
		j.end(signalbox.JobDone, now)
	}
	return nil
}
