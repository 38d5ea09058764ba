package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"signalbox/store"
)

// notCopied are the tables and columns of the schema that no copy has, with the reason.
var notCopied = map[string]string{
	"schema_migrations": "a database has it by being migrated",
	"nodes":             "who works on a database is no part of what it holds",
	"sessions":          "who is signed in is of one place: a restored backup must not bring an ended session back",
	"links":             "as sessions: nor a link that was used",

	"deliveries.lease_node":       "as nodes: a copied delivery is free",
	"deliveries.lease_generation": "as nodes",
	"streams.lease_node":          "as nodes: a copied stream is nobody's",
	"streams.lease_generation":    "as nodes",
}

// copied says what the catalogue has, a line for each column: its table, its name, its kind and its place in the key.
func copied() []string {
	var lines []string
	for _, t := range store.Tables() {
		for i, column := range t.Columns {
			key := 0
			if i < t.Key {
				key = i + 1
			}
			lines = append(lines, fmt.Sprint(t.Name, ".", column, " ", store.KindOf(t, i), " key ", key))
		}
	}
	slices.Sort(lines)
	return lines
}

// compare holds the catalogue against the columns of a schema.
func compare(t *testing.T, schema []string) {
	t.Helper()
	excused := map[string]bool{}
	schema = slices.DeleteFunc(schema, func(line string) bool {
		column, _, _ := strings.Cut(line, " ")
		table, _, _ := strings.Cut(column, ".")
		for _, name := range []string{table, column} {
			if notCopied[name] != "" {
				excused[name] = true
				return true
			}
		}
		return false
	})
	slices.Sort(schema)
	want := copied()
	for _, line := range schema {
		if !slices.Contains(want, line) {
			t.Errorf("the schema has %s, and the catalogue has not: copies would miss it", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(schema, line) {
			t.Errorf("the catalogue has %s, and the schema has not", line)
		}
	}
	for name := range notCopied {
		if !excused[name] {
			t.Errorf("%s needs no excuse", name)
		}
	}
}

// TestTables_AreTheSchemaOfPostgreSQL reads the server's catalogue: no table and no column is forgotten, and keys are the primary keys.
func TestTables_AreTheSchemaOfPostgreSQL(t *testing.T) {
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
SELECT c.relname || '.' || a.attname || ' '
       || CASE a.atttypid::regtype::text WHEN 'text' THEN 'text' WHEN 'bytea' THEN 'blob' WHEN 'bigint' THEN 'int' WHEN 'smallint' THEN 'int' ELSE '?' END
       || ' key ' || coalesce(array_position(x.indkey::int2[], a.attnum) + 1, 0)
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_attribute AS a ON a.attrelid = c.oid
  LEFT JOIN pg_index AS x ON x.indrelid = c.oid AND x.indisprimary
 WHERE n.nspname = current_schema()
   AND c.relkind IN ('r', 'p')
   AND a.attnum > 0
   AND NOT a.attisdropped`)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if table, _, _ := strings.Cut(line, "."); !slices.Contains(store.AllTables(), table) {
			t.Errorf("the list of all tables lacks %s", table) // a restore that was cut short would leave it
		}
	}
	compare(t, lines)
}

// TestTables_AreTheSchemaOfSQLite reads sqlite_schema. Keys are PostgreSQL's: SQLite's own order is another matter, which the plan tells.
func TestTables_AreTheSchemaOfSQLite(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "box.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	lines, err := store.Texts(t.Context(), db, `
SELECT s.name || '.' || c.name || ' ' || CASE c.type WHEN 'INTEGER' THEN 'int' WHEN 'BIGINT' THEN 'int' ELSE lower(c.type) END
  FROM sqlite_schema AS s
  JOIN pragma_table_info(s.name) AS c
 WHERE s.type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	for _, line := range copied() {
		column, _, _ := strings.Cut(line, " ")
		_, keys[column], _ = strings.Cut(line, " key ")
	}
	for i, line := range lines {
		column, _, _ := strings.Cut(line, " ")
		lines[i] = line + " key " + keys[column]
	}
	compare(t, lines)
}

// Reading a whole table goes along an index of it, on both databases: nothing is sorted, and a slice costs what it holds.
func TestTables_AreReadAlongTheirKeys(t *testing.T) {
	t.Parallel()
	pg := box(t, postgres(t).Schema(t))
	lite, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "box.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer lite.Close()
	for _, table := range store.Tables() {
		for _, behind := range []bool{false, true} {
			steps, err := store.PlanPostgres(t.Context(), pg, store.SelectSQL(table, true, behind))
			if plan := strings.Join(steps, "\n"); err != nil || strings.Contains(plan, "Sort") || strings.Contains(plan, "Seq Scan") || !strings.Contains(plan, "Index") {
				t.Errorf("PostgreSQL, %s: %v\n%s", table.Name, err, plan)
			}
			steps, err = store.Plan(t.Context(), lite, store.SelectSQL(table, false, behind))
			plan := strings.Join(steps, "\n")
			if err != nil || strings.Contains(plan, "TEMP B-TREE") || len(steps) != 1 || behind && !strings.Contains(plan, "USING") {
				t.Errorf("SQLite, %s: %v\n%s", table.Name, err, plan)
			}
		}
	}
}
