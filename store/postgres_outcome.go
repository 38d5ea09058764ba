package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"signalbox"
)

// When the answer to a COMMIT is lost, the server is asked what became of the transaction, by its number. "aborted", and a number that the
// server has not given yet, are the truth: what was committed is on the disk and so is its number. "committed" is not: a crash may have
// lost the transaction, and its number was then given to another one. So a row that only this transaction can have written is looked for
// (proof); who has none is told that the outcome is unknown.

// resolveFor is how long a lost COMMIT is asked after: a server that crashed is back by then.
const resolveFor = 10 * time.Second

// proof is a statement that answers a row when what a transaction wrote is there.
type proof struct {
	sql  string
	args []any
}

// prove says how to find out whether this transaction was committed.
func (t *tx) prove(sql string, args ...any) {
	if t.pg != nil {
		t.pg.proof = proof{sql, args}
	}
}

const (
	signalProofSQL = `
SELECT 1
  FROM signals
 WHERE workspace_id = $1 AND id = $2`

	eventProofSQL = `
SELECT 1
  FROM events
 WHERE workspace_id = $1 AND id = $2`

	accountProofSQL = `
SELECT 1
  FROM accounts
 WHERE workspace_id = $1 AND id = $2 AND revision >= $3`

	contactProofSQL = `
SELECT 1
  FROM contacts
 WHERE workspace_id = $1 AND id = $2 AND revision >= $3`

	mergeProofSQL = `
SELECT 1
  FROM merges
 WHERE workspace_id = $1 AND id = $2 AND status = $3`

	jobProofSQL = `
SELECT 1
  FROM jobs
 WHERE workspace_id = $1 AND id = $2`

	syncRunProofSQL = `
SELECT 1
  FROM sync_runs
 WHERE workspace_id = $1 AND id = $2 AND step >= $3`

	linkedProofSQL = `
SELECT 1
  FROM linked_accounts
 WHERE workspace_id = $1 AND id = $2 AND revision >= $3`

	leaseProofSQL = `
SELECT 1
  FROM deliveries
 WHERE workspace_id = $1 AND id = $2 AND lease_node = $3 AND lease_generation = $4`
)

// proveDecision takes the first row that a decision writes. A revision is this transaction's own: it was read and raised under the head.
func (t *tx) proveDecision(d *signalbox.Decision) {
	switch {
	case len(d.Signals) > 0:
		t.prove(signalProofSQL, d.Signals[0].Workspace, d.Signals[0].ID)
	case len(d.Events) > 0:
		t.prove(eventProofSQL, d.Events[0].Workspace, d.Events[0].ID)
	case len(d.Jobs) > 0:
		t.prove(jobProofSQL, d.Jobs[0].Workspace, d.Jobs[0].ID)
	case len(d.Accounts) > 0:
		a := d.Accounts[0].Row
		t.prove(accountProofSQL, a.Workspace, a.ID, a.Revision)
	case len(d.Contacts) > 0:
		c := d.Contacts[0].Row
		t.prove(contactProofSQL, c.Workspace, c.ID, c.Revision)
	case len(d.Merges) > 0:
		m := d.Merges[0].Row
		t.prove(mergeProofSQL, m.Workspace, m.ID, string(m.Status))
	case len(d.Synced) > 0:
		r := &d.Synced[0].Run
		t.prove(syncRunProofSQL, r.Workspace, r.ID, r.Step)
	case len(d.Linked) > 0:
		l := d.Linked[0].Row
		t.prove(linkedProofSQL, l.Workspace, int64(l.ID), l.Revision)
	}
}

// outcomeUnknown says whether a COMMIT that ended with err may have been taken: all but what the server itself refused. A server that is
// shut down or crashes says so in the middle of it (class 57P), which leaves it open.
func outcomeUnknown(err error) bool {
	var e *pgconn.PgError
	var r *rolledBack
	return !errors.As(err, &r) && (!errors.As(err, &e) || strings.HasPrefix(e.Code, "57P") || strings.HasPrefix(e.Code, "08"))
}

// resolve finds out what became of a transaction whose COMMIT had no answer: nil when it was committed, cause when it was not. While the
// server still runs it, or is away itself, it is asked again.
func (p *postgres) resolve(xid string, pr proof, cause error) error {
	ctx, cancel := context.WithTimeout(context.Background(), resolveFor)
	defer cancel()
	for {
		committed, err := p.outcome(ctx, xid, pr)
		switch {
		case err == nil && committed:
			return nil
		case err == nil:
			return &stale{&lost{cause}} // nothing is saved: it runs again
		case errors.Is(err, errNoProof):
			return &lost{errors.Join(ErrOutcomeUnknown, cause)}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			p.db.log.Error("outcome unknown", "transaction", xid, "err", cause)
			return &lost{errors.Join(ErrOutcomeUnknown, cause)}
		}
	}
}

var (
	errNoProof  = errors.New("nothing shows that it was committed")
	errNotEnded = errors.New("the transaction has not ended yet")
)

const transactionStatusSQL = `
SELECT coalesce(pg_xact_status($1::text::xid8), '')`

// outcome asks once.
func (p *postgres) outcome(ctx context.Context, xid string, pr proof) (committed bool, err error) {
	c, s, err := p.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer release(c, s)
	t, status := &tx{pg: s}, ""
	_, err = t.one(transactionStatusSQL, []any{xid}, func(r *row) { status = r.text(0) })
	var e *pgconn.PgError
	switch {
	case errors.As(err, &e) && e.Code == "22023": // not given yet
		return false, nil
	case err != nil:
		return false, err
	case status == "aborted":
		return false, nil
	case status == "in progress":
		return false, errNotEnded
	case pr.sql == "":
		return false, errNoProof
	}
	return t.one(pr.sql, pr.args, func(*row) {})
}
