package store_test

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"signalbox/store"
)

// statementLog is every statement that a run of the suite prepared.
type statementLog struct {
	mu    sync.Mutex
	texts map[string]bool
}

func (l *statementLog) add(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.texts == nil {
		l.texts = map[string]bool{}
	}
	l.texts[text] = true
}

// overAllShards are the ways to a tenant's rows that do not begin with one workspace, by the beginning of their statement and the table, with the reason.
var overAllShards = map[string]string{
	"WITH RECURSIVE lanes AS ( (SELECT … deliveries":                   "a node that joins, leaves or falls silent makes lanes of every workspace due: rare",
	"SELECT at FROM due ORDER BY … due":                                "what is due next is found over all workspaces",
	"SELECT kind, subject, workspace_id, at FROM … due":                "what is due is found over all workspaces: the one that must go shard by shard on a database that locks rows of one shard only (docs/scaling.md)",
	"SELECT CAST(coalesce(sum(signals), 0) AS BIGINT) FROM … heads":    "metrics are of the whole database",
	"SELECT workspace_id, webhook_id, due_at, id FROM … deliveries":    "as above",
	"SELECT id, workspace_id, name, scope, hint, … api_keys":           "a reference table: the key is what tells the workspace",
	"SELECT 1 FROM members LIMIT 1 … members":                          "a reference table: asked of the whole database, at a start",
	"SELECT id, workspace_id, email, name, role, … members":            "a reference table: the e-mail is what tells the workspace",
	"SELECT id, workspace_id, member_id, hash, user_agent, … sessions": "a reference table: the token is what tells the workspace",
	"SELECT id, workspace_id, member_id, kind, hash, … links":          "as sessions",
	"UPDATE api_keys SET last_used_at = $2 … api_keys":                 "as above; the id is unique over all workspaces",
}

var (
	scanStep  = regexp.MustCompile(`(Seq Scan|Index Scan|Index Only Scan|Bitmap Heap Scan|Tid Scan)(?: Backward)?(?: using \w+)? on (\w+)`)
	onlyShard = regexp.MustCompile(`Index Cond: \(+(?:\w+\.)?workspace_id = `)
)

// stayOnTheirShard asks PostgreSQL how it runs each statement: whatever reads or changes rows of tenants finds them by an index that begins with the
// workspace, for one workspace at a time (or each of a list). So the database can be distributed by workspace (docs/scaling.md).
func (l *statementLog) stayOnTheirShard(t *testing.T) {
	if len(l.texts) < 80 {
		t.Fatalf("the suite ran only %d statements", len(l.texts))
	}
	base := postgres(t).Schema(t)
	db, err := store.Open(context.Background(), store.Config{DatabaseURL: base})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, base)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	for name, value := range store.SessionSettings() {
		if name != "application_name" && name != "client_encoding" {
			if _, err := c.Exec(ctx, fmt.Sprintf("SET %s = '%s'", name, value)); err != nil {
				t.Fatal(err)
			}
		}
	}
	excused := map[string]bool{}
	for i, text := range slices.Sorted(maps.Keys(l.texts)) {
		if !regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b`).MatchString(text) {
			continue
		}
		for _, table := range offShard(ctx, t, c, fmt.Sprint("q", i), text) {
			way := strings.Join(strings.Fields(text)[:min(6, len(strings.Fields(text)))], " ") + " … " + table
			if excused[way] = true; overAllShards[way] == "" {
				t.Errorf("%s: not by one workspace in\n%s", way, text)
			}
		}
	}
	for way := range overAllShards {
		if !excused[way] {
			t.Errorf("%s needs no excuse", way)
		}
	}
}

// offShard lists the tenants' tables whose rows a statement finds otherwise than by the workspace.
func offShard(ctx context.Context, t *testing.T, c *pgx.Conn, name, text string) (tables []string) {
	d, err := c.Prepare(ctx, name, text)
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	explain := "EXPLAIN (COSTS OFF) EXECUTE " + name
	if n := len(d.ParamOIDs); n > 0 {
		explain += "(NULL" + strings.Repeat(", NULL", n-1) + ")"
	}
	rows, err := c.Query(ctx, explain, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(err)
	}
	var steps []string
	for rows.Next() {
		var step string
		if err := rows.Scan(&step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for i, step := range steps {
		m := scanStep.FindStringSubmatch(step)
		if m == nil || !tenantTables.MatchString("FROM "+m[2]) {
			continue
		}
		if i+1 == len(steps) || !onlyShard.MatchString(steps[i+1]) {
			tables = append(tables, m[2])
		}
	}
	return tables
}
