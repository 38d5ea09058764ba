package store

import "strings"

// toSQLite rewrites the numbered parameters of a statement, written once in PostgreSQL's form $1, to SQLite's ?1: SQLite reads
// $1 as a name and would number it by where it first stands. No statement of this room has a $ in a string.
func toSQLite(sql string) string { return strings.ReplaceAll(sql, "$", "?") }

// toPostgres answers a statement as PostgreSQL is to have it: as it is written, but for those in onPostgres.
func toPostgres(sql string) string {
	if own, ok := onPostgres[sql]; ok {
		return own
	}
	return sql
}

// onPostgres are the statements that differ on PostgreSQL, by SQLite's text. There are four reasons:
//   - a key of a tenant's table begins with the workspace there, so that the workspace is part of every way to a row, and a conflict's;
//   - there several transactions write at once: what is read to be changed is locked as it is read (here the writer is the lock);
//   - rows that are looked up many at a time are found by arrays (postgres_batch.go makes those forms by itself);
//   - what tables there are is asked otherwise.
var onPostgres = map[string]string{
	armDueSQL:          armDuePostgresSQL,
	stirSQL:            strings.Replace(stirSQL, "ON CONFLICT (kind, subject)", "ON CONFLICT (workspace_id, kind, subject)", 1),
	setDueSQL:          setDuePostgresSQL,
	accountByKeySQL:    accountByKeyPostgresSQL,
	contactByKeySQL:    contactByKeyPostgresSQL,
	accountByIDSQL:     accountByIDPostgresSQL,
	contactByIDSQL:     contactByIDPostgresSQL,
	unlinkAccountSQL:   unlinkAccountPostgresSQL,
	eraseAttemptsSQL:   eraseAttemptsPostgresSQL,
	eraseAuditSQL:      eraseAuditPostgresSQL,
	allSignalsSQL:      allSignalsPostgresSQL,
	signalsUpSQL:       signalsUpPostgresSQL,
	statesUpSQL:        statesUpPostgresSQL,
	agedSignalsSQL:     agedSignalsPostgresSQL,
	agedEventsSQL:      agedEventsPostgresSQL,
	eventsBetweenSQL:   eventsBetweenPostgresSQL,
	agedDeliveriesSQL:  agedDeliveriesPostgresSQL,
	agedAttemptsSQL:    agedAttemptsPostgresSQL,
	hasSettingsSQL:     hasSettingsPostgresSQL,
	hasHistorySQL:      hasHistoryPostgresSQL,
	agedLogsSQL:        agedLogsPostgresSQL,
	agedRunsSQL:        agedRunsPostgresSQL,
	newerSignalsSQL:    newerSignalsPostgresSQL,
	newerDeliveriesSQL: newerDeliveriesPostgresSQL,
	passSignalsSQL:     passSignalsPostgresSQL,
	passDeliveriesSQL:  passDeliveriesPostgresSQL,

	claimableSQL:       claimableSQL + "\n   FOR UPDATE SKIP LOCKED", // a row that another node is about to lease is its
	selectDueSQL:       selectDueSQL + "\n   FOR UPDATE SKIP LOCKED",
	nodeGenerationSQL:  nodeGenerationSQL + "\n   FOR SHARE", // nobody ends the lease before this transaction
	lockHeadSQL:        lockHeadSQL + "\n   FOR NO KEY UPDATE",
	lockDueSQL:         lockDueSQL + "\n   FOR UPDATE",
	openOfWebhookSQL:   openOfWebhookSQL + "\n   FOR UPDATE",
	unreadOfWebhookSQL: unreadOfWebhookSQL + "\n   FOR UPDATE",
}

const armDuePostgresSQL = `
INSERT INTO due (kind, subject, workspace_id, at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (workspace_id, kind, subject) DO UPDATE
   SET at = excluded.at
 WHERE excluded.at < due.at`

const setDuePostgresSQL = `
INSERT INTO due (kind, subject, workspace_id, at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (workspace_id, kind, subject) DO UPDATE
   SET at = excluded.at`

const accountByKeyPostgresSQL = accountWithState + `
  FROM record_keys AS k
  JOIN accounts AS a ON a.workspace_id = k.workspace_id AND a.id = k.entity_id
  LEFT JOIN entity_states AS s ON s.workspace_id = a.workspace_id AND s.entity_id = a.id
 WHERE k.workspace_id = $1
   AND k.kind = $2
   AND k.value = $3`

