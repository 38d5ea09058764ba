package crash_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"signalbox/internal/boxtest/pgserver"
)

// postgres is the PostgreSQL server of this run, which every test of nodes breaks in its own way. It ends with this process, however that does;
// the janitor removes what it leaves, once it has ended.
var postgres = sync.OnceValues(func() (*pgserver.Server, error) {
	postgresStarted = true
	s, err := pgserver.Start()
	if err == nil {
		err = atTheEnd("sh", "-c", `rm -rf "$0" || { sleep 2; rm -rf "$0"; }`, s.Dir())
	}
	return s, err
})

var postgresStarted bool

// stopPostgres ends it, if any test asked for it.
func stopPostgres() error {
	if !postgresStarted {
		return nil
	}
	s, err := postgres()
	if err != nil {
		return nil // told by the test that asked for it
	}
	return s.Stop()
}

// newDatabase makes an empty database for a test; its rows go with it.
func newDatabase(t *testing.T) (*pgserver.Server, string) {
	t.Helper()
	s, err := postgres()
	if err != nil {
		t.Fatal(err)
	}
	url := s.Schema(t)
	_, schema, _ := strings.Cut(url, "search_path=")
	t.Cleanup(func() { s.Exec(t, "DROP SCHEMA "+schema+" CASCADE") })
	return s, url
}

// postgresTables reads PostgreSQL, also while servers are at work.
type postgresTables struct{ c *pgx.Conn }

// openPostgres connects to a database.
func openPostgres(url string) (*oracle, error) {
	c, err := pgx.Connect(context.Background(), url)
	if err != nil {
		return nil, err
	}
	return newOracle(postgresTables{c})
}

func (t postgresTables) close() error { return t.c.Close(context.Background()) }

func (t postgresTables) number(name string) string {
	return "coalesce((properties::json->>'" + name + "')::bigint, 0)"
}

func (t postgresTables) truth(name string) string {
	return "coalesce((properties::json->>'" + name + "')::boolean::int, 0)"
}

func (t postgresTables) query(sql string, fn func(row)) error {
	rows, err := t.c.Query(context.Background(), sql)
	if err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	defer rows.Close()
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
		fn(postgresRow(values))
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

func (t postgresTables) serials(ids []int64) (map[int64]int64, error) {
	rows, err := t.c.Query(context.Background(), "SELECT id, "+t.number("serial")+" FROM signals WHERE id = ANY($1)", ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := make(map[int64]int64, len(ids))
	for rows.Next() {
		var id, serial int64
		if err := rows.Scan(&id, &serial); err != nil {
			return nil, err
		}
		found[id] = serial
	}
	return found, rows.Err()
}

// postgresRow is a row as the driver reads it. A column of another kind than it is read as is a mistake in this file's queries.
type postgresRow []any

func (r postgresRow) int(column int) int64 {
	switch v := r[column].(type) {
	case nil:
		return 0
	case int64:
		return v
	case int32:
		return int64(v)
	case int16:
		return int64(v)
	default:
		panic(fmt.Sprintf("column %d is %T, not a number", column, v))
	}
}

func (r postgresRow) text(column int) string { return r[column].(string) }

func (r postgresRow) bytes(column int) []byte { return r[column].([]byte) }
