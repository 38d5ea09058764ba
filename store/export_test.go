package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// What an error of the database means, for the test of each code.
const (
	OwnFault  = ownFault
	NotNow    = notNow
	Untrusted = untrusted
)

// Judge says what an error means.
func Judge(err error, committing bool) verdict { return judge(err, committing) }

// Waiting says how many operations wait for the writer.
func Waiting(db *DB) (n int) {
	for _, q := range db.w.queues {
		n += len(q)
	}
	return n
}

// AllTables are the tables that a new start takes away, and whose rights are looked at.
func AllTables() []string { return allTables() }

// Forget empties the memory of records.
func Forget(db *DB) { db.memory = newMemory() }

// Remembers says how many accounts and contacts are remembered.
func Remembers(db *DB) int {
	db.memory.mu.Lock()
	defer db.memory.mu.Unlock()
	return db.memory.size
}

// MaxChanges is how many turns a head tells of.
const MaxChanges = maxChanges

// MaxRemembered is how many may be.
const MaxRemembered = maxRemembered

// HotStatements are those that run for every signal or every lane, however much is stored.
func HotStatements() []string {
	return []string{
		headSQL, typeIDSQL, answerDaySQL, answerSQL, meterSQL, accountByKeySQL, contactByKeySQL, accountByIDSQL, contactByIDSQL,
		saveHeadSQL, deleteRecordKeySQL, updateAccountSQL, updateContactSQL, updateStateSQL, updateSettledSQL, saveMeterSQL,
		claimableSQL, nextInLaneSQL, leaseDeliverySQL, expireDeliverySQL, eventBodySQL, webhookSQL,
		settleSQL, armDueSQL, setDueSQL, deleteDueSQL, nextDueSQL, selectDueSQL, nextLaneSQL, heartbeatSQL, nodeGenerationSQL,
		definedWebhooksSQL, definedTypesSQL, paceSQL, savePaceSQL, runSQL, updateRunSQL, runsOfSignalSQL, runsOfAccountSQL, runsOfContactSQL,
	}
}

// ListStatements are those that a page of a list, or what it is narrowed by, is read by, and those of the sweep that keeps lists by score: however much is stored, each goes along an
// index and sorts nothing.
func ListStatements() []string {
	return []string{
		accountRankSQL, contactRankSQL, topAccountsSQL, accountScoreSQL, topContactsSQL, contactScoreSQL, accountsInStageSQL, accountStageSQL, contactsInStageSQL, contactStageSQL, statusAccountsSQL,
		audienceMembersSQL, isMemberSQL, contactIDsOfAccountSQL, ranksDueSQL, nextRankDueSQL, setRankSQL, accountPartsSQL, contactPartsSQL, standingSQL,
	}
}

// Plan asks SQLite how it would run a statement.
func Plan(ctx context.Context, db *DB, sql string) (steps []string, err error) {
	err = db.read(ctx, func(t *tx) error {
		return t.query("EXPLAIN QUERY PLAN "+sql, nil, func(r *row) error {
			steps = append(steps, r.text(3))
			return nil
		})
	})
	return steps, err
}

// PlanPostgres asks PostgreSQL how it runs a statement, for one row and, where it has one, for many.
func PlanPostgres(ctx context.Context, db *DB, sql string) (steps []string, err error) {
	return planPostgres(ctx, db, sql, func(s *session, one *prepared) ([]*prepared, error) {
		text, err := batchText(one.text, one.ParamOIDs)
		if err != nil || strings.Contains(one.text, "LIMIT") || strings.Contains(one.text, "max(") || strings.Contains(one.text, "FOR ") || len(one.ParamOIDs) == 0 {
			return []*prepared{one}, nil
		}
		many, err := s.prepare(text)
		if strings.Contains(sql, "record_keys AS k") {
			return []*prepared{many}, err // the form for one row is never run there: it only tells the types
		}
		return []*prepared{one, many}, err
	})
}

// PlanPostgresOnce asks PostgreSQL how it runs a statement for one row.
func PlanPostgresOnce(ctx context.Context, db *DB, sql string) (steps []string, err error) {
	return planPostgres(ctx, db, sql, func(_ *session, one *prepared) ([]*prepared, error) { return []*prepared{one}, nil })
}

