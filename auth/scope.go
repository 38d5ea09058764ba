package auth

import "signalbox"

// Need is what an operation asks of the key that calls it.
type Need string

// The needs. Each operation has exactly one.
const (
	NeedIngest Need = "ingest" // to send signals
	NeedRead   Need = "read"   // to read anything of the workspace
	NeedWrite  Need = "write"  // to change things
	NeedAdmin  Need = "admin"  // keys, members, workspace settings, erasure
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
		return []Need{NeedIngest, NeedWrite}
	case signalbox.ScopeReadWrite:
		return []Need{NeedIngest, NeedRead, NeedWrite}
	case signalbox.ScopeAdmin:
		return []Need{NeedIngest, NeedRead, NeedWrite, NeedAdmin}
	}
	return nil
}

// Scopes are all scopes, narrow ones first.
func Scopes() []signalbox.Scope {
	return []signalbox.Scope{
		signalbox.ScopeIngest, signalbox.ScopeRead, signalbox.ScopeWrite, signalbox.ScopeReadWrite, signalbox.ScopeAdmin,
	}
}

// Allows says whether a key of this scope may do what needs need. Unknown scopes and needs are refused.
func Allows(scope signalbox.Scope, need Need) bool {
	for _, n := range allows(scope) {
		if n == need {
			return true
		}
	}
	return false
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
	case NeedWrite:
		return "write (or read_write, admin)"
	}
	return string(n)
}
