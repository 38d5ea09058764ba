package storesuite

import (
	"fmt"
	"strings"
	"time"

	"signalbox"
)

var auditTests = map[string]func(*Box){
	"AChangeIsToldInItsTransaction":          auditChanges,
	"WhatChangedNothingIsNotTold":            auditNothing,
	"WhatIsNobodysActIsNotTold":              auditNobody,
	"ARefusedChangeIsNotTold":                auditRefused,
	"NoSecretIsTold":                         auditSecrets,
	"FiltersNarrowIt":                        auditFilters,
	"ErasingTakesWhatIsToldOfTheRecord":      auditErase,
	"RetentionKeepsAYear":                    auditRetention,
	"ATurnSavesWhatItTellsWithWhatItChanges": auditTurn,
}

// told are the entries of the workspace, oldest first, without members' making.
func (b *Box) told() []signalbox.AuditEntry {
	b.Helper()
	list, next, err := b.DB.AuditLog(b.Context(), b.WS, signalbox.AuditFilter{}, signalbox.Page{Limit: signalbox.MaxPage})
	b.Must(err)
	if next != 0 {
		b.Fatal("more than a page was told")
	}
	out := make([]signalbox.AuditEntry, len(list))
	for i := range list {
		out[len(list)-1-i] = list[i]
	}
	return out
}

// wantTold ends the test unless the last entry reads so.
func (b *Box) wantTold(action, name, before, after string) signalbox.AuditEntry {
	b.Helper()
	list := b.told()
	if len(list) == 0 {
		b.Fatalf("nothing was told, want %s", action)
	}
	e := list[len(list)-1]
	if e.Action != action || e.Subject.Name != name || string(e.Before) != before || string(e.After) != after {
		b.Fatalf("told %s of %q: %s to %s\nwant %s of %q: %s to %s", e.Action, e.Subject.Name, e.Before, e.After, action, name, before, after)
	}
	if e.Actor != (signalbox.Actor{Type: signalbox.ActorMember, ID: 7, Name: "ann"}) || e.Request != 9 || !e.At.Equal(b.Now) || e.Workspace != b.WS {
		b.Fatalf("told %+v", e)
	}
	return e
}

func auditChanges(b *Box) {
	w := b.NewWebhook(func(w *signalbox.Webhook) { w.Label = "CRM" })
	k := b.NewKey("ci")
	_, err := b.DB.UpdateWebhook(b.By("ann"), b.WS, w.ID, b.Now, func(w *signalbox.Webhook) error { w.MaxInFlight, w.Enabled = 3, false; return nil })
	b.Must(err)
	e := b.wantTold("webhook.updated", "CRM", `{"enabled":true,"max_in_flight":8}`, `{"enabled":false,"max_in_flight":3}`)
	if e.Subject.Type != "webhook" || e.Subject.ID != int64(w.ID) {
		b.Errorf("told of %+v", e.Subject)
	}
	_, err = b.DB.UpdateKey(b.By("ann"), b.WS, k.ID, func(k *signalbox.APIKey) error { k.Name = "cd"; return nil })
	b.Must(err)
	b.wantTold("api_key.updated", "cd", `{"name":"ci"}`, `{"name":"cd"}`)
	b.Must(b.DB.RevokeKey(b.By("ann"), b.WS, k.ID, b.Now))
	b.wantTold("api_key.revoked", "cd", `{"revoked_at":null}`, `{"revoked_at":"2026-11-20T12:00:00.000Z"}`)
	_, err = b.DB.UpdateWorkspace(b.By("ann"), b.WS, b.Now, func(w *signalbox.Workspace) error { w.Timezone = "Europe/Berlin"; return nil })
	b.Must(err)
	b.wantTold("workspace.updated", "acme", `{"timezone":"UTC"}`, `{"timezone":"Europe/Berlin"}`)
	b.Must(b.DB.DeleteWebhook(b.By("ann"), b.WS, w.ID, b.Now, signalbox.Job{ID: signalbox.JobID(b.ID()), CreatedAt: b.Now}))
	if list := b.told(); list[len(list)-1].Action != "webhook.deleted" || list[len(list)-1].After != nil || list[len(list)-1].Before == nil {
		b.Errorf("told %+v", list[len(list)-1])
	}
}

