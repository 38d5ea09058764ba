package storesuite

import (
	"errors"
	"reflect"
	"time"

	"signalbox"
)

var workspaceTests = map[string]func(*Box){
	"AllSettingsComeBack":             workspaceSettings,
	"AChangeIsANewDefinitionsVersion": workspaceVersion,
	"ARefusedChangeSavesNothing":      workspaceRefused,
	"ItsRetentionIsDueFromTheStart":   workspaceRetention,
}

func workspaceSettings(b *Box) {
	want := signalbox.Workspace{
		ID: signalbox.WorkspaceID(b.ID()), Name: "Müller & Søn", Timezone: "Europe/Berlin", RequireIdentity: true,
		MailboxProviders: signalbox.MailboxProviders{Added: []string{"post.example"}, Removed: []string{"gmail.com"}},
		Aliases:          map[string]string{"acme.io": "acme.com"},
		Limits: signalbox.RateLimits{
			Workspace: signalbox.Rate{PerMinute: 500, PerDay: 50_000}, Key: signalbox.Rate{PerMinute: 5}, Requests: signalbox.Rate{PerDay: 7},
		},
		Retention: signalbox.Retention{SignalDays: 90, EventDays: 30}, Revision: 1,
		CreatedAt: b.Now, UpdatedAt: b.Now,
	}
	b.Must(b.DB.CreateWorkspace(b.Context(), want))
	got, err := b.DB.Workspace(b.Context(), want.ID)
	b.Must(err)
	if !reflect.DeepEqual(got, want) {
		b.Fatalf("read\n%+v, want\n%+v", got, want)
	}
	all, err := b.DB.Workspaces(b.Context())
	b.Must(err)
	if len(all) != 2 || all[0].ID != b.WS || !reflect.DeepEqual(all[1], want) {
		b.Fatalf("all workspaces: %+v", all)
	}
	_, err = b.DB.Workspace(b.Context(), signalbox.WorkspaceID(b.ID()))
	b.WantNoSuch(err, "workspace")
}

func workspaceVersion(b *Box) {
	before, err := b.DB.Definitions(b.Context(), b.WS)
	b.Must(err)
	later := b.Now.Add(time.Hour)
	got, err := b.DB.UpdateWorkspace(b.Context(), b.WS, later, func(w *signalbox.Workspace) error {
		w.Name, w.ID, w.CreatedAt = "renamed", 7, time.Time{}
		return nil
	})
	b.Must(err)
	if got.Name != "renamed" || got.ID != b.WS || !got.CreatedAt.Equal(Start) || got.Revision != 2 || !got.UpdatedAt.Equal(later) {
		b.Fatalf("updated: %+v", got)
	}
	after, err := b.DB.Definitions(b.Context(), b.WS)
	b.Must(err)
	if after.Version != before.Version+1 || !reflect.DeepEqual(after.Workspace, got) {
		b.Fatalf("version %d after %d, workspace %+v", after.Version, before.Version, after.Workspace)
	}
}

func workspaceRefused(b *Box) {
	no := errors.New("no")
	_, err := b.DB.UpdateWorkspace(b.Context(), b.WS, b.Now, func(w *signalbox.Workspace) error {
		w.Name = "half done"
		return no
	})
	if !errors.Is(err, no) {
		b.Fatalf("error %v, want the change's own", err)
	}
	w, err := b.DB.Workspace(b.Context(), b.WS)
	b.Must(err)
	if w.Name != "acme" || w.Revision != 1 {
		b.Fatalf("saved all the same: %+v", w)
	}
}

func workspaceRetention(b *Box) {
	at, ok, err := b.DB.NextDue(b.Context())
	b.Must(err)
	if want := Start.Add(24 * time.Hour); !ok || !at.Equal(want) {
		b.Fatalf("next due %v, want %v", at, want)
	}
}
