package store

import (
	"context"
	"errors"
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

// HotStatements are those that run for every signal or every lane, however much is stored.
func HotStatements() []string {
	return []string{
		headSQL, typeIDSQL, answerDaySQL, answerSQL, meterSQL, accountByKeySQL, contactByKeySQL, accountByIDSQL, contactByIDSQL,
		saveHeadSQL, deleteRecordKeySQL, updateAccountSQL, updateContactSQL, updateStateSQL, saveMeterSQL,
		claimableSQL, nextInLaneSQL, leaseDeliverySQL, expireDeliverySQL, eventBodySQL, webhookSQL,
		settleSQL, armDueSQL, setDueSQL, deleteDueSQL, nextDueSQL, selectDueSQL, nextLaneSQL, heartbeatSQL, nodeGenerationSQL,
		definedWebhooksSQL, definedTypesSQL,
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
	err = db.read(ctx, func(t *tx) error {
		if err := t.pg.flush(); err != nil {
			return err
		}
		one, err := t.pg.prepare(sql)
		if err != nil {
			return err
		}
		forms := []*prepared{one}
		if text, err := batchText(one.text, one.ParamOIDs); err == nil && !strings.Contains(one.text, "LIMIT") && !strings.Contains(one.text, "max(") && !strings.Contains(one.text, "FOR ") && len(one.ParamOIDs) > 0 {
			many, err := t.pg.prepare(text)
			if err != nil {
				return err
			}
			if forms = append(forms, many); strings.Contains(sql, "record_keys AS k") {
				forms = forms[1:] // the form for one row is never run there: it only tells the types
			}
		}
		for _, p := range forms {
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

// FailAfterWriting is a write of its own that fails with err after it has changed a row.
func FailAfterWriting(ctx context.Context, db *DB, err error) error {
	return db.write(ctx, classManage, func(t *tx) error {
		if _, writeErr := t.exec(putSettingSQL, "test", []byte("never")); writeErr != nil {
			return writeErr
		}
		return err
	})
}

// EachID reads the ids of all rows of a table.
func EachID(s *Snapshot, table string, each func(id int64)) error {
	t := findTable(table)
	column := slices.Index(t.Columns, "id")
	var after []byte
	for {
		var err error
		after, err = s.Rows(table, after, 1000, func(row []byte) error {
			return t.values(row, func(i int, _ kind, n int64, _ []byte) {
				if i == column {
					each(n)
				}
			})
		})
		if err != nil || after == nil {
			return err
		}
	}
}

// CheckSnapshot has SQLite look whether the database of a snapshot is whole.
func CheckSnapshot(s *Snapshot) error {
	var found string
	_, err := s.t.one("PRAGMA integrity_check", nil, func(r *row) { found = r.text(0) })
	if err == nil && found != "ok" {
		err = errors.New(found)
	}
	return err
}
