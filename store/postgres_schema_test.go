package store_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"signalbox/store"
)

// TestStatements_HotOnesNeverScanPostgres: what runs for every signal or lane finds its rows by key there too, also when it is run for many rows.
func TestStatements_HotOnesNeverScanPostgres(t *testing.T) {
	t.Parallel()
	db := box(t, postgres(t).Schema(t))
	for _, sql := range append(store.HotStatements(), store.ListStatements()...) {
		steps, err := store.PlanPostgres(t.Context(), db, sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if plan := strings.Join(steps, "\n"); regexp.MustCompile(`Seq Scan|Sort|Hash|Materialize`).MatchString(plan) {
			t.Errorf("%s\n%s", sql, plan)
		}
		if plan := strings.Join(steps, "\n"); strings.Contains(sql, "FROM entity_states") && strings.Contains(sql, "entity_id = $2") && !strings.Contains(plan, "entity_states_pkey") {
			t.Errorf("one record's state is found by another index than its key:\n%s\n%s", sql, plan)
		}
	}
}

// notWorkspaceFirst are the keys and indexes that do not begin with the workspace, with the reason.
var notWorkspaceFirst = map[string]string{
	"due_at": "what is due is found over all workspaces, then taken under each row's own",

	"settings_pkey":          "reference table: of the whole database",
	"nodes_pkey":             "reference table: of the whole database",
	"nodes_token_key":        "as nodes_pkey",
	"workspaces_pkey":        "reference table: the workspaces themselves",
	"api_keys_pkey":          "reference table: the key is what tells the workspace",
	"api_keys_hash_key":      "as api_keys_pkey",
	"members_pkey":           "reference table: an e-mail is what tells the workspace",
	"members_email_key":      "as members_pkey",
	"sessions_pkey":          "reference table: a token is what tells the workspace",
	"sessions_hash_key":      "as sessions_pkey",
	"links_pkey":             "as sessions_pkey",
	"links_hash_key":         "as sessions_pkey",
	"schema_migrations_pkey": "reference table: of the whole database",
}

// TestSchema_EveryKeyBeginsWithTheWorkspace reads the catalogue: the schema can be distributed by workspace (design, Storage).
func TestSchema_EveryKeyBeginsWithTheWorkspace(t *testing.T) {
	t.Parallel()
	base := postgres(t).Schema(t)
	box(t, base)
	ctx := context.Background()
	c, err := pgx.Connect(ctx, base)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	rows, err := c.Query(ctx, `
SELECT i.relname, a.attname
  FROM pg_index AS x
  JOIN pg_class AS i ON i.oid = x.indexrelid
  JOIN pg_namespace AS n ON n.oid = i.relnamespace
  JOIN pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
 WHERE n.nspname = current_schema()`)
	if err != nil {
		t.Fatal(err)
	}
	excused := map[string]bool{}
	seen := 0
	for rows.Next() {
		var index, column string
		if err := rows.Scan(&index, &column); err != nil {
			t.Fatal(err)
		}
		if seen++; column == "workspace_id" {
			continue
		}
		excused[index] = true
		if notWorkspaceFirst[index] == "" {
			t.Errorf("%s begins with %s", index, column)
		}
	}
	if err := rows.Err(); err != nil || seen < 20 {
		t.Fatal(fmt.Errorf("%d indexes seen: %w", seen, err))
	}
	for index := range notWorkspaceFirst {
		if !excused[index] {
			t.Errorf("%s needs no excuse", index)
		}
	}
}
