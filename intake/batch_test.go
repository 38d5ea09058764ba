package intake_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/intake"
)

// accountRows are rows of an import, each about another company but the last, which repeats the first.
func accountRows(n int) []signalbox.AccountRow {
	rows := make([]signalbox.AccountRow, n)
	for i := range rows {
		name := fmt.Sprintf("Acme %d", i)
		rows[i] = signalbox.AccountRow{Domain: fmt.Sprintf("acme%d.com", i), Patch: signalbox.AccountPatch{Name: &name}}
	}
	rows[n-1] = rows[0]
	return rows
}

// all reads every account, as the database lists them.
func (b *box) all() []signalbox.Account {
	b.Helper()
	var out []signalbox.Account
	for place := (signalbox.Place{}); ; {
		list, next, err := b.db.Accounts(b.Context(), b.ws, signalbox.RecordFilter{}, place.Page(200))
		if err != nil {
			b.Fatal(err)
		}
		if out = append(out, list...); next.Before == 0 {
			return out
		}
		place = next
	}
}

// changes counts what rows did.
func changes(verdicts []signalbox.RowVerdict) map[signalbox.RowChange]int {
	out := map[signalbox.RowChange]int{}
	for _, v := range verdicts {
		out[v.Change]++
	}
	return out
}

func TestImport_OneBadRowNeverSinksTheOthers(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	rows := accountRows(700) // more than the batch door's share of a turn
	rows[17].Domain = "co.uk"
	verdicts, err := b.intake.ImportAccounts(t.Context(), b.ws, rows, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := changes(verdicts); got[signalbox.RowCreated] != 698 || got[signalbox.RowUnchanged] != 1 || signalbox.CodeOf(verdicts[17].Err) != signalbox.Invalid {
		t.Errorf("%v, %v", got, verdicts[17].Err)
	}
	if verdicts[0].Entity == 0 || verdicts[0].Entity != verdicts[699].Entity {
		t.Errorf("the first and the last row are about %d and %d, want one account", verdicts[0].Entity, verdicts[699].Entity)
	}
	if n := len(b.all()); n != 698 {
		t.Errorf("%d accounts, want 698", n)
	}
	again, err := b.intake.ImportAccounts(t.Context(), b.ws, rows, false)
	if got := changes(again); err != nil || got[signalbox.RowUnchanged] != 699 {
		t.Errorf("again: %v, %v", got, err)
	}
}

func TestTry_SaysWhatWouldComeAndChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	hook := b.webhook()
	if _, err := b.intake.ImportAccounts(t.Context(), b.ws, accountRows(5)[:2], false); err != nil {
		t.Fatal(err)
	}
	before := b.all()
	rows := accountRows(5) // acme0 twice and acme1 are known
	renamed := "Renamed"
	rows[1].Patch.Name = &renamed
	rows[3].Domain = "gmail.com"
	verdicts, err := b.intake.ImportAccounts(t.Context(), b.ws, rows, true)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []signalbox.RowChange{signalbox.RowUnchanged, signalbox.RowUpdated, signalbox.RowCreated, "", signalbox.RowUnchanged} {
		if verdicts[i].Change != want || (verdicts[i].Err != nil) != (i == 3) || (verdicts[i].Entity == 0) != (i == 2 || i == 3) {
			t.Errorf("row %d: %+v, want %q", i, verdicts[i], want)
		}
	}
	list := []signalbox.SignalInput{about(1), about(2)}
	list[1].Type = ""
	list[0].IdempotencyKey, list[1].IdempotencyKey = "k", "k"
	list[1].BodyHash[0] = 1
	said, err := b.intake.TryBatch(t.Context(), b.ws, 0, list)
	if err != nil || said[0].Err != nil || signalbox.CodeOf(said[1].Err) != signalbox.IdempotencyMismatch {
		t.Errorf("signals: %+v, %v", said, err)
	}
	contacts, err := b.intake.ImportContacts(t.Context(), b.ws, []signalbox.ContactRow{{Email: "jane@new.com"}, {Email: "Jane@new.com"}}, true)
	if err != nil || contacts[0].Change != signalbox.RowCreated || contacts[1].Change != signalbox.RowUnchanged {
		t.Errorf("contacts: %+v, %v", contacts, err)
	}
	if diff := cmp.Diff(before, b.all()); diff != "" || b.signals() != 0 {
		t.Errorf("%d signals, accounts changed: %s", b.signals(), diff)
	}
	if feed, _, err := b.db.Deliveries(t.Context(), b.ws, hook, signalbox.DeliveryFilter{}, signalbox.Page{Limit: 10}); err != nil || len(feed) != 0 {
		t.Errorf("%d deliveries, %v, want none", len(feed), err)
	}
	if reserved, sent := b.sender.state(); reserved != 0 || sent != 0 {
		t.Errorf("%d rooms taken and %d sent, want none", reserved, sent)
	}
}

