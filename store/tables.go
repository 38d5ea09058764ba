package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Table is a table of the schema, as copies of a database see it (copy.go).
type Table struct {
	Name    string
	Columns []string // in the order of a row's values
	Key     int      // the first Key columns are its key

	kinds []kind // of Columns
	own   []int  // the columns that the embedded database keeps its rows in the order of; PostgreSQL does by the key
}

// kind is what a column holds, NULL aside.
type kind byte

const (
	kindInt kind = iota + 1
	kindText
	kindBlob
)

// catalogue is every table that a copy holds, in the order in which they are loaded: what others point to first. A test holds it against the
// schemas of both databases, so that no table and no column is forgotten. Not in it are
//
//   - schema_migrations: a database has it by being migrated;
//   - nodes, and lease_node and lease_generation of deliveries and streams: who works on a database now is no part of what it holds, and a node of one
//     database is none of another. A copied delivery that was leased is free, and so is a stream;
//   - sessions and links: who is signed in, and what lets somebody in, is of one place and one time. A restored backup must not bring them back;
//   - rows of settings whose names begin with placePrefix.
//
// Rows of due are in it: a copy waits for what the database waited for. JoinNode makes every lane due besides.
var catalogue = []*Table{
	table("settings", "name text", "value blob"),
	table("workspaces", "id", "name text, timezone text, require_identity, mailbox_added text, mailbox_removed text, aliases text, limits text, "+
		"retention text, revision, created_at, updated_at"),
	table("heads", "workspace_id", "definitions_version, last_id, types, signals, changes blob"),
	table("api_keys", "id", "workspace_id, name text, scope text, hint text, hash blob, created_at, expires_at, last_used_at, revoked_at"),
	table("members", "id", "workspace_id, email text, name text, role text, password text, created_at, updated_at, joined_at, last_seen_at"),
	table("audit_log", "workspace_id, id", "at, actor_type text, actor_id, actor_name text, action text, subject_type text, subject_id, "+
		"subject_name text, before text, after text, request_id"),
	table("signal_types", "workspace_id, id", "name text, declared, created_at"),
	table("definitions", "workspace_id, kind text, id", "code text, body text, revision, created_at, updated_at"),
	table("profile_versions", "workspace_id, kind text, code text, version", "body text"),
	table("accounts", "workspace_id, id", "domain text, name text, status text, attributes text, revision, created_at, updated_at, erased_at, "+
		"merged_into, merged text, sorted text"),
	table("contacts", "workspace_id, id", "account_id, email text, first_name text, last_name text, title text, linkedin_url text, "+
		"attributes text, by_hand, revision, created_at, updated_at, erased_at, merged_into, merged text, sorted text"),
	table("record_keys", "workspace_id, kind, value text", "entity_id"),
	table("record_words", "workspace_id, kind, word text, entity_id", ""),
	table("entity_states", "workspace_id, entity_id", "last_signal_id, last_signal_at, signals, account_rank, contact_rank, standing blob, following blob, lead_rank, "+
		"account_score, contact_score, account_stage text, contact_stage text, score_due"),
	table("qualifications", "workspace_id, entity_id", "at, icp text, icp_score, persona text, persona_score, body text"),
	table("audience_members", "workspace_id, audience_id, entity_id", "since"),
	table("merges", "workspace_id, id", "kind, status text, from_id, into_id, reason text, created_at, undone_at"),
	table("imports", "workspace_id, id", "name text, created_at, undone_at"),
	table("import_rows", "workspace_id, import_id, entity_id", "kind, made, before text, revision"),
	table("webhooks", "workspace_id, id", "kind text, url text, events text, label text, description text, format text, signature_format text, "+
		"sealed_secret blob, sealed_headers blob, header_names text, max_in_flight, enabled, disabled_reason text, temporary, last_read_at, "+
		"revision, created_at, updated_at, deleted_at, retry_schedule text, rate_per_second, sealed_previous blob, previous_until, vendor_previous, "+
		"sealed_key blob, sealed_previous_key blob, public_key text, filter text"),
	table("signals", "workspace_id, id", "type_id, source text, account_id, contact_id, occurred_at, created_at, properties text, backfill, "+
		"prev_account_signal_id, prev_contact_signal_id, caused_to, erased_at, points, rules text, event_name text, held"),
	table("captures", "workspace_id, key blob", "signal_id, account_id, contact_id"),
	table("events", "workspace_id, id", "name text, signal_id, account_id, contact_id, stairoids text, standard text, vendor text, caused_to, test, created_at"),
	table("deliveries", "workspace_id, id", "webhook_id, event_id, event_name text, state, reason text, attempts, due_at, "+
		"manual_state, manual_reason text, manual_due_at, test, created_at, done_at"),
	table("attempts", "workspace_id, id", "delivery_id, at, duration_us, dns_us, connect_us, tls_us, first_byte_us, remote_addr text, "+
		"status_code, error text, headers text, body blob, truncated, manual"),
	table("answered", "workspace_id, day, key blob", "body blob, signal_id, account_id, contact_id, created_at"),
	table("meters", "workspace_id, key_id", "packed blob"),
	table("jobs", "workspace_id, id", "kind text, status text, subject, cursor, mark, matching, done, error text, created_at, updated_at, ended_at, "+
		"params text, resume_at"),
	table("due", "workspace_id, kind, subject", "at"),
	table("logs", "workspace_id, id", "request_id, at, outcome, operation text, method text, path text, http_status, code text, message text, param text, "+
		"ignored text, signal_id, type text, source text, domain text, email text, key_id, took_us, count"),
	table("tallies", "workspace_id, subject, what, at, node", "n, last"),
	table("recovered", "workspace_id, event_id, webhook_id", "delivery_id"),
	table("failing", "workspace_id, webhook_id", "since"),
	table("mails", "workspace_id, id", "recipient text, subject text, body text, attempts, created_at"),
	table("notices", "workspace_id, kind, subject", "webhook_id, reason text, since, at"),
	table("linked_accounts", "workspace_id, id", "provider text, origin_owner_id text, origin_owner_name text, origin_username text, setup text, status text, "+
		"revision, created_at, updated_at"),
	table("streams", "workspace_id, id", "linked_id, api text, record_type text, every_us, confirmations, emit_baseline, emit_signals, connector text, fingerprint, "+
		"sealed_secrets blob, sealed_key blob, paused, version, baselined, known, kept, names, run_id, quarantine_id, last_run_id, next_at, created_at, updated_at, "+
		"deleted_at"),
	table("sync_runs", "workspace_id, id", "linked_id, stream_id, status text, baseline, silent, fingerprint, fetched, created, updated, unchanged, missing, deleted, "+
		"waiting, suppressed, added, duplicates, page, checkpoint blob, progress blob, step, error text, started_at, ended_at, decision text, closed text, closed_at"),
	table("stream_names", "workspace_id, stream_id, number", "name text"),
	table("snapshots", "workspace_id, stream_id, record text", "print blob, seen, walk, outcome, missed"),
}

