package store_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/decide"
	"signalbox/internal/boxtest/storesuite"
	"signalbox/store"
)

// unbounded are the statements of pages that have no LIMIT of their own and find more than one row, with what bounds them.
var unbounded = map[string]string{
	"SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM":     "a row for each minute of a day and node",
	"SELECT what, at, CAST(sum(n) AS BIGINT)":             "some dozen rows for each hour of a week",
	"SELECT enabled, (SELECT CAST(coalesce(sum(n), 0) AS": "as above, for each webhook",
	"SELECT count(*) FROM webhooks WHERE workspace_id":    "the webhooks of a workspace",
	"SELECT count(*) FROM record_keys WHERE workspace_id": "the keys of one record",
}

// TestPages_ReadNoMoreThanTheyShow runs what the pages of the dashboard read and asks each database how it finds that: by an index, in the order in
// which it is shown, and no further than a LIMIT says. So a page costs the same however much is stored; `signalbox bench --only viewer` says how much.
func TestPages_ReadNoMoreThanTheyShow(t *testing.T) {
	t.Parallel()
	b := filled(t, false)
	b.Must(store.ForgetReads(b.DB))
	readPages(b)
	pages, err := store.Reads(b.DB)
	b.Must(err)
	if len(pages) < 45 {
		t.Fatalf("the pages ran only %d statements", len(pages))
	}
	excused := map[string]bool{}
	for _, sql := range pages {
		steps, err := store.Plan(t.Context(), b.DB, sql)
		b.Must(err)
		one := true // every step finds one row, or goes with one that does
		for _, step := range steps {
			if strings.HasPrefix(step, "SCAN") && !overSubquery.MatchString(step) || strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s\n%s", sql, step)
			}
			one = one && oneRow.MatchString(step)
		}
		if one || strings.Contains(sql, "LIMIT") {
			continue
		}
		way := beginning(sql)
		if excused[way] = true; unbounded[way] == "" {
			t.Errorf("no bound: %s: %s\n%s", way, sql, strings.Join(steps, "\n"))
		}
	}
	for way := range unbounded {
		if !excused[way] {
			t.Errorf("%s needs no excuse", way)
		}
	}
	t.Run("PostgreSQL", func(t *testing.T) {
		pg := box(t, postgres(t).Schema(t))
		for _, sql := range pages {
			steps, err := store.PlanPostgresOnce(t.Context(), pg, sql)
			if err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
			if plan := strings.Join(steps, "\n"); regexp.MustCompile(`Seq Scan|Sort|Hash|Materialize`).MatchString(plan) {
				t.Errorf("%s\n%s", sql, plan)
			}
		}
	})
}

var (
	// overSubquery is a scan of what a subquery with a LIMIT has found.
	overSubquery = regexp.MustCompile(`^SCAN (waiting|few|w)$`)
	// oneRow is a step that finds a row by its id or by a whole key.
	oneRow = regexp.MustCompile(`^CORRELATED|USING INTEGER PRIMARY KEY \(rowid=\?\)$|sqlite_autoindex_\w+ \(|USING PRIMARY KEY \(workspace_id=\? AND kind=\? AND value=\?\)`)
)

// beginning is how a statement is told from others.
func beginning(sql string) string {
	words := strings.Fields(sql)
	return strings.Join(words[:min(len(words), 6)], " ")
}

