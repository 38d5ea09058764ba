package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"signalbox"
	"signalbox/internal/fault"
)

// minPostgres is the oldest server that the tests run on, as server_version_num says it.
const minPostgres = 150_000

// startLock is the advisory lock that a node holds while it migrates the schema, or makes what a first start makes: others wait.
const startLock = 0x7369676e616c626f // "signalbo"

const (
	serverSQL = `
SELECT current_setting('server_version_num')::int,
       pg_is_in_recovery(),
       current_setting('default_transaction_read_only') = 'on',
       current_setting('server_encoding'),
       current_setting('synchronous_commit'),
       current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on',
       coalesce(current_schema(), ''),
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
       current_user,
       to_regclass('schema_migrations') IS NOT NULL`

	// unusableTableSQL finds a table of the schema that this user may not work with.
	unusableTableSQL = `
SELECT c.relname
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = current_schema()
   AND c.relname = ANY(string_to_array($1, ','))
   AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
            AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
 ORDER BY c.relname
 LIMIT 1`
)

// ownTables are the tables that no copy has.
var ownTables = []string{"nodes", "sessions", "links", "schema_migrations"}

// allTables are the tables of the schema.
func allTables() []string {
	names := slices.Clone(ownTables)
	for _, t := range catalogue {
		names = append(names, t.Name)
	}
	return names
}

// server is what a PostgreSQL server says of itself and of what this user may do there.
type server struct {
	version                     int64
	standby, readOnly, safe     bool
	encoding, syncCommit        string
	schema, user                string
	mayCreate, hasSchemaHistory bool
}

// prepare looks at the server and brings the schema to what this program needs, one node at a time.
func (p *postgres) prepare(ctx context.Context) error {
	c, s, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer release(c, s)
	t := &tx{pg: s}
	srv, err := t.server()
	if err != nil {
		return err
	}
	if err := srv.check(); err != nil {
		return err
	}
	known, err := p.db.cfg.Shape.migrations(p.db.cfg.Migrations, ownPostgres)
	if err != nil {
		return err
	}
	p.db.version = len(known)
	return s.exclusive(func() error { return p.migrate(ctx, t, srv, known) })
}

// exclusive runs fn while no other node does. Others take as long as they take: neither the lock's clock nor a statement's holds here.
func (s *session) exclusive(fn func() error) error {
	s.end = time.Time{}
	if _, err := s.simple(fmt.Sprintf("SET lock_timeout = 0; SET statement_timeout = 0; SELECT pg_advisory_lock(%d)", startLock)); err != nil {
		return err
	}
	err := fn()
	_, endErr := s.simple(fmt.Sprintf("SELECT pg_advisory_unlock(%d); RESET lock_timeout; RESET statement_timeout", startLock))
	return errors.Join(err, endErr)
}

// Alone runs what a start does once in the life of a database while no other node does: of several first starts, one makes what there is to make
// and the others find it. fn works through the door, with transactions of its own.
func (db *DB) Alone(ctx context.Context, fn func() error) error {
	if db.pg == nil {
		return fn() // no other program has this database open
	}
	c, s, err := db.pg.acquire(ctx)
	if err != nil {
		return err
	}
	defer release(c, s)
	return s.exclusive(fn)
}

func (t *tx) server() (srv server, err error) {
	_, err = t.one(serverSQL, nil, func(r *row) {
		srv = server{
			version: r.int(0), standby: r.bool(1), readOnly: r.bool(2), encoding: r.text(3), syncCommit: r.text(4), safe: r.bool(5),
			schema: r.text(6), mayCreate: r.bool(7), user: r.text(8), hasSchemaHistory: r.bool(9),
		}
	})
	return srv, err
}

// check refuses a server that the promises of this room cannot be kept on.
func (srv *server) check() error {
	switch {
	case srv.version < minPostgres:
		return fmt.Errorf("PostgreSQL %d.%d is too old: %d or later is needed", srv.version/10_000, srv.version%10_000, minPostgres/10_000)
	case srv.standby:
		return errors.New("the server is a read-only standby: connect to the primary (target_session_attrs=read-write finds it among several hosts)")
	case srv.readOnly:
		return errors.New("the database is read-only: default_transaction_read_only is on")
	case srv.encoding != "UTF8":
		return fmt.Errorf("the database's encoding is %s: it must be made with encoding UTF8", srv.encoding)
	case srv.syncCommit != "on" && srv.syncCommit != "remote_apply":
		return fmt.Errorf("synchronous_commit is %s on this connection: what is acknowledged would not be on the disk", srv.syncCommit)
	case !srv.safe:
		return errors.New("the server runs with fsync or full_page_writes off: what is acknowledged would not survive a power cut")
	case srv.schema == "":
		return fmt.Errorf("user %s has no schema to work in: make one, or set search_path", srv.user)
	}
	return nil
}

