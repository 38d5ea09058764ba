package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"signalbox/internal/boxtest/pgserver"
	"signalbox/store"
)

// database is the PostgreSQL database that a run works in. Every server has a schema of its own there, which goes with it.
type database struct {
	private    *pgserver.Server // nil: somebody else's
	url        string
	postmaster int // its process on this machine; 0: it runs elsewhere, and its CPU time cannot be told
}

// DatabaseInfo says on what a run was measured.
type DatabaseInfo struct {
	Version           string `json:"version"`
	Private           bool   `json:"private"`     // bench started it for this run
	CPUCounted        bool   `json:"cpu_counted"` // its CPU time is in all CPU times of the report
	SynchronousCommit string `json:"synchronous_commit"`
	SharedBuffers     string `json:"shared_buffers"`
	MaxWALSize        string `json:"max_wal_size"`
	FullPageWrites    string `json:"full_page_writes"`
}

// The settings of a private server that are not PostgreSQL's own: a cache as a small machine would give it.
var privateSettings = []string{"shared_buffers=512MB", "wal_compression=off"}

// openDatabase starts a private server or looks at the one that was named; both nil: the embedded database is measured.
func (b *bench) openDatabase(ctx context.Context) (err error) {
	d := &database{url: b.DatabaseURL}
	switch {
	case b.Postgres:
		if d.private, err = pgserver.StartIn(b.Config.Dir, privateSettings...); err != nil {
			return err
		}
		d.url, d.postmaster = d.private.URL(), d.private.Postmaster()
	case b.DatabaseURL == "":
		return nil
	}
	info, err := d.look(ctx)
	if err != nil {
		return errors.Join(err, d.close())
	}
	b.database, b.report.Database = d, info
	return nil
}

// close ends a private server.
func (d *database) close() error {
	if d == nil || d.private == nil {
		return nil
	}
	return d.private.Stop()
}

const (
	databaseInfoSQL = `
SELECT current_setting('server_version'), current_setting('synchronous_commit'), current_setting('shared_buffers'),
       current_setting('max_wal_size'), current_setting('full_page_writes'), pg_backend_pid(), coalesce(inet_client_port(), 0)`

	// someTableSQL names a table that is there already.
	someTableSQL = `
SELECT coalesce(min(format('%s.%s', schemaname, tablename)), '')
  FROM pg_tables
 WHERE schemaname <> ALL('{pg_catalog,information_schema}')`

	schemaSizeSQL = `
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
  FROM pg_class AS c
 WHERE c.relnamespace = $1::text::regnamespace
   AND c.relkind = 'r'`

	walSQL = `SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint`
)

// look refuses a database that holds anything, and finds out where its server runs.
func (d *database) look(ctx context.Context) (*DatabaseInfo, error) {
	c, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close(ctx)
	var table string
	if err := c.QueryRow(ctx, someTableSQL).Scan(&table); err != nil {
		return nil, err
	}
	if table != "" {
		return nil, fmt.Errorf("database %s holds table %s: bench fills and drops what it measures, give it an empty database", store.RedactURL(d.url), table)
	}
	info := &DatabaseInfo{Private: d.private != nil}
	var backend, port int
	err = c.QueryRow(ctx, databaseInfoSQL).Scan(&info.Version, &info.SynchronousCommit, &info.SharedBuffers, &info.MaxWALSize, &info.FullPageWrites, &backend, &port)
	if err != nil {
		return nil, err
	}
	if d.postmaster == 0 {
		d.postmaster = localPostmaster(backend, port)
	}
	info.CPUCounted = d.postmaster != 0
	return info, nil
}

// localPostmaster is the process of this machine that runs a backend; 0 when it is another machine's (or another container's), whose numbers mean
// nothing here: a backend's title names the client's port.
func localPostmaster(backend, port int) int {
	title, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", backend))
	if err != nil || !bytes.HasPrefix(title, []byte("postgres: ")) || port != 0 && !bytes.Contains(title, fmt.Appendf(nil, "(%d)", port)) {
		return 0
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", backend))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1]) // 0 for what is no number
	return parent
}

func (d *database) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	return pgx.Connect(ctx, d.url)
}

// makeSchema makes an empty schema and returns its name and the URL of a database that is nothing else.
func (d *database) makeSchema(ctx context.Context) (name, at string, err error) {
	name = "signalbox_bench_" + randomHex(6)
	u, err := url.Parse(d.url)
	if err != nil {
		return "", "", err
	}
	query := u.Query()
	query.Set("search_path", name)
	u.RawQuery = query.Encode()
	return name, u.String(), d.exec(ctx, "CREATE SCHEMA "+name)
}

// dropSchema removes a schema with all that it holds.
func (d *database) dropSchema(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), replyWithin)
	defer cancel()
	return d.exec(ctx, "DROP SCHEMA "+name+" CASCADE")
}

func (d *database) exec(ctx context.Context, sql string) error {
	c, err := d.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, sql)
	return err
}

// number answers a statement's one number; 0 where it cannot be had.
func (d *database) number(ctx context.Context, sql string, args ...any) (n int64) {
	c, err := d.connect(ctx)
	if err != nil {
		return 0
	}
	defer c.Close(ctx)
	if err := c.QueryRow(ctx, sql, args...).Scan(&n); err != nil {
		return 0
	}
	return n
}

// cpu is the CPU time of the server's processes so far, 0 when it cannot be told.
func (d *database) cpu() time.Duration {
	if d == nil || d.postmaster == 0 {
		return 0
	}
	return pgserver.CPUOf(d.postmaster)
}

// wal is how many bytes the server has written to its log.
func (d *database) wal() int64 {
	if d == nil {
		return 0
	}
	return d.number(context.Background(), walSQL)
}
