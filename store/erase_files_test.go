package store_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/internal/boxtest/storesuite"
	"signalbox/store"
)

// openFile opens a database file; the test closes it.
func openFile(t *testing.T, path string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// planted are values that only the erased record's rows hold; each is written where another kind of page keeps it.
var planted = []string{
	"plantedaccountname", "planteddomain", "plantedstatus", "plantedattribute", "plantedoldattribute", "plantedemail", "plantedfirst",
	"plantedlast", "plantedtitle", "plantedslug", "plantedproperty", "plantedsource", "plantedbody", "plantedanswer", "plantedlong",
}

// found lists which of the planted values a database's files hold.
func found(t *testing.T, path string) (hits []string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(path + suffix)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, value := range planted {
			if n := bytes.Count(raw, []byte(value)); n > 0 {
				hits = append(hits, fmt.Sprintf("%s ×%d in %q", value, n, filepath.Base(path)+suffix))
			}
		}
	}
	return hits
}

// plant puts in an account and a contact that hold the planted values, among many neighbours that make pages split, and some
// values that were replaced since.
func plant(b *storesuite.Box) (signalbox.AccountID, signalbox.ContactID) {
	w := b.NewWebhook()
	neighbours(b, 0, 3000)
	acc := b.NewAccount("planteddomain.com", "plantedaccountname")
	con := b.NewContact(acc.ID, "plantedemail@planteddomain.com", "plantedfirst", "plantedlast")
	for i := range 40 {
		long := strings.Repeat("plantedlong ", i*100)
		sent := b.Send(storesuite.Sent{
			Account: acc.ID, Contact: con.ID, Source: "plantedsource", Properties: `{"p":"plantedproperty","l":"` + long + `"}`,
			Body: `{"b":"plantedbody","l":"` + long + `"}`, To: []signalbox.Webhook{w},
		})
		r := b.Claim(w.ID, 10).Ready
		if len(r) != 1 || r[0].ID != sent[0].Deliveries[0] {
			b.Fatalf("claimed %+v", r)
		}
		b.Settle(r[0], signalbox.Retrying, "http_500", b.Now.Add(time.Minute), 500, "plantedanswer "+long)
		b.Settle(claimAt(b, w.ID, time.Minute), signalbox.Delivered, "", time.Time{}, 200, "plantedanswer")
		rewrite(b, &acc, &con, i)
	}
	neighbours(b, 3000, 6000)
	b.Now = b.Now.Add(time.Minute)
	rewrite(b, &acc, &con, 40)
	return acc.ID, con.ID
}

// claimAt moves the clock and claims the one delivery that is due then.
func claimAt(b *storesuite.Box, w signalbox.WebhookID, later time.Duration) signalbox.Ready {
	b.Now = b.Now.Add(later)
	r := b.Claim(w, 10).Ready
	if len(r) != 1 {
		b.Fatalf("claimed %+v", r)
	}
	return r[0]
}

// rewrite gives the records other values, some too long for their page.
func rewrite(b *storesuite.Box, acc *signalbox.Account, con *signalbox.Contact, i int) {
	attributes := []byte(`{"a":"` + strings.Repeat("plantedoldattribute ", 2000) + `"}`)
	if i == 40 { // the pages that held the long ones are free from here on
		attributes = []byte(`{"a":"plantedattribute"}`)
	}
	acc.Status, acc.Attributes = "plantedstatus", attributes
	con.Title, con.LinkedInURL, con.Attributes = "plantedtitle", "linkedin.com/in/plantedslug", attributes
	err := b.DB.Decide(b.Context(), func() signalbox.Need { return signalbox.Need{Workspaces: []signalbox.WorkspaceID{b.WS}} },
		func(*signalbox.Situation) (*signalbox.Decision, error) {
			d := &signalbox.Decision{
				Accounts: []signalbox.Written[signalbox.Account]{{Row: acc}},
				Contacts: []signalbox.Written[signalbox.Contact]{{Row: con}},
			}
			if i == 0 {
				key := signalbox.RecordKey{Workspace: b.WS, Kind: signalbox.KeyLinkedIn, Value: con.LinkedInURL}
				d.Keys = []signalbox.NewKey{{RecordKey: key, Entity: signalbox.EntityID(con.ID)}}
			}
			return d, nil
		})
	b.Must(err)
}