// migrate applies what is missing, a transaction for each step. What stands in its way is said before anything is touched.
func (p *postgres) migrate(ctx context.Context, t *tx, srv server, known []migration) error {
	srv, err := t.server() // again: another node may have migrated while this one waited for the lock
	if err != nil {
		return err
	}
	table := ""
	if _, err := t.one(unusableTableSQL, []any{strings.Join(allTables(), ",")}, func(r *row) { table = r.text(0) }); err != nil {
		return err
	}
	if table != "" {
		return fmt.Errorf("user %s may not read and write table %s: grant it SELECT, INSERT, UPDATE and DELETE on the tables of schema %s",
			srv.user, table, srv.schema)
	}
	if err := p.db.refuseMoved(t); err != nil {
		return err
	}
	applied := 0
	if srv.hasSchemaHistory {
		if applied, err = p.db.checkHistory(t, known); err != nil {
			return err
		}
	}
	if applied < len(known) && !srv.mayCreate {
		return fmt.Errorf("user %s may not create tables in schema %s: grant it CREATE there, or migrate as another user", srv.user, srv.schema)
	}
	strict := slices.IndexFunc(known[applied:], func(m migration) bool { return m.oldest > applied })
	if applied > 0 && strict >= 0 {
		if err := p.awaitNodes(ctx, t, known[applied+strict]); err != nil {
			return err
		}
	}
	for _, m := range known[applied:] {
		if err := ctx.Err(); err != nil {
			return err
		}
		fault.Point("store.before_migration")
		if err := p.apply(ctx, t, m); err != nil {
			return fmt.Errorf("migration %d (%s): %w", m.number, m.name, err)
		}
		fault.Point("store.after_migration_step")
		p.db.log.Info("database migrated", "number", m.number, "name", m.name)
	}
	return nil
}

const workingNodesSQL = `
SELECT count(*)
  FROM nodes
 WHERE lost = 0
   AND heartbeat_at >= ` + serverNow + ` - ` + leaseUS

// awaitNodes waits until no node works any more that a step would not let work. Who works now knows no more than what was applied before this program came:
// else it would have applied it. A node that was killed is silent soon; one that is not must be stopped.
func (p *postgres) awaitNodes(ctx context.Context, t *tx, m migration) error {
	for end := time.Now().Add(signalbox.LeaseFor + time.Second); ; {
		working, err := t.count(workingNodesSQL)
		if err != nil || working == 0 {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("migration %d (%s) lets no program of the versions before work, and nodes of such a one are working (%d): stop them first", m.number, m.name, working)
		}
		select {
		case <-time.After(stepPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// While a step waits for a table that nodes are using, every statement behind it in the table's queue waits too. So it waits for less than they
// would (lockFor), lets them through, and tries again.
const (
	stepLockFor  = 500 * time.Millisecond
	stepPause    = time.Second
	stepTriesFor = 5 * time.Minute
)

// apply runs one step, as often as it takes to get its locks.
func (p *postgres) apply(ctx context.Context, t *tx, m migration) error {
	begun := time.Now()
	for {
		err := p.applyOnce(t, m)
		var e *pgconn.PgError
		if !errors.As(err, &e) || e.Code != "55P03" || time.Since(begun) > stepTriesFor {
			return err
		}
		p.db.log.Warn("a migration waits for a table that others use", "number", m.number, "name", m.name)
		select {
		case <-time.After(stepPause):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// applyOnce runs one step and records it, together or not at all.
func (p *postgres) applyOnce(t *tx, m migration) error {
	_, err := t.pg.simple(fmt.Sprintf("BEGIN; SET LOCAL lock_timeout = %d; %s", stepLockFor.Milliseconds(), createMigrationsSQL))
	if err == nil {
		_, err = t.pg.simple(m.sql)
	}
	if err == nil {
		fault.Point("store.in_migration")
		_, err = t.exec(insertMigrationSQL, m.number, m.name, m.checksum, time.Now(), m.oldest)
	}
	if err == nil {
		return t.pg.commit()
	}
	_, undoErr := t.pg.simple("ROLLBACK")
	return errors.Join(err, undoErr)
}
