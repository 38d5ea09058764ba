package store

import (
	"context"
	"fmt"
	"time"

	"signalbox"
)

const sessionColumns = `id, workspace_id, member_id, hash, user_agent, address, created_at, seen_at, expires_at`

const insertSessionSQL = `
INSERT INTO sessions (` + sessionColumns + `)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

const joinMemberSQL = `
UPDATE members
   SET joined_at = coalesce(joined_at, $3), last_seen_at = $3
 WHERE workspace_id = $1 AND id = $2`

// oldestSessionsSQL are those of a member behind the newest ones that stay.
const oldestSessionsSQL = `
SELECT id
  FROM sessions
 WHERE workspace_id = $1 AND member_id = $2 AND id <= $3
 ORDER BY id DESC
 LIMIT $4`

// maxSessions is how many sessions a member has at most: a further sign-in ends the oldest one.
const maxSessions = 100

// CreateSession signs a member in: one who was invited has joined. NoSuch("member") when the member is gone, or its password is another one than the
// sign-in was held against ("" for one that had none to show).
func (db *DB) CreateSession(ctx context.Context, s signalbox.Session, password string) error {
	return db.write(ctx, classManage, func(t *tx) error {
		m, err := t.changedMember(s.Workspace, s.Member)
		if err != nil {
			return err
		}
		if password != "" && m.Password != password {
			return signalbox.NoSuch("member")
		}
		if err := t.createSession(&s); err != nil {
			return err
		}
		return t.audit(ctx, s.Workspace, "member.signed_in", aboutMember(&m), nil, signalbox.Facts{"address": s.Address, "user_agent": s.UserAgent})
	})
}

func (t *tx) createSession(s *signalbox.Session) error {
	if _, err := t.exec(joinMemberSQL, id(s.Workspace), id(s.Member), s.CreatedAt); err != nil {
		return fmt.Errorf("join member: %w", err)
	}
	_, err := t.exec(insertSessionSQL, id(s.ID), id(s.Workspace), id(s.Member), s.Hash[:], s.UserAgent, s.Address, s.CreatedAt, s.SeenAt, s.ExpiresAt)
	if err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	held, err := t.ids(oldestSessionsSQL, id(s.Workspace), id(s.Member), id(s.ID), maxSessions+1)
	if err != nil {
		return err
	}
	for _, old := range held[min(len(held), maxSessions):] {
		if _, err := t.exec(deleteSessionSQL, id(s.Workspace), id(s.Member), old); err != nil {
			return fmt.Errorf("end the oldest session: %w", err)
		}
	}
	return nil
}

// sessionByHashSQL has no workspace: the hash is what tells whose session it is.
const sessionByHashSQL = `
SELECT ` + sessionColumns + `
  FROM sessions
 WHERE hash = $1`

// SessionByHash answers the session of a hash and its member, one that has ended by itself too, or NoSuch("session").
func (db *DB) SessionByHash(ctx context.Context, hash [32]byte) (s signalbox.Session, m signalbox.Member, err error) {
	err = db.read(ctx, func(t *tx) error {
		found, err := t.one(sessionByHashSQL, []any{hash[:]}, func(r *row) { s = scanSession(r) })
		if err := foundOr(found, err, "session"); err != nil {
			return err
		}
		if m, err = t.member(s.Workspace, s.Member); isNoSuch(err) {
			return signalbox.NoSuch("session")
		}
		return err
	})
	return s, m, err
}

// Sessions answers a page of a member's sessions, newest first.
func (db *DB) Sessions(ctx context.Context, ws signalbox.WorkspaceID, member signalbox.MemberID, p signalbox.Page) ([]signalbox.Session, int64, error) {
	return fill(ctx, db, p, listing[signalbox.Session]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			return t.query(sessionsSQL, []any{id(ws), id(member), before, n}, each)
		},
		scan: func(r *row) (signalbox.Session, error) { return scanSession(r), nil },
	})
}

const sessionsSQL = `
SELECT ` + sessionColumns + `
  FROM sessions
 WHERE workspace_id = $1 AND member_id = $2 AND id < $3
 ORDER BY id DESC
 LIMIT $4`

const deleteSessionSQL = `
DELETE FROM sessions
 WHERE workspace_id = $1 AND member_id = $2 AND id = $3`

// DeleteSession ends a session of a member, or answers NoSuch("session").
func (db *DB) DeleteSession(ctx context.Context, ws signalbox.WorkspaceID, member signalbox.MemberID, session signalbox.SessionID) error {
	return db.write(ctx, classManage, func(t *tx) error {
		m, err := t.changedMember(ws, member)
		if isNoSuch(err) {
			return signalbox.NoSuch("session")
		}
		if err != nil {
			return err
		}
		n, err := t.exec(deleteSessionSQL, id(ws), id(member), id(session))
		if err := foundOr(n > 0, err, "session"); err != nil {
			return err
		}
		return t.audit(ctx, ws, "member.signed_out", aboutMember(&m), nil, nil)
	})
}

const endSessionsSQL = `
DELETE FROM sessions
 WHERE workspace_id = $1 AND member_id = $2 AND id <> $3`

const touchSessionSQL = `
UPDATE sessions
   SET seen_at = $4
 WHERE workspace_id = $1 AND member_id = $2 AND id = $3 AND seen_at < $4`

const touchMemberSQL = `
UPDATE members
   SET last_seen_at = $3
 WHERE workspace_id = $1 AND id = $2 AND (last_seen_at IS NULL OR last_seen_at < $3)`

// TouchSessions notes when sessions, and so their members, were last used, only to later; those that have ended are passed over. Of each session its
// Workspace, ID, Member and SeenAt are read.
func (db *DB) TouchSessions(ctx context.Context, used []signalbox.Session) error {
	for len(used) > 0 {
		part := used[:min(len(used), signalbox.SliceRows/2)]
		used = used[len(part):]
		err := db.write(ctx, classManage, func(t *tx) error {
			for i := range part {
				s := &part[i]
				_, err := t.exec(touchSessionSQL, id(s.Workspace), id(s.Member), id(s.ID), s.SeenAt)
				if err == nil {
					_, err = t.exec(touchMemberSQL, id(s.Workspace), id(s.Member), s.SeenAt)
				}
				if err != nil {
					return fmt.Errorf("touch session: %w", err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// scanSession reads a row of sessionColumns.
func scanSession(r *row) signalbox.Session {
	s := signalbox.Session{
		ID: signalbox.SessionID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), Member: signalbox.MemberID(r.int(2)), UserAgent: r.text(4),
		Address: r.text(5), CreatedAt: r.time(6), SeenAt: r.time(7), ExpiresAt: r.time(8),
	}
	copy(s.Hash[:], r.bytes(3))
	return s
}

const dropLinkSQL = `
DELETE FROM links
 WHERE workspace_id = $1 AND member_id = $2`

const insertLinkSQL = `
INSERT INTO links (id, workspace_id, member_id, kind, hash, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)`

// putLink gives a member a link in place of the one before.
func (t *tx) putLink(l *signalbox.Link) error {
	if _, err := t.exec(dropLinkSQL, id(l.Workspace), id(l.Member)); err != nil {
		return fmt.Errorf("drop link: %w", err)
	}
	_, err := t.exec(insertLinkSQL, id(l.ID), id(l.Workspace), id(l.Member), string(l.Kind), l.Hash[:], l.CreatedAt, l.ExpiresAt)
	if err != nil {
		return fmt.Errorf("insert link: %w", err)
	}
	return nil
}

// PutLink gives a member a link, in place of the one before. Its kind is chosen here: one who never joined is invited again.
func (db *DB) PutLink(ctx context.Context, l signalbox.Link) (signalbox.Link, error) {
	err := db.write(ctx, classManage, func(t *tx) error {
		m, err := t.changedMember(l.Workspace, l.Member)
		if err != nil {
			return err
		}
		l.Kind = signalbox.LinkReset
		if m.JoinedAt.IsZero() {
			l.Kind = signalbox.LinkInvite
		}
		l.ExpiresAt = l.CreatedAt.Add(l.Kind.For())
		if err := t.putLink(&l); err != nil {
			return err
		}
		return t.audit(ctx, l.Workspace, "member.link_made", aboutMember(&m), nil, signalbox.Facts{"kind": string(l.Kind)})
	})
	return l, err
}

// linkByHashSQL has no workspace: the hash is what tells whose link it is.
const linkByHashSQL = `
SELECT id, workspace_id, member_id, kind, hash, created_at, expires_at
  FROM links
 WHERE hash = $1`

// LinkByHash answers a link that works at now and its member, or NoSuch("link").
func (db *DB) LinkByHash(ctx context.Context, hash [32]byte, now time.Time) (l signalbox.Link, m signalbox.Member, err error) {
	err = db.read(ctx, func(t *tx) error {
		l, m, err = t.link(hash, now)
		return err
	})
	return l, m, err
}

func (t *tx) link(hash [32]byte, now time.Time) (l signalbox.Link, m signalbox.Member, err error) {
	found, err := t.one(linkByHashSQL, []any{hash[:]}, func(r *row) { l = scanLink(r) })
	if err := foundOr(found && now.Before(l.ExpiresAt), err, "link"); err != nil {
		return l, m, err
	}
	if m, err = t.member(l.Workspace, l.Member); isNoSuch(err) {
		return l, m, signalbox.NoSuch("link")
	}
	return l, m, err
}

func scanLink(r *row) signalbox.Link {
	l := signalbox.Link{
		ID: signalbox.LinkID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), Member: signalbox.MemberID(r.int(2)),
		Kind: signalbox.LinkKind(r.text(3)), CreatedAt: r.time(5), ExpiresAt: r.time(6),
	}
	copy(l.Hash[:], r.bytes(4))
	return l
}

// UseLink sets the password of a link's member, and the name unless it is "", ends all of the member's sessions, and signs in by s, whose Workspace and
// Member are set here. The link works no more. NoSuch("link") when it does not work at now.
func (db *DB) UseLink(ctx context.Context, hash [32]byte, password, name string, s signalbox.Session, now time.Time) (signalbox.Session, signalbox.Member, error) {
	var out signalbox.Member
	err := db.write(ctx, classManage, func(t *tx) error {
		l, _, err := t.link(hash, now)
		if err != nil {
			return err
		}
		if err := t.lockHead(l.Workspace); err != nil {
			return err
		}
		l, m, err := t.link(hash, now) // again, under the head: it may have been used or replaced meanwhile
		if err != nil {
			return err
		}
		if _, err := t.exec(dropLinkSQL, id(l.Workspace), id(l.Member)); err != nil {
			return fmt.Errorf("drop link: %w", err)
		}
		old := m
		m.Password, m.UpdatedAt = password, now
		if name != "" {
			m.Name = name
		}
		if m.JoinedAt.IsZero() {
			m.JoinedAt = now
		}
		if err := t.updateMember(&m); err != nil {
			return err
		}
		if _, err := t.exec(endSessionsSQL, id(m.Workspace), id(m.ID), 0); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
		s.Workspace, s.Member = m.Workspace, m.ID
		if err := t.createSession(&s); err != nil {
			return err
		}
		m.LastSeenAt, out = now, m
		return t.auditLink(ctx, l.Kind, &old, &m)
	})
	return s, out, err
}

// auditLink tells that a link was used. It is its member's own act.
func (t *tx) auditLink(ctx context.Context, kind signalbox.LinkKind, old, m *signalbox.Member) error {
	act, ok := signalbox.ActOf(ctx)
	if !ok {
		return nil
	}
	act.Actor = signalbox.Actor{Type: signalbox.ActorMember, ID: int64(m.ID), Name: m.Email}
	ctx = signalbox.WithAct(ctx, act)
	if kind == signalbox.LinkInvite {
		return t.audit(ctx, m.Workspace, "member.joined", aboutMember(m), old.Facts(), m.Facts())
	}
	return t.audit(ctx, m.Workspace, "member.password_reset", aboutMember(m), nil, nil)
}