func TestTry_IsByTheDefinitionsInForce(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	rows := []signalbox.AccountRow{{Domain: "acme.io"}}
	if v, err := b.intake.ImportAccounts(t.Context(), b.ws, []signalbox.AccountRow{{Domain: "acme.com"}}, false); err != nil || v[0].Err != nil {
		t.Fatal(v, err)
	}
	if v, err := b.intake.ImportAccounts(t.Context(), b.ws, rows, true); err != nil || v[0].Change != signalbox.RowCreated {
		t.Fatalf("%+v, %v", v, err)
	}
	_, err := b.db.UpdateWorkspace(t.Context(), b.ws, b.all()[0].UpdatedAt, func(w *signalbox.Workspace) error {
		w.Aliases = map[string]string{"acme.io": "acme.com"}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := b.intake.ImportAccounts(t.Context(), b.ws, rows, true); err != nil || v[0].Change != signalbox.RowUnchanged {
		t.Errorf("after the alias was made: %+v, %v", v, err)
	}
}

func TestTry_PanicCostsItsOwnRowOnly(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	rows := accountRows(3)
	rows[1].Patch.Attributes = []byte(`{"broken`)
	verdicts, err := b.intake.ImportAccounts(t.Context(), b.ws, rows, true)
	if err != nil || verdicts[0].Change != signalbox.RowCreated || verdicts[2].Change != signalbox.RowUnchanged || signalbox.CodeOf(verdicts[1].Err) != signalbox.Internal {
		t.Errorf("%+v, %v", verdicts, err)
	}
}

func TestTry_FailsAsTheDatabaseDoesAndStaysOutOfTheWay(t *testing.T) {
	t.Parallel()
	var f *faulty
	b := newBox(t, func(s intake.Store) intake.Store { f = &faulty{Store: s}; return f })
	release := f.hold()
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer release()
	wg.Go(func() {
		if _, err := b.intake.ImportAccounts(context.Background(), b.ws, accountRows(2), true); err != nil {
			t.Errorf("the one that waited for the database: %v", err)
		}
	})
	waitFor(t, f.held)
	second := make(chan error, 1)
	wg.Go(func() { _, err := b.intake.ImportAccounts(ctx, b.ws, accountRows(2), true); second <- err })
	cancel()
	if err := <-second; err != context.Canceled {
		t.Errorf("the second one, whose caller left, got %v", err)
	}
	release()
	if r, err := b.submit(about(1)); err != nil || r.ID == 0 {
		t.Errorf("a signal after it: %+v, %v", r, err)
	}
}

// Rows of an import and signals about the same people at the same time: each is decided after the one before, so no record is made twice.
func TestImport_BesideSignalsMakesNoRecordTwice(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			rows := make([]signalbox.ContactRow, 50)
			title := "CTO"
			for i := range rows {
				rows[i] = signalbox.ContactRow{Email: about(i).Contact.Email, Patch: signalbox.ContactPatch{Title: &title}}
			}
			verdicts, err := b.intake.ImportContacts(context.Background(), b.ws, rows, false)
			for i, v := range verdicts {
				if v.Err != nil {
					t.Errorf("row %d: %v", i, v.Err)
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
		for i := range 50 {
			wg.Go(func() {
				in := about(i)
				in.Contact.Title = "Intern"
				if _, err := b.submit(in); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	contacts, _, err := b.db.Contacts(t.Context(), b.ws, signalbox.RecordFilter{}, signalbox.Page{Limit: 200})
	if err != nil || len(contacts) != 50 || len(b.all()) != 10 || b.signals() != 200 {
		t.Fatalf("%d contacts, %d accounts, %d signals, %v, want 50, 10, 200", len(contacts), len(b.all()), b.signals(), err)
	}
	for _, c := range contacts {
		if c.Title != "CTO" {
			t.Errorf("%s has the title %q, want what was imported", c.Email, c.Title)
		}
	}
}
