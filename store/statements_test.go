package store_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// tenantTables hold rows of workspaces.
var tenantTables = regexp.MustCompile(`(?i)(?:FROM|UPDATE|INTO)\s+(heads|api_keys|signal_types|definitions|profile_versions|qualifications|audience_members|captures|record_keys|record_words|accounts|contacts|entity_states|signals|events|deliveries|attempts|due|answered|meters|webhooks|jobs|members|sessions|links|audit_log|logs|tallies|merges|imports|import_rows|recovered|failing|notices|mails|linked_accounts|streams|sync_runs|stream_names|snapshots)\b`)

// underNoWorkspace are the statements on tenant tables that do not name the workspace in WHERE, with the reason.
var underNoWorkspace = map[string]string{
	"accountByIDSQL": "a turn holds several workspaces; what leads to the row was read under its workspace, and deciding compares",
	"contactByIDSQL": "as accountByIDSQL",
	"nextDueSQL":     "due work is found over all workspaces, and taken under each row's own",
	"selectDueSQL":   "as nextDueSQL",

	"keyByHashSQL":     "the key is what tells the workspace",
	"touchKeySQL":      "as keyByHashSQL; the id is unique over all workspaces",
	"memberByEmailSQL": "the e-mail is what tells the workspace",
	"anyMemberSQL":     "asked of the whole database",
	"sessionByHashSQL": "as keyByHashSQL",
	"linkByHashSQL":    "as keyByHashSQL",
	"countSignalsSQL":  "metrics are of the whole server",

	"allSignalsSQL":      "no index by workspace alone; rows of other workspaces are passed over in code, within the slice",
	"signalsUpSQL":       "as allSignalsSQL",
	"statesUpSQL":        "as allSignalsSQL",
	"agedSignalsSQL":     "as allSignalsSQL; what is deleted is deleted under the workspace",
	"agedEventsSQL":      "as agedSignalsSQL",
	"eventsBetweenSQL":   "as agedSignalsSQL; what is not the workspace's is passed over",
	"agedDeliveriesSQL":  "as agedSignalsSQL",
	"agedAttemptsSQL":    "as agedSignalsSQL",
	"agedLogsSQL":        "as agedSignalsSQL",
	"newerSignalsSQL":    "as allSignalsSQL",
	"passSignalsSQL":     "as allSignalsSQL",
	"passDeliveriesSQL":  "as allSignalsSQL",
	"newerDeliveriesSQL": "as allSignalsSQL",
}

// TestStatements_StayInTheirWorkspace reads every SQL constant of this room: a statement that finds rows of a tenant's table does it under
// the workspace, or stands in underNoWorkspace; one parameter style; nothing is skipped by counting.
func TestStatements_StayInTheirWorkspace(t *testing.T) {
	t.Parallel()
	excused := map[string]bool{}
	for name, sql := range statements(t) {
		if strings.Contains(sql, "?") || strings.Contains(strings.ToUpper(sql), "OFFSET") {
			t.Errorf("%s: no OFFSET, and parameters as $1: %s", name, sql)
		}
		found := tenantTables.MatchString(sql) && strings.Contains(sql, "SELECT") || regexp.MustCompile(`(UPDATE|DELETE FROM)\s+\w+\s`).MatchString(sql)
		_, where, _ := strings.Cut(sql, "WHERE")
		if !found || !tenantTables.MatchString(sql) || strings.Contains(where, "workspace_id") || strings.HasPrefix(strings.TrimSpace(sql), "INSERT") {
			continue
		}
		if underNoWorkspace[name] == "" {
			t.Errorf("%s finds a tenant's rows without its workspace: %s", name, sql)
		}
		excused[name] = true
	}
	for name := range underNoWorkspace {
		if !excused[name] {
			t.Errorf("%s needs no excuse", name)
		}
	}
}

// statements are the room's string constants that hold SQL, by name.
func statements(t *testing.T) map[string]string {
	t.Helper()
	consts := map[string]ast.Expr{}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == len(v.Names) {
				for i, name := range v.Names {
					consts[name.Name] = v.Values[i]
				}
			}
			return true
		})
	}
	all := map[string]string{}
	for name, expr := range consts {
		sql := text(consts, expr)
		if regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b`).MatchString(sql) {
			all[name] = sql
		}
	}
	if len(all) < 50 {
		t.Fatalf("only %d statements found", len(all))
	}
	return all
}

// text evaluates a constant string; "" for anything else.
func text(consts map[string]ast.Expr, e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		if err == nil {
			return s
		}
	case *ast.BinaryExpr:
		return text(consts, e.X) + text(consts, e.Y)
	case *ast.Ident:
		if c := consts[e.Name]; c != nil {
			return text(consts, c)
		}
	}
	return ""
}
