package store

import (
	"context"
	"fmt"
	"time"

	"signalbox"
)

const memberColumns = `id, workspace_id, email, name, role, password, created_at, updated_at, joined_at, last_seen_at`

const insertMemberSQL = `
INSERT INTO members (` + memberColumns + `)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

const countMembersSQL = `
SELECT count(*)
  FROM members
 WHERE workspace_id = $1`

// CreateMember adds a member, with the link that invites him or her unless it is nil. An e-mail that a member has already, of whatever workspace, is a
// Conflict, and so is a member more than MaxMembers.
func (db *DB) CreateMember(ctx context.Context, m signalbox.Member, invite *signalbox.Link) error {
	return db.write(ctx, classManage, func(t *tx) error { return t.createMember(ctx, &m, invite) })
}

func (t *tx) createMember(ctx context.Context, m *signalbox.Member, invite *signalbox.Link) error {
	if err := t.lockHead(m.Workspace); err != nil {
		return err
	}
	if _, err := t.workspace(m.Workspace); err != nil {
		return err
	}
	switch found, err := t.one(memberByEmailSQL, []any{m.Email}, func(*row) {}); {
	case err != nil:
		return fmt.Errorf("look for member: %w", err)
	case found:
		return &signalbox.Error{Code: signalbox.Conflict, Param: "email", Msg: "this e-mail is a member's already"}
	}
	n, err := t.count(countMembersSQL, id(m.Workspace))
	if err != nil {
		return fmt.Errorf("count members: %w", err)
	}
	if n >= signalbox.MaxMembers {
		return signalbox.Errorf(signalbox.Conflict, "a workspace has at most %d members: remove one first", signalbox.MaxMembers)
	}
	_, err = t.exec(insertMemberSQL, id(m.ID), id(m.Workspace), m.Email, m.Name, string(m.Role), m.Password, m.CreatedAt, m.UpdatedAt, m.JoinedAt, m.LastSeenAt)
	if err != nil {
		return fmt.Errorf("insert member: %w", err)
	}
	if invite != nil {
		if err := t.putLink(invite); err != nil {
			return err
		}
	}
	if err := t.audit(ctx, m.Workspace, "member.created", aboutMember(m), nil, m.Facts()); err != nil {
		return err
	}
	return t.raiseHead(m.Workspace, int64(m.ID))
}

func aboutMember(m *signalbox.Member) signalbox.Subject {
	return signalbox.Subject{Type: "member", ID: int64(m.ID), Name: m.Email}
}

const membersSQL = `
SELECT ` + memberColumns + `
  FROM members
 WHERE workspace_id = $1 AND id < $2
 ORDER BY id DESC
 LIMIT $3`

// Members answers a page of the workspace's members, newest first.
func (db *DB) Members(ctx context.Context, ws signalbox.WorkspaceID, p signalbox.Page) ([]signalbox.Member, int64, error) {
	return fill(ctx, db, p, listing[signalbox.Member]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			return t.query(membersSQL, []any{id(ws), before, n}, each)
		},
		scan: func(r *row) (signalbox.Member, error) { return scanMember(r), nil },
	})
}

// Member answers a member, or NoSuch("member").
func (db *DB) Member(ctx context.Context, ws signalbox.WorkspaceID, member signalbox.MemberID) (signalbox.Member, error) {
	var m signalbox.Member
	err := db.read(ctx, func(t *tx) (err error) {
		m, err = t.member(ws, member)
		return err
	})
	return m, err
}

// memberByEmailSQL has no workspace: the e-mail is what tells whose member it is.
const memberByEmailSQL = `
SELECT ` + memberColumns + `
  FROM members
 WHERE email = $1`

// MemberByEmail answers the member of an e-mail, whatever the workspace, or NoSuch("member").
func (db *DB) MemberByEmail(ctx context.Context, email string) (signalbox.Member, error) {
	var m signalbox.Member
	err := db.read(ctx, func(t *tx) error {
		found, err := t.one(memberByEmailSQL, []any{email}, func(r *row) { m = scanMember(r) })
		return foundOr(found, err, "member")
	})
	return m, err
}

const anyMemberSQL = `
SELECT 1
  FROM members
 LIMIT 1`

// HasMembers says whether any workspace has a member.
func (db *DB) HasMembers(ctx context.Context) (has bool, err error) {
	err = db.read(ctx, func(t *tx) error {
		has, err = t.one(anyMemberSQL, nil, func(*row) {})
		return err
	})
	return has, err
}

const updateMemberSQL = `
UPDATE members
   SET name = $3, role = $4, password = $5, updated_at = $6, joined_at = $7
 WHERE workspace_id = $1 AND id = $2`

// UpdateMember reads a member, has change edit its name or role, and saves it. An error of change is returned as it is and nothing is saved. The last
// admin who has joined stays one: Conflict.
func (db *DB) UpdateMember(ctx context.Context, ws signalbox.WorkspaceID, member signalbox.MemberID, now time.Time, change func(*signalbox.Member) error) (signalbox.Member, error) {
	var out signalbox.Member
	err := db.write(ctx, classManage, func(t *tx) error {
		old, err := t.changedMember(ws, member)
		if err != nil {
			return err
		}
		m := old
		if err := change(&m); err != nil {
			return err
		}
		if m.Role != signalbox.RoleAdmin {
			if err := t.notLastAdmin(&old); err != nil {
				return err
			}
		}
		out = old
		out.Name, out.Role, out.UpdatedAt = m.Name, m.Role, now
		if err := t.updateMember(&out); err != nil {
			return err
		}
		return t.audit(ctx, ws, "member.updated", aboutMember(&out), old.Facts(), out.Facts())
	})
	return out, err
}

func (t *tx) updateMember(m *signalbox.Member) error {
	_, err := t.exec(updateMemberSQL, id(m.Workspace), id(m.ID), m.Name, string(m.Role), m.Password, m.UpdatedAt, m.JoinedAt)
	if err != nil {
		return fmt.Errorf("update member: %w", err)
	}
	return nil
}

const otherAdminSQL = `
SELECT 1
  FROM members
 WHERE workspace_id = $1 AND id <> $2 AND role = 'admin' AND joined_at IS NOT NULL
 LIMIT 1`

// notLastAdmin refuses to lose an admin who has joined when there is no other one.
func (t *tx) notLastAdmin(m *signalbox.Member) error {
	if m.Role != signalbox.RoleAdmin || m.JoinedAt.IsZero() {
		return nil
	}
	found, err := t.one(otherAdminSQL, []any{id(m.Workspace), id(m.ID)}, func(*row) {})
	switch {
	case err != nil:
		return fmt.Errorf("look for another admin: %w", err)
	case !found:
		return signalbox.ErrLastAdmin()
	}
	return nil
}

// SetPassword gives a member another password. All sessions end but the one that is kept (0: none is), and a link that waits works no more.
func (db *DB) SetPassword(ctx context.Context, ws signalbox.WorkspaceID, member signalbox.MemberID, password string, keep signalbox.SessionID, now time.Time) error {
	return db.write(ctx, classManage, func(t *tx) error {
		m, err := t.changedMember(ws, member)
		if err != nil {
			return err
		}
		m.Password, m.UpdatedAt = password, now
		if err := t.updateMember(&m); err != nil {
			return err
		}
		if _, err := t.exec(endSessionsSQL, id(ws), id(member), int64(keep)); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
		if _, err := t.exec(dropLinkSQL, id(ws), id(member)); err != nil {
			return fmt.Errorf("drop link: %w", err)
		}
		return t.audit(ctx, ws, "member.password_changed", aboutMember(&m), nil, nil)
	})
}

const deleteMemberSQL = `
DELETE FROM members
 WHERE workspace_id = $1 AND id = $2`

// DeleteMember removes a member, who is signed out everywhere at this commit. The last admin who has joined stays: Conflict.
func (db *DB) DeleteMember(ctx context.Context, ws signalbox.WorkspaceID, member signalbox.MemberID) error {
	return db.write(ctx, classManage, func(t *tx) error {
		m, err := t.changedMember(ws, member)
		if err != nil {
			return err
		}
		if err := t.notLastAdmin(&m); err != nil {
			return err
		}
		if _, err := t.exec(endSessionsSQL, id(ws), id(member), 0); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
		for _, sql := range []string{dropLinkSQL, deleteMemberSQL} {
			if _, err := t.exec(sql, id(ws), id(member)); err != nil {
				return fmt.Errorf("delete member: %w", err)
			}
		}
		return t.audit(ctx, ws, "member.deleted", aboutMember(&m), m.Facts(), nil)
	})
}

const memberSQL = `
SELECT ` + memberColumns + `
  FROM members
 WHERE workspace_id = $1 AND id = $2`

func (t *tx) member(ws signalbox.WorkspaceID, member signalbox.MemberID) (signalbox.Member, error) {
	var m signalbox.Member
	found, err := t.one(memberSQL, []any{id(ws), id(member)}, func(r *row) { m = scanMember(r) })
	return m, foundOr(found, err, "member")
}

// changedMember reads a member that this transaction is about to change. The head makes changes of a workspace's members serial.
func (t *tx) changedMember(ws signalbox.WorkspaceID, member signalbox.MemberID) (signalbox.Member, error) {
	if err := t.lockHead(ws); err != nil {
		return signalbox.Member{}, err
	}
	return t.member(ws, member)
}

// scanMember reads a row of memberColumns.
func scanMember(r *row) signalbox.Member {
	return signalbox.Member{
		ID: signalbox.MemberID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), Email: r.text(2), Name: r.text(3), Role: signalbox.Role(r.text(4)),
		Password: r.text(5), CreatedAt: r.time(6), UpdatedAt: r.time(7), JoinedAt: r.time(8), LastSeenAt: r.time(9),
	}
}
