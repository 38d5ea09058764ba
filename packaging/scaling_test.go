package packaging_test

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"signalbox/internal/boxtest/pgserver"
	"signalbox/store"
)

// TestScaling_ItsArithmeticIsRight computes the table of docs/scaling.md again from its inputs.
func TestScaling_ItsArithmeticIsRight(t *testing.T) {
	t.Parallel()
	text := read(t, "docs/scaling.md")
	cell := func(name string) float64 {
		m := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(name) + ` \| ([0-9.]+) \|`).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("docs/scaling.md has no row %q", name)
		}
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	const rate = 1_000_000
	used, cores := cell("cores used at most")/100, cell("cores of a machine")
	perMachine := used * cores
	nodeCores := math.Ceil(cell("node CPU per signal, delivery included") / 1e6 * rate / used)
	dbCores := math.Ceil(cell("PostgreSQL CPU per signal") / 1e6 * rate / used)
	shards := math.Ceil(dbCores * used / perMachine)
	for name, want := range map[string]float64{
		"node cores":                     nodeCores,
		"node machines":                  math.Ceil(nodeCores * used / perMachine),
		"database cores":                 dbCores,
		"shards":                         shards,
		"signals per shard":              math.Round(rate / shards),
		"write-ahead log per shard":      math.Round(cell("write-ahead log per signal") * rate / shards / 1e6),
		"network":                        math.Round(cell("body in and out per signal") * 8 * rate / 1e9),
		"disk per day, before retention": math.Round(cell("stored per signal") * rate * 86400 / 1e12),
	} {
		if got := cell(name); got != want {
			t.Errorf("%s is %v, its inputs make %v", name, got, want)
		}
	}
}

// tellers hold what tells the workspace: they are looked up over all of them.
var tellers = []string{"api_keys", "members", "sessions", "links"}

// TestScaling_EveryTableHasItsPlace compares the DDL for a distributed database with the schema.
func TestScaling_EveryTableHasItsPlace(t *testing.T) {
	t.Parallel()
	s, err := pgserver.Start()
	if err != nil {
		t.Fatal("a PostgreSQL server is needed: ", err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	url := s.Schema(t)
	db, err := store.Open(t.Context(), store.Config{DatabaseURL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	placed := map[string]string{}
	for _, m := range regexp.MustCompile(`create_(reference|distributed)_table\('(\w+)'(?:, '(\w+)')?`).FindAllStringSubmatch(read(t, "docs/scaling.md"), -1) {
		placed[m[2]] = m[3]
	}
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	rows, err := c.Query(t.Context(), `
SELECT c.relname,
       EXISTS (SELECT 1 FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'workspace_id')
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = current_schema() AND c.relkind = 'r'`)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for rows.Next() {
		var table string
		var tenant bool
		if err := rows.Scan(&table, &tenant); err != nil {
			t.Fatal(err)
		}
		seen++
		column, ok := placed[table]
		delete(placed, table)
		switch {
		case !ok:
			t.Errorf("docs/scaling.md gives no place to %s", table)
		case tenant && !slices.Contains(tellers, table) && column != "workspace_id":
			t.Errorf("%s holds rows of workspaces and is not distributed by them", table)
		}
	}
	if err := rows.Err(); err != nil || seen < 15 || len(placed) > 0 {
		t.Errorf("%d tables, %v; docs/scaling.md names %v besides", seen, err, placed)
	}
}
