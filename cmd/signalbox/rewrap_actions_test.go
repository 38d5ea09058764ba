package main

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"signalbox"
	"signalbox/app"
	"signalbox/deliver"
	"signalbox/seal"
	"signalbox/store"
)

// The headers of an automation's action are sealed anew as its secret is; where no key opens them they have no value any more, and the automation sends nothing
// until it is given others.
func TestKeysRewrap_KnowsTheHeadersOfAutomations(t *testing.T) {
	t.Parallel()
	r := newRotated(t, false)
	box := func(key string) *seal.Box { return boxOf(t, key) }
	inside := func(act func(db *store.DB, ws signalbox.WorkspaceID) error) {
		t.Helper()
		db, err := store.Open(t.Context(), store.Config{Path: filepath.Join(r.cfg.DataDir, app.DatabaseFile)})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		list, err := db.Workspaces(t.Context())
		if err == nil {
			err = act(db, list[0].ID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	of := signalbox.AutomationID(signalbox.NewIDs(0).Next(now))
	bind := func(ws signalbox.WorkspaceID, kind string) seal.Bind {
		return seal.Bind{Workspace: int64(ws), Row: int64(of), Kind: kind}
	}
	inside(func(db *store.DB, ws signalbox.WorkspaceID) error {
		body, err := json.Marshal(signalbox.Automation{Name: "Notify", Actions: []signalbox.Action{{
			Type: signalbox.ActWebhook, URL: "https://crm.example/", Headers: []signalbox.Header{{Name: "X-Key", Sealed: box(keyA).Seal(bind(ws, deliver.HeadersKind), []byte("canary"))}},
		}}})
		if err != nil {
			return err
		}
		return db.Define(t.Context(), ws, now, func(*signalbox.Definitions) (*signalbox.Redefinition, error) {
			return &signalbox.Redefinition{
				Put:  &signalbox.Definition{ID: int64(of), Workspace: ws, Kind: signalbox.DefinedAutomation, Code: "1", Body: body},
				Lane: &signalbox.Webhook{SealedSecret: box(keyA).Seal(bind(ws, deliver.SecretKind), []byte("whsec_x")), Enabled: true},
			}, nil
		})
	})
	header := func(key string) (value string, enabled bool) {
		inside(func(db *store.DB, ws signalbox.WorkspaceID) error {
			d, err := db.Definitions(t.Context(), ws)
			if err != nil {
				return err
			}
			for _, w := range d.Webhooks {
				enabled = enabled || w.Kind == signalbox.KindAction && w.Enabled
			}
			sealed := d.Automation(of).Actions[0].Headers[0].Sealed
			if len(sealed) == 0 {
				return nil
			}
			text, err := box(key).Open(bind(ws, deliver.HeadersKind), sealed)
			value = string(text)
			return err
		})
		return value, enabled
	}
	r.rewrap(t, []string{"SIGNALBOX_SECRET_KEY=" + keyB, "SIGNALBOX_OLD_SECRET_KEYS=" + keyA})
	if value, enabled := header(keyB); value != "canary" || !enabled {
		t.Errorf("with the new key the header is %q, the automation's sending enabled: %t", value, enabled)
	}
	done := r.rewrap(t, []string{"SIGNALBOX_SECRET_KEY=" + keyC}, "--forget-lost")
	value, enabled := header(keyC)
	if value != "" || enabled || len(done.Lost) != len(r.all)+1 {
		t.Errorf("with the key lost the header is %q, the automation's sending enabled: %t, and lost are %v, want every webhook and what the automation sends through", value, enabled, done.Lost)
	}
	_, stop := r.serve(t, keyC)
	stop()
}

func boxOf(t *testing.T, key string) *seal.Box {
	t.Helper()
	k, err := seal.ParseKey(key)
	if err != nil {
		t.Fatal(err)
	}
	b, err := seal.NewBox(k)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
