package auth

import (
	"slices"
	"strings"

	"signalbox"
)

// Need is what an operation asks of the key or the member that calls it.
type Need string

// The needs. Each operation has exactly one.
const (
	NeedIngest Need = "ingest" // to send signals
	NeedRead   Need = "read"   // to read anything of the workspace
	NeedWrite  Need = "write"  // to change things
	NeedHooks  Need = "hooks"  // to change webhooks and have them send: of keys as NeedWrite, of members as NeedAdmin
	NeedAdmin  Need = "admin"  // keys, members, workspace settings, erasure
	NeedMember Need = "member" // to be signed in: one's own session; no key is
)

// allows is the whole truth of scopes (contract section 2): what is not listed is refused. A write key may do everything but
// GET, so it may send signals; a read key may not.
func allows(scope signalbox.Scope) []Need {
	switch scope {
	case signalbox.ScopeIngest:
		return []Need{NeedIngest}
	case signalbox.ScopeRead:
		return []Need{NeedRead}
	case signalbox.ScopeWrite:
		return []Need{NeedIngest, NeedWrite, NeedHooks}
	case signalbox.ScopeReadWrite:
		return []Need{NeedIngest, NeedRead, NeedWrite, NeedHooks}
	case signalbox.ScopeAdmin:
		return []Need{NeedIngest, NeedRead, NeedWrite, NeedHooks, NeedAdmin}
	}
	return nil
}

// roleAllows is the whole truth of roles (contract section 14).
func roleAllows(role signalbox.Role) []Need {
	switch role {
	case signalbox.RoleViewer:
		return []Need{NeedMember, NeedRead}
	case signalbox.RoleAnalyst:
		return []Need{NeedMember, NeedRead, NeedIngest, NeedWrite}
	case signalbox.RoleAdmin:
		return []Need{NeedMember, NeedRead, NeedIngest, NeedWrite, NeedHooks, NeedAdmin}
	}
	return nil
}

// RoleAllows says whether a member of this role may do what needs need. Unknown roles and needs are refused.
func RoleAllows(role signalbox.Role, need Need) bool { return slices.Contains(roleAllows(role), need) }

// Can lists what a role may do, in the words that a dashboard shows things by.
func Can(role signalbox.Role) []string {
	can := []string{}
	for _, n := range []Need{NeedRead, NeedWrite, NeedAdmin} {
		if RoleAllows(role, n) {
			can = append(can, string(n))
		}
	}
	return can
}

// Scopes are all scopes, narrow ones first.
func Scopes() []signalbox.Scope {
	return []signalbox.Scope{
		signalbox.ScopeIngest, signalbox.ScopeRead, signalbox.ScopeWrite, signalbox.ScopeReadWrite, signalbox.ScopeAdmin,
	}
}

// Allows says whether a key of this scope may do what needs need. Unknown scopes and needs are refused.
func Allows(scope signalbox.Scope, need Need) bool {
	return slices.Contains(allows(scope), need)
}

// AtMost says whether scope can do nothing that limit cannot: a key makes keys of at most its own scope.
func AtMost(scope, limit signalbox.Scope) bool {
	needs := allows(scope)
	for _, n := range needs {
		if !Allows(limit, n) {
			return false
		}
	}
	return len(needs) > 0
}

// Words says which scopes satisfy a need, for the message of a refusal.
func (n Need) Words() string {
	switch n {
	case NeedIngest:
		return "ingest (or write, read_write, admin)"
	case NeedRead:
		return "read (or read_write, admin)"
	case NeedWrite, NeedHooks:
		return "write (or read_write, admin)"
	case NeedMember:
		return "none: an API key is nobody who signs in"
	}
	return string(n)
}

// Roles says which roles satisfy a need, for the message of a refusal.
func (n Need) Roles() string {
	var words []string
	for _, r := range signalbox.Roles() {
		if RoleAllows(r, n) {
			words = append(words, string(r))
		}
	}
	return strings.Join(words, ", ")
}