// neighbours makes contacts whose keys fall before, between and behind the planted ones.
func neighbours(b *storesuite.Box, from, to int) {
	d := &signalbox.Decision{}
	for i := from; i < to; i++ {
		email := fmt.Sprintf("%c%c%d@planted.example", 'a'+i%26, 'a'+(i*7)%26, i)
		if i%3 == 0 {
			email = fmt.Sprintf("plante%c%d@x.example", 'a'+i%26, i)
		}
		c := signalbox.Contact{ID: signalbox.ContactID(b.ID()), Workspace: b.WS, Email: email, FirstName: "N", Revision: 1, CreatedAt: b.Now, UpdatedAt: b.Now}
		d.Contacts = append(d.Contacts, signalbox.Written[signalbox.Contact]{Row: &c, New: true})
		d.Keys = append(d.Keys, signalbox.NewKey{RecordKey: b.EmailKey(email), Entity: signalbox.EntityID(c.ID)})
	}
	b.Must(b.DB.Decide(b.Context(), func() signalbox.Need { return signalbox.Need{} },
		func(*signalbox.Situation) (*signalbox.Decision, error) { return d, nil }))
}

// TestErase_NothingIsLeftInTheFiles: once both jobs are done, with the program still running, no byte of what was erased is in the
// database or its log: not in rows, not in free pages, not in versions that were replaced before.
func TestErase_NothingIsLeftInTheFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "box.db")
	b := storesuite.NewBox(t, openFile(t, path), storesuite.Start)
	acc, con := plant(b)
	if hits := found(t, path); len(hits) < len(planted) {
		t.Fatalf("planted, but only found %q", hits)
	}
	for _, job := range []signalbox.Job{b.NewJob(signalbox.JobEraseContact, int64(con)), b.NewJob(signalbox.JobEraseAccount, int64(acc))} {
		if j, _ := b.RunJob(job.ID); j.Status != signalbox.JobDone {
			t.Fatalf("job %+v", j)
		}
	}
	if hits := found(t, path); len(hits) > 0 {
		t.Errorf("left in the files: %q", hits)
	}
	b.Must(b.DB.Close())
	if hits := found(t, path); len(hits) > 0 {
		t.Errorf("left after closing: %q", hits)
	}
}

// TestJobs_GoOnBehindTheLastSliceAfterARestart: a job that was under way when the program ended goes on where it was.
func TestJobs_GoOnBehindTheLastSliceAfterARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "box.db")
	b := storesuite.NewBox(t, openFile(t, path), storesuite.Start)
	acc := b.NewAccount("acme.com", "Acme")
	list := make([]storesuite.Sent, 3500)
	for i := range list {
		list[i].Account = acc.ID
	}
	b.Send(list...)
	job := b.NewJob(signalbox.JobEraseAccount, int64(acc.ID)).ID
	var last signalbox.Job
	for slices := 0; !last.Ended(); slices++ {
		j, err := b.DB.RunSlice(t.Context(), b.WS, job, b.IDs, b.Now)
		b.Must(err)
		if step := j.Done - last.Done; step > signalbox.SliceRows || slices > 10 {
			t.Fatalf("slice %d did %d rows: %+v", slices, step, j)
		}
		last = j
		b.Must(b.DB.Close())
		b.DB = openFile(t, path)
		if stored, err := b.DB.Job(t.Context(), b.WS, job); err != nil || stored != j {
			t.Fatalf("after the restart %+v (%v), want %+v", stored, err, j)
		}
	}
	if last.Status != signalbox.JobDone || last.Done != 3501 {
		t.Fatalf("job %+v", last)
	}
	b.Must(b.DB.Close())
}