func auditNothing(b *Box) {
	w, k := b.NewWebhook(), b.NewKey("ci")
	_, err := b.DB.UpdateWebhook(b.By("ann"), b.WS, w.ID, b.Now, func(*signalbox.Webhook) error { return nil })
	b.Must(err)
	b.Must(b.DB.RevokeKey(b.Context(), b.WS, k.ID, b.Now))
	b.Must(b.DB.RevokeKey(b.By("ann"), b.WS, k.ID, b.Now))
	if list := b.told(); len(list) != 0 {
		b.Fatalf("told %+v", list)
	}
}

func auditNobody(b *Box) {
	w := b.NewWebhook()
	_, err := b.DB.UpdateWebhook(b.Context(), b.WS, w.ID, b.Now, func(w *signalbox.Webhook) error { w.Enabled = false; return nil })
	b.Must(err)
	if list := b.told(); len(list) != 0 {
		b.Fatalf("told %+v", list)
	}
}

func auditRefused(b *Box) {
	w := b.NewWebhook()
	_, err := b.DB.UpdateWebhook(b.By("ann"), b.WS, w.ID, b.Now, func(w *signalbox.Webhook) error {
		w.Enabled = false
		return signalbox.InvalidField("enabled", "no")
	})
	b.WantCode(err, signalbox.Invalid)
	m := b.NewMember("ann@acme.com", signalbox.RoleAdmin)
	b.WantCode(b.DB.DeleteMember(b.By("ann"), b.WS, m.ID), signalbox.Conflict)
	if list := b.told(); len(list) != 1 || list[0].Action != "member.created" {
		b.Fatalf("told %+v", list)
	}
}

func auditSecrets(b *Box) {
	w := b.NewWebhook()
	_, err := b.DB.UpdateWebhook(b.By("ann"), b.WS, w.ID, b.Now, func(w *signalbox.Webhook) error {
		w.SealedSecret, w.SealedHeaders, w.HeaderNames = []byte("secret1"), []byte("secret2"), []string{"X-Key"}
		return nil
	})
	b.Must(err)
	b.wantTold("webhook.updated", w.URL, `{"header_names":[],"headers":"[hidden]","secret":"[hidden]"}`, `{"header_names":["X-Key"],"headers":"[changed]","secret":"[changed]"}`)
	m := b.NewMember("ann@acme.com", signalbox.RoleViewer, func(m *signalbox.Member) { m.Password = "secret3" })
	b.Must(b.DB.SetPassword(b.By("ann"), b.WS, m.ID, "secret4", 0, b.Now))
	b.wantTold("member.password_changed", m.Email, "", "")
	_, err = b.DB.PutLink(b.By("ann"), signalbox.Link{ID: signalbox.LinkID(b.ID()), Workspace: b.WS, Member: m.ID, Hash: [32]byte{1}, CreatedAt: b.Now})
	b.Must(err)
	b.wantTold("member.link_made", m.Email, "", `{"kind":"reset"}`)
	for _, e := range b.told() {
		if all := fmt.Sprintf("%+v %s %s", e, e.Before, e.After); strings.Contains(all, "secret1") || strings.Contains(all, "secret2") ||
			strings.Contains(all, "secret3") || strings.Contains(all, "secret4") {
			b.Errorf("a secret was told: %s", all)
		}
	}
}

func auditFilters(b *Box) {
	w, other := b.NewWebhook(), b.NewWebhook()
	flip := func(w *signalbox.Webhook) error { w.Enabled = !w.Enabled; return nil }
	for _, id := range []signalbox.WebhookID{w.ID, other.ID, w.ID} {
		b.Now = b.Now.Add(time.Hour)
		_, err := b.DB.UpdateWebhook(b.By("ann"), b.WS, id, b.Now, flip)
		b.Must(err)
	}
	b.Must(b.DB.CreateKey(b.By("ann"), signalbox.APIKey{ID: signalbox.KeyID(b.ID()), Workspace: b.WS, Name: "k", Scope: signalbox.ScopeRead, CreatedAt: b.Now}))
	for name, c := range map[string]struct {
		f    signalbox.AuditFilter
		want int
	}{
		"all":            {signalbox.AuditFilter{}, 4},
		"one subject":    {signalbox.AuditFilter{Subject: int64(w.ID)}, 2},
		"one action":     {signalbox.AuditFilter{Action: "webhook.updated"}, 3},
		"a kind":         {signalbox.AuditFilter{Action: "api_key"}, 1},
		"part of a word": {signalbox.AuditFilter{Action: "web"}, 0},
		"the actor":      {signalbox.AuditFilter{Actor: 7}, 4},
		"another actor":  {signalbox.AuditFilter{Actor: 8}, 0},
		"from":           {signalbox.AuditFilter{From: b.Now}, 2},
		"to":             {signalbox.AuditFilter{To: b.Now.Add(-time.Hour)}, 2},
	} {
		list, _, err := b.DB.AuditLog(b.Context(), b.WS, c.f, signalbox.Page{})
		b.Must(err)
		if len(list) != c.want {
			b.Errorf("%s: %d entries, want %d", name, len(list), c.want)
		}
	}
}