func planPostgres(ctx context.Context, db *DB, sql string, forms func(*session, *prepared) ([]*prepared, error)) (steps []string, err error) {
	err = db.read(ctx, func(t *tx) error {
		if err := t.pg.flush(); err != nil {
			return err
		}
		one, err := t.pg.prepare(sql)
		if err != nil {
			return err
		}
		all, err := forms(t.pg, one)
		if err != nil {
			return err
		}
		for _, p := range all {
			explain := "EXPLAIN (COSTS OFF) EXECUTE " + p.Name
			if n := len(p.ParamOIDs); n > 0 {
				explain += "(NULL" + strings.Repeat(", NULL", n-1) + ")"
			}
			results, err := t.pg.conn.Exec(ctx, explain).ReadAll()
			if err != nil {
				return err
			}
			for _, row := range results[0].Rows {
				steps = append(steps, string(row[0]))
			}
		}
		return nil
	})
	return steps, err
}

// SessionSettings are those of every connection to PostgreSQL.
func SessionSettings() map[string]string { return sessionSettings }

// Check has SQLite look whether the database is whole.
func Check(ctx context.Context, db *DB) error {
	var found string
	err := db.read(ctx, func(t *tx) error {
		_, err := t.one("PRAGMA integrity_check", nil, func(r *row) { found = r.text(0) })
		return err
	})
	if err == nil && found != "ok" {
		err = errors.New(found)
	}
	return err
}

// ForgetReads ends the statements that readers have compiled.
func ForgetReads(db *DB) error {
	return onReaders(db, func(c *conn) error {
		var errs []error
		for _, s := range c.stmts {
			errs = append(errs, s.Close())
		}
		clear(c.stmts)
		return errors.Join(errs...)
	})
}

// Reads are the statements that readers of the embedded database have compiled.
func Reads(db *DB) (list []string, err error) {
	texts := map[string]bool{}
	err = onReaders(db, func(c *conn) error {
		for sql := range c.stmts {
			texts[sql] = true
		}
		return nil
	})
	return slices.Sorted(maps.Keys(texts)), err
}

// onReaders takes every reader that is open.
func onReaders(db *DB, do func(*conn) error) error {
	var errs []error
	var all []*conn
	for range cap(db.readers) {
		all = append(all, <-db.readers)
	}
	for _, c := range all {
		if c != nil {
			errs = append(errs, do(c))
		}
		db.readers <- c
	}
	return errors.Join(errs...)
}

// Exec runs any statement as one write.
func Exec(ctx context.Context, db *DB, sql string) error {
	return db.write(ctx, classManage, func(t *tx) error {
		if t.pg != nil {
			_, err := t.exec(sql)
			return err
		}
		return t.c.Exec(sql)
	})
}

// Manage runs fn as one write of the class that people's changes have.
func Manage(ctx context.Context, db *DB, fn func() error) error {
	return db.write(ctx, classManage, func(*tx) error { return fn() })
}

// KindOf says what a column of the catalogue holds.
func KindOf(t Table, column int) string {
	return map[kind]string{kindInt: "int", kindText: "text", kindBlob: "blob"}[t.kinds[column]]
}

// SelectSQL is how a table is read, from its beginning or from behind a place.
func SelectSQL(t Table, pg, behind bool) string { return t.selectSQL(pg, behind) }

// Texts runs a query and returns the first column.
func Texts(ctx context.Context, db *DB, sql string) (list []string, err error) {
	err = db.read(ctx, func(t *tx) error {
		return t.query(sql, nil, func(r *row) error {
			list = append(list, r.text(0))
			return nil
		})
	})
	return list, err
}

// CheckServer judges a server that is as it must be but for what spoil does to it.
func CheckServer(spoil func(*Server)) error {
	srv := Server{version: minPostgres, encoding: "UTF8", syncCommit: "on", safe: true, schema: "public", user: "me"}
	spoil(&srv)
	return srv.check()
}

// Server is what a server says of itself.
type Server = server

// The ways to spoil a Server.
var Spoil = map[string]func(*Server){
	"": func(*Server) {},
	"PostgreSQL 14.9 is too old: 15 or later is needed": func(s *Server) { s.version = 140_009 },
	"read-only standby":                   func(s *Server) { s.standby = true },
	"default_transaction_read_only is on": func(s *Server) { s.readOnly = true },
	"encoding is SQL_ASCII":               func(s *Server) { s.encoding = "SQL_ASCII" },
	"synchronous_commit is local":         func(s *Server) { s.syncCommit = "local" },
	"fsync or full_page_writes off":       func(s *Server) { s.safe = false },
	"user me has no schema":               func(s *Server) { s.schema = "" },
}

// Decode reads an encoded row and makes a place of it, and reads that.
func Decode(t Table, row []byte) error {
	place, err := t.place(row, t.own)
	if err != nil {
		return err
	}
	key := &Table{}
	for _, column := range t.own {
		key.kinds = append(key.kinds, t.kinds[column])
	}
	if err := key.values(place, func(int, kind, int64, []byte) {}); err != nil {
		return fmt.Errorf("the place of a row that can be read: %w", err)
	}
	return nil
}