// readPages reads every page of the dashboard, in each of its states.
func readPages(b *storesuite.Box) {
	ctx, db, ws, page := b.Context(), b.DB, b.WS, signalbox.Page{Limit: 50}
	must := b.Must
	_, err := db.Overview(ctx, ws, b.Now)
	must(err)
	_, err = db.Pulse(ctx, ws, b.Now)
	must(err)
	accounts, _, err := db.Accounts(ctx, ws, signalbox.RecordFilter{}, page)
	must(err)
	contacts, _, err := db.Contacts(ctx, ws, signalbox.RecordFilter{}, page)
	must(err)
	acc, con := accounts[0], contacts[0]
	from, to := b.Now.Add(-time.Hour), b.Now
	var signal signalbox.SignalView
	for _, f := range []signalbox.SignalFilter{
		{Source: "nobody"}, {Account: acc.ID}, {Contact: con.ID}, {Type: "visit"}, {Type: "visit", Source: "test"}, {From: from, To: to}, {},
	} {
		list, _, err := db.Signals(ctx, ws, f, page)
		if must(err); len(list) > 0 {
			signal = list[0]
		}
	}
	_, err = db.Signal(ctx, ws, signal.ID)
	must(err)
	_, _, err = db.Caused(ctx, ws, signal.ID, page)
	must(err)
	readRecords(b, acc, con)
	readHooks(b)
	for _, f := range []signalbox.LogFilter{
		{}, {Signal: signal.ID}, {Domain: "acme1.example"}, {Domain: acc.Domain, Account: acc.ID}, {Outcome: signalbox.LogRefused}, {Outcome: signalbox.LogAccepted},
		{Query: "nobody"}, {From: from, To: to},
	} {
		_, _, err := db.Logs(ctx, ws, f, page)
		must(err)
	}
	for _, f := range []signalbox.AuditFilter{{}, {Action: "webhook"}, {Actor: 1}, {Subject: int64(acc.ID)}, {From: from, To: to}} {
		_, _, err := db.AuditLog(ctx, ws, f, page)
		must(err)
	}
	members, _, err := db.Members(ctx, ws, page)
	must(err)
	_, _, err = db.Sessions(ctx, ws, members[0].ID, page)
	must(err)
	_, _, err = db.Keys(ctx, ws, page)
	must(err)
	_, err = db.Workspace(ctx, ws)
	must(err)
}

// readRecords reads the lists of accounts and contacts, single ones, and what was merged and imported.
func readRecords(b *storesuite.Box, acc signalbox.Account, con signalbox.Contact) {
	ctx, db, ws, page := b.Context(), b.DB, b.WS, signalbox.Page{Limit: 50}
	must := b.Must
	var entities []signalbox.EntityID
	for _, sort := range []signalbox.RecordSort{"", signalbox.ByName, signalbox.ByLastSignal, signalbox.ByOldSignal} {
		for _, q := range []string{"", "acme1", "ann", "nobody", "acme1 example"} {
			accounts, _, err := db.Accounts(ctx, ws, signalbox.RecordFilter{Query: q, Sort: sort}, page)
			must(err)
			for i := range accounts {
				entities = append(entities, signalbox.EntityID(accounts[i].ID))
			}
			_, _, err = db.Contacts(ctx, ws, signalbox.RecordFilter{Query: q, Sort: sort}, page)
			must(err)
		}
		_, _, err := db.Accounts(ctx, ws, signalbox.RecordFilter{Status: "customer", Sort: sort}, page)
		must(err)
		_, _, err = db.Contacts(ctx, ws, signalbox.RecordFilter{Account: acc.ID, Sort: sort}, page)
		must(err)
	}
	_, err := db.States(ctx, ws, entities)
	must(err)
	_, err = db.Account(ctx, ws, acc.ID)
	must(err)
	_, err = db.Contact(ctx, ws, con.ID)
	must(err)
	_, err = db.Companies(ctx, ws, []signalbox.AccountID{acc.ID})
	must(err)
	_, _, err = db.FindRecord(ctx, b.DomainKey(acc.Domain))
	must(err)
	for _, status := range []signalbox.MergeStatus{signalbox.MergeDone, signalbox.MergeProposed} {
		merges, _, err := db.Merges(ctx, ws, signalbox.MergeFilter{Status: status, Kind: signalbox.AccountRecord}, page)
		must(err)
		_, err = db.MergeViews(ctx, ws, merges, decide.Blend)
		must(err)
	}
	_, _, err = db.Imports(ctx, ws, page)
	must(err)
}

// readHooks reads the webhooks, their delivery logs in each state and single deliveries.
func readHooks(b *storesuite.Box) {
	ctx, db, ws, page := b.Context(), b.DB, b.WS, signalbox.Page{Limit: 50}
	must := b.Must
	hooks, _, _, err := db.Webhooks(ctx, ws, page)
	must(err)
	for _, hook := range hooks {
		_, err := db.WebhookHealth(ctx, ws, hook.ID, b.Now)
		must(err)
		for _, f := range []signalbox.DeliveryFilter{
			{}, {State: signalbox.Pending}, {State: signalbox.Retrying}, {State: signalbox.Delivered}, {State: signalbox.Failed}, {State: signalbox.Skipped},
			{Event: "nothing.happened"}, {From: b.Now.Add(-time.Hour), To: b.Now},
		} {
			list, _, err := db.Deliveries(ctx, ws, hook.ID, f, page)
			if must(err); len(list) > 0 {
				_, err = db.Delivery(ctx, ws, list[0].ID)
				must(err)
			}
		}
	}
}