// ownOrder are the keys of tables that the embedded database keeps otherwise than by PostgreSQL's key. Where a key ends in a row's own
// id, that alone is the key there.
var ownOrder = map[string][]string{
	"definitions":   {"workspace_id", "kind", "id"},
	"due":           {"kind", "subject"},
	"entity_states": {"entity_id"},
}

// table makes a Table of its key and of its other columns; a column without a kind is an integer.
func table(name, key, rest string) *Table {
	t := &Table{Name: name, Key: strings.Count(key, ",") + 1}
	for text := range strings.SplitSeq(strings.TrimSuffix(key+", "+rest, ", "), ", ") {
		column, word, _ := strings.Cut(text, " ")
		t.Columns = append(t.Columns, column)
		t.kinds = append(t.kinds, kindOf[word])
	}
	t.keepOrder()
	return t
}

// kindOf reads a kind's word.
var kindOf = map[string]kind{"": kindInt, "text": kindText, "blob": kindBlob}

// keepOrder finds out in which order the embedded database keeps the table.
func (t *Table) keepOrder() {
	own := ownOrder[t.Name]
	switch {
	case own != nil:
	case t.Columns[t.Key-1] == "id":
		own = []string{"id"}
	default:
		own = t.Columns[:t.Key]
	}
	for _, column := range own {
		t.own = append(t.own, slices.Index(t.Columns, column))
	}
}

// Tables lists every table that a copy holds, in the order in which they are loaded.
func Tables() []Table {
	list := make([]Table, len(catalogue))
	for i, t := range catalogue {
		list[i] = *t
		list[i].Columns = slices.Clone(t.Columns)
	}
	return list
}

// table returns a table of a copy of this database.
func (db *DB) table(name string) (*Table, error) {
	for _, t := range db.tables {
		if t.Name == name {
			return t, nil
		}
	}
	return nil, fmt.Errorf("no table %q in a copy", name)
}

// order are the columns that rows are read in the order of: those by which the database keeps them.
func (t *Table) order(pg bool) []int {
	if !pg {
		return t.own
	}
	key := make([]int, t.Key)
	for i := range key {
		key[i] = i
	}
	return key
}

// notOfOnePlace leaves out the settings whose names begin with placePrefix: '/' is what comes behind '.'.
const notOfOnePlace = "NOT (name >= '" + placePrefix + "' AND name < 'store.place/')"

// countSQL counts the rows that selectSQL reads.
func (t *Table) countSQL() string {
	sql := "\nSELECT count(*)\n  FROM " + t.Name
	if t.Name == "settings" {
		sql += "\n WHERE " + notOfOnePlace
	}
	return sql
}

// selectSQL reads rows in the order in which they are kept, from the first one or from behind a place.
func (t *Table) selectSQL(pg, behind bool) string {
	var names, params []string
	for i, column := range t.order(pg) {
		names = append(names, t.Columns[column])
		params = append(params, param(i+1))
	}
	key := strings.Join(names, ", ")
	var where []string
	if behind {
		where = append(where, "("+key+") > ("+strings.Join(params, ", ")+")")
	}
	if t.Name == "settings" {
		where = append(where, notOfOnePlace)
	}
	sql := "\nSELECT " + strings.Join(t.Columns, ", ") + "\n  FROM " + t.Name
	if len(where) > 0 {
		sql += "\n WHERE " + strings.Join(where, "\n   AND ")
	}
	limit := param(1)
	if behind {
		limit = param(len(names) + 1)
	}
	return sql + "\n ORDER BY " + key + "\n LIMIT " + limit
}

// param is the name of the n-th parameter.
func param(n int) string { return "$" + strconv.Itoa(n) }

// insertSQL adds one row.
func (t *Table) insertSQL() string {
	params := make([]string, len(t.Columns))
	for i := range params {
		params[i] = param(i + 1)
	}
	return "\nINSERT INTO " + t.Name + " (" + strings.Join(t.Columns, ", ") + ")\nVALUES (" + strings.Join(params, ", ") + ")"
}