const contactByKeyPostgresSQL = contactWithState + `
  FROM record_keys AS k
  JOIN contacts AS c ON c.workspace_id = k.workspace_id AND c.id = k.entity_id
  LEFT JOIN entity_states AS s ON s.workspace_id = c.workspace_id AND s.entity_id = c.id
 WHERE k.workspace_id = $1
   AND k.kind = $2
   AND k.value = $3`

const accountByIDPostgresSQL = accountWithState + `
  FROM accounts AS a
  LEFT JOIN entity_states AS s ON s.workspace_id = a.workspace_id AND s.entity_id = a.id
 WHERE a.id = $1
   AND a.workspace_id = $2`

const contactByIDPostgresSQL = contactWithState + `
  FROM contacts AS c
  LEFT JOIN entity_states AS s ON s.workspace_id = c.workspace_id AND s.entity_id = c.id
 WHERE c.id = $1
   AND c.workspace_id = $2`

const unlinkAccountPostgresSQL = `
UPDATE contacts
   SET account_id = NULL, revision = revision + 1, updated_at = $3
 WHERE id IN (SELECT id
                FROM contacts
               WHERE workspace_id = $1 AND account_id = $2
               ORDER BY id
               LIMIT $4)
   AND workspace_id = $1`

const eraseAttemptsPostgresSQL = `
UPDATE attempts
   SET headers = NULL, body = NULL
 WHERE id IN (SELECT id
                FROM attempts
               WHERE workspace_id = $1 AND delivery_id = $2 AND (headers IS NOT NULL OR body IS NOT NULL)
               ORDER BY id
               LIMIT $3)
   AND workspace_id = $1`

const allSignalsPostgresSQL = `
SELECT ` + signalColumns + `
  FROM signals
 WHERE id < $1 AND workspace_id = $3
 ORDER BY id DESC
 LIMIT $2`

const (
	agedEventsPostgresSQL = `
SELECT id, workspace_id, caused_to
  FROM events
 WHERE id > $1 AND id < $2 AND workspace_id = $4
 ORDER BY id
 LIMIT $3`

	agedDeliveriesPostgresSQL = `
SELECT id, workspace_id, 0
  FROM deliveries
 WHERE id > $1 AND id < $2 AND workspace_id = $4
 ORDER BY id
 LIMIT $3`

	agedAttemptsPostgresSQL = `
SELECT id, workspace_id, 0
  FROM attempts
 WHERE id > $1 AND id < $2 AND workspace_id = $4
 ORDER BY id
 LIMIT $3`

	agedSignalsPostgresSQL = `
SELECT id, workspace_id, 0
  FROM signals
 WHERE id > $1 AND id < $2 AND workspace_id = $4
 ORDER BY id
 LIMIT $3`

	agedLogsPostgresSQL = `
SELECT id, workspace_id, 0
  FROM logs
 WHERE id > $1 AND id < $2 AND workspace_id = $4
 ORDER BY id
 LIMIT $3`
)

const (
	newerSignalsPostgresSQL = `
SELECT ` + signalColumns + `
  FROM signals
 WHERE id > $1 AND workspace_id = $3
 ORDER BY id
 LIMIT $2`

	passSignalsPostgresSQL = `
SELECT id, workspace_id
  FROM signals
 WHERE id > $1 AND workspace_id = $3
 ORDER BY id
 LIMIT $2`

	passDeliveriesPostgresSQL = `
SELECT id, workspace_id
  FROM deliveries
 WHERE id > $1 AND workspace_id = $3
 ORDER BY id
 LIMIT $2`

	newerDeliveriesPostgresSQL = `
SELECT ` + deliveryColumns + `
  FROM deliveries
 WHERE id > $1 AND workspace_id = $3
 ORDER BY id
 LIMIT $2`
)

// locking answers a statement whose rows stay as they are read until the transaction ends: another node cannot change them.
func (t *tx) locking(sql string) string {
	if t.pg != nil {
		return sql + "\n   FOR UPDATE"
	}
	return sql
}

// scoped adds the workspace to the parameters of a statement that names it on PostgreSQL alone.
func (t *tx) scoped(ws int64, args ...any) []any {
	if t.pg != nil {
		return append(args, ws)
	}
	return args
}