// tell saves entries as a turn does.
func (b *Box) tell(list ...signalbox.AuditEntry) {
	b.Helper()
	for i := range list {
		list[i].ID, list[i].Workspace = signalbox.AuditID(b.ID()), b.WS
	}
	b.decide(signalbox.Need{}, func(*signalbox.Situation) *signalbox.Decision { return &signalbox.Decision{Audit: list} })
}

func auditErase(b *Box) {
	c, other := b.NewContact(0, "ann@acme.com", "Ann", "X"), b.NewContact(0, "bob@acme.com", "Bob", "X")
	for range signalbox.SliceRows/100 + 1 {
		var list []signalbox.AuditEntry
		for range 101 {
			list = append(list, signalbox.AuditEntry{At: b.Now, Action: "contact.updated", Subject: signalbox.Subject{Type: "contact", ID: int64(c.ID), Name: "ann@acme.com"},
				Before: []byte(`{"title":"CEO"}`), After: []byte(`{"title":""}`)})
		}
		b.tell(list...)
	}
	kept := signalbox.AuditEntry{At: b.Now, Action: "contact.updated", Subject: signalbox.Subject{Type: "contact", ID: int64(other.ID), Name: "bob@acme.com"}, After: []byte(`{}`)}
	b.tell(kept)
	job, slices := b.RunJob(b.NewJob(signalbox.JobEraseContact, int64(c.ID)).ID)
	if job.Status != signalbox.JobDone || slices < 2 {
		b.Fatalf("job %+v in %d slices", job, slices)
	}
	n := 0
	for before := int64(0); ; {
		list, next, err := b.DB.AuditLog(b.Context(), b.WS, signalbox.AuditFilter{}, signalbox.Page{Limit: 200, Before: before})
		b.Must(err)
		for _, e := range list {
			n++
			switch e.Subject.ID {
			case int64(c.ID):
				if e.Subject.Name != "" || e.Before != nil || e.After != nil || e.Action == "" {
					b.Fatalf("still told: %+v", e)
				}
			case int64(other.ID):
				if e.Subject.Name != "bob@acme.com" || string(e.After) != "{}" {
					b.Fatalf("another's entry was taken: %+v", e)
				}
			}
		}
		if before = next; next == 0 {
			break
		}
	}
	if n != 101*(signalbox.SliceRows/100+1)+1 {
		b.Errorf("%d entries", n)
	}
}

func auditRetention(b *Box) {
	b.tell(signalbox.AuditEntry{At: b.Now, Action: "old", Subject: signalbox.Subject{Type: "workspace"}})
	b.Now = b.Now.AddDate(0, 0, signalbox.AuditDays-1)
	b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
	b.tell(signalbox.AuditEntry{At: b.Now, Action: "young", Subject: signalbox.Subject{Type: "workspace"}})
	if list := b.told(); len(list) != 2 {
		b.Fatalf("%d entries within a year, want 2", len(list))
	}
	b.Now = b.Now.AddDate(0, 0, 2)
	b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
	if list := b.told(); len(list) != 1 || list[0].Action != "young" {
		b.Fatalf("after a year: %+v", list)
	}
}

func auditTurn(b *Box) {
	err := b.DB.Decide(b.Context(), func() signalbox.Need { return signalbox.Need{Workspaces: []signalbox.WorkspaceID{b.WS}} },
		func(*signalbox.Situation) (*signalbox.Decision, error) {
			e := signalbox.AuditEntry{ID: signalbox.AuditID(b.ID()), Workspace: b.WS, At: b.Now, Action: "lost"}
			// A record to replace that is not there: the turn cannot be saved.
			a := signalbox.Account{ID: signalbox.AccountID(b.ID()), Workspace: b.WS, Revision: 2, CreatedAt: b.Now, UpdatedAt: b.Now}
			return &signalbox.Decision{Audit: []signalbox.AuditEntry{e}, Accounts: []signalbox.Written[signalbox.Account]{{Row: &a}}}, nil
		})
	if err == nil {
		b.Fatal("a record that is not there was replaced")
	}
	if list := b.told(); len(list) != 0 {
		b.Fatalf("told %+v", list)
	}
}
