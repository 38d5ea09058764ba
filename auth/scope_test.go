package auth_test

import (
	"testing"

	"signalbox"
	"signalbox/auth"
)

var needs = []auth.Need{auth.NeedIngest, auth.NeedRead, auth.NeedWrite, auth.NeedHooks, auth.NeedAdmin, auth.NeedMember}

func TestAllows_IsTheTableOfTheContract(t *testing.T) {
	t.Parallel()
	want := map[signalbox.Scope]string{ // ingest, read, write, hooks, admin, member
		signalbox.ScopeIngest:    "yes no no no no no",
		signalbox.ScopeRead:      "no yes no no no no",
		signalbox.ScopeWrite:     "yes no yes yes no no",
		signalbox.ScopeReadWrite: "yes yes yes yes no no",
		signalbox.ScopeAdmin:     "yes yes yes yes yes no",
		"":                       "no no no no no no",
		"root":                   "no no no no no no",
	}
	for scope, row := range want {
		got := ""
		for i, need := range needs {
			if i > 0 {
				got += " "
			}
			got += map[bool]string{true: "yes", false: "no"}[auth.Allows(scope, need)]
		}
		if got != row {
			t.Errorf("scope %q: %s, want %s", scope, got, row)
		}
		if auth.Allows(scope, "") || auth.Allows(scope, "anything") {
			t.Errorf("scope %q allows a need that nobody defined", scope)
		}
	}
}

func TestRoleAllows_IsTheTableOfTheContract(t *testing.T) {
	t.Parallel()
	want := map[signalbox.Role]string{ // ingest, read, write, hooks, admin, member
		signalbox.RoleViewer:  "no yes no no no yes",
		signalbox.RoleAnalyst: "yes yes yes no no yes",
		signalbox.RoleAdmin:   "yes yes yes yes yes yes",
		"":                    "no no no no no no",
		"owner":               "no no no no no no",
	}
	for role, row := range want {
		got := ""
		for i, need := range needs {
			if i > 0 {
				got += " "
			}
			got += map[bool]string{true: "yes", false: "no"}[auth.RoleAllows(role, need)]
		}
		if got != row {
			t.Errorf("role %q: %s, want %s", role, got, row)
		}
		if auth.RoleAllows(role, "") || auth.RoleAllows(role, "anything") {
			t.Errorf("role %q allows a need that nobody defined", role)
		}
	}
	if got := auth.NeedWrite.Roles(); got != "admin, analyst" {
		t.Errorf("write is for %s", got)
	}
}

func TestAtMost_AKeyNeverMakesAStrongerOne(t *testing.T) {
	t.Parallel()
	for _, limit := range auth.Scopes() {
		for _, scope := range auth.Scopes() {
			stronger := false
			for _, need := range needs {
				stronger = stronger || auth.Allows(scope, need) && !auth.Allows(limit, need)
			}
			if auth.AtMost(scope, limit) == stronger {
				t.Errorf("AtMost(%s, %s) = %v", scope, limit, !stronger)
			}
		}
		if auth.AtMost("", limit) || auth.AtMost("root", limit) {
			t.Error("an unknown scope may be made")
		}
	}
}
