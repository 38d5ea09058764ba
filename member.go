package signalbox

import (
	"fmt"
	"strings"
	"time"
)

// Role is what a member may do.
type Role string

// The roles (contract section 14).
const (
	RoleAdmin   Role = "admin"   // everything
	RoleAnalyst Role = "analyst" // reads, and changes what deciding works with and what it made
	RoleViewer  Role = "viewer"  // reads
)

// Roles are all roles, the strongest first.
func Roles() []Role { return []Role{RoleAdmin, RoleAnalyst, RoleViewer} }

// Member is a person who signs in to a workspace. An e-mail is a member's of one workspace.
type Member struct {
	ID         MemberID
	Workspace  WorkspaceID
	Email      string // as NormalizeMemberEmail writes it
	Name       string // "" while nobody gave one
	Role       Role
	Password   string // its hash, in the PHC format; "": none can be used
	CreatedAt  time.Time
	UpdatedAt  time.Time
	JoinedAt   time.Time // zero: invited, and never signed in
	LastSeenAt time.Time // refreshed at most once a minute
}

// Status says in a word whether somebody has ever signed in as the member.
func (m *Member) Status() string {
	if m.JoinedAt.IsZero() {
		return "invited"
	}
	return "active"
}

// The bounds of what is known of members.
const (
	MaxUserAgent = 256
	MaxMembers   = 1000 // of a workspace
)

// NormalizeMemberEmail writes an e-mail as members are found by it: without spaces around, in lower case. It need not be one that the world could
// write to, as that of a first admin is not.
func NormalizeMemberEmail(raw string) (string, error) {
	email := strings.ToLower(strings.TrimSpace(raw))
	local, domain, ok := strings.Cut(email, "@")
	bad := func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`@"<>,;:\()[]`, r) }
	switch {
	case email == "":
		return "", InvalidField("email", "email is required")
	case len(email) > MaxEmail:
		return "", InvalidField("email", "email must have at most %d bytes", MaxEmail)
	case !ok || local == "" || domain == "" || strings.ContainsFunc(local, bad) || strings.ContainsFunc(domain, bad):
		return "", InvalidField("email", "email must be an address such as jane@example.com")
	}
	return email, nil
}

// Session is a member being signed in, in one browser. Its token is never stored.
type Session struct {
	ID        SessionID
	Workspace WorkspaceID
	Member    MemberID
	Hash      [32]byte // SHA-256 of its token
	UserAgent string   // of the browser, as it says itself
	Address   string   // where it signed in from
	CreatedAt time.Time
	SeenAt    time.Time // refreshed at most once a minute
	ExpiresAt time.Time // the latest end; it ends earlier when it is not used
}

// The life of a session.
const (
	SessionIdle = 7 * 24 * time.Hour  // not used for so long, it has ended
	SessionLife = 30 * 24 * time.Hour // and in any case so long after the sign-in
)

// EndsAt is when a session ends unless it is used before.
func (s *Session) EndsAt() time.Time {
	if idle := s.SeenAt.Add(SessionIdle); idle.Before(s.ExpiresAt) {
		return idle
	}
	return s.ExpiresAt
}

// LinkKind is what a one-time link is for.
type LinkKind string

// The kinds of links.
const (
	LinkInvite LinkKind = "invite" // to set a first password
	LinkReset  LinkKind = "reset"  // to set another one
)

// Link lets whoever has it set a member's password, once. Its token is never stored; a member has one link at a time.
type Link struct {
	ID        LinkID
	Workspace WorkspaceID
	Member    MemberID
	Kind      LinkKind
	Hash      [32]byte // SHA-256 of its token
	CreatedAt time.Time
	ExpiresAt time.Time
}

// How long links work.
const (
	InviteFor = 7 * 24 * time.Hour
	ResetFor  = 24 * time.Hour
)

// For is how long a link of the kind works.
func (k LinkKind) For() time.Duration {
	if k == LinkReset {
		return ResetFor
	}
	return InviteFor
}

// LinkPath is where the dashboard has the page of a link, below the server's URL.
func LinkPath(token string) string { return "/link/" + token }

// ErrLastAdmin refuses what would leave a workspace that nobody can sign in to and manage.
func ErrLastAdmin() *Error {
	return Errorf(Conflict, "this is the last admin who can sign in: make another member admin first")
}

// ParseRole reads a role's word.
func ParseRole(word string) (Role, error) {
	for _, r := range Roles() {
		if string(r) == word {
			return r, nil
		}
	}
	return "", InvalidField("role", "role must be one of %s", fmt.Sprint(RoleAdmin, ", ", RoleAnalyst, ", ", RoleViewer))
}
