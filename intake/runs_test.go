package intake_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"signalbox"
	"signalbox/intake"
)

// lanes is a database that gives each automation its lane, as whoever saves automations does.
type lanes struct{ intake.Store }

func (l lanes) Definitions(ctx context.Context, ws signalbox.WorkspaceID) (*signalbox.Definitions, error) {
	d, err := l.Store.Definitions(ctx, ws)
	if err != nil {
		return nil, err
	}
	for i := range d.Automations {
		d.Webhooks = append(d.Webhooks, signalbox.Webhook{
			ID: signalbox.WebhookID(d.Automations[i].ID), Workspace: ws, Kind: signalbox.KindAction, Format: signalbox.FormatStairoids, Enabled: true,
		})
	}
	return d, nil
}

// automation saves an enabled automation that posts to a URL when a page is viewed.
func (b *box) automation(delay time.Duration) signalbox.AutomationID {
	b.Helper()
	now := time.Now().UTC()
	a := signalbox.Automation{
		Name: "Tell", Enabled: true, Trigger: signalbox.Trigger{Type: signalbox.OnSignal, SignalType: "page_view"}, Delay: delay,
		Actions: []signalbox.Action{{Type: signalbox.ActWebhook, URL: "https://example.com/hook"}},
	}
	body, err := json.Marshal(a)
	if err != nil {
		b.Fatal(err)
	}
	put := signalbox.Definition{ID: b.ids.Next(now), Workspace: b.ws, Kind: signalbox.DefinedAutomation, Code: "tell", Body: body}
	err = b.db.Define(b.Context(), b.ws, now, func(*signalbox.Definitions) (*signalbox.Redefinition, error) {
		return &signalbox.Redefinition{Put: &put, Act: "automation.created"}, nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return signalbox.AutomationID(put.ID)
}

func (b *box) runs(of signalbox.AutomationID) []signalbox.Run {
	b.Helper()
	list, _, err := b.db.Runs(b.Context(), b.ws, of, signalbox.Page{})
	if err != nil {
		b.Fatal(err)
	}
	return list
}

// What an action sends is handed over with where it goes, without a way through the table.
func TestRun_WhatItSendsIsHandedOverWithWhereItGoes(t *testing.T) {
	t.Parallel()
	b := newBox(t, func(s intake.Store) intake.Store { return lanes{s} })
	of := b.automation(0)
	r, err := b.submit(about(1))
	if err != nil {
		t.Fatal(err)
	}
	list := b.runs(of)
	if len(list) != 1 || list[0].Signal != r.ID || list[0].Status != signalbox.RunDone {
		t.Fatalf("the runs are %+v", list)
	}
	b.sender.mu.Lock()
	defer b.sender.mu.Unlock()
	if len(b.sender.sent) != 1 {
		t.Fatalf("%d are handed over, want 1", len(b.sender.sent))
	}
	if got := b.sender.sent[0]; got.Webhook != signalbox.WebhookID(of) || got.Request == nil || got.Request.URL != "https://example.com/hook" || got.Event != list[0].Events[0] || len(got.Body) == 0 {
		t.Errorf("handed over is %+v", got)
	}
}

func TestRun_OneThatIsDueGoesOnOnce(t *testing.T) {
	t.Parallel()
	b := newBox(t, func(s intake.Store) intake.Store { return lanes{s} })
	of := b.automation(time.Hour)
	if _, err := b.submit(about(1)); err != nil {
		t.Fatal(err)
	}
	run := b.runs(of)[0]
	if run.Status != signalbox.RunWaiting {
		t.Fatalf("the run is %+v", run)
	}
	due := signalbox.Due{Kind: signalbox.DueRun, Workspace: b.ws, Subject: int64(run.ID), At: run.Due}
	if again, err := b.intake.Owners()[signalbox.DueRun](t.Context(), due); err != nil || !again.Kept || !again.At.Equal(run.Due) {
		t.Fatalf("asked for early it says %+v, %v", again, err)
	}
	b.ahead.Store(int64(time.Hour))
	if again, err := b.intake.Owners()[signalbox.DueRun](t.Context(), due); err != nil || !again.Kept || !again.At.IsZero() {
		t.Fatalf("%+v, %v", again, err)
	}
	if run = b.runs(of)[0]; run.Status != signalbox.RunDone || len(run.Events) != 1 {
		t.Fatalf("the run is %+v", run)
	}
	if again, err := b.intake.Owners()[signalbox.DueRun](t.Context(), due); err != nil || !again.Kept || len(b.runs(of)[0].Events) != 1 {
		t.Errorf("once more: %+v, %v", again, err)
	}
	gone := due
	gone.Workspace = 12345
	if again, err := b.intake.Owners()[signalbox.DueRun](t.Context(), gone); err != nil || !again.Done {
		t.Errorf("of a workspace that is gone: %+v, %v", again, err)
	}
}

// Two automations that ask more about a record's signals than there is room for are refused before they are saved.
func TestAutomate_RefusesWhatARecordHasNoRoomFor(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	d, err := b.db.Definitions(t.Context(), b.ws)
	if err != nil {
		t.Fatal(err)
	}
	var list []signalbox.Automation
	for i := range 40 {
		list = append(list, signalbox.Automation{
			ID: signalbox.AutomationID(i + 1), Name: "Many", Trigger: signalbox.Trigger{Type: signalbox.OnSignal, SignalType: "a"},
			Conditions: []string{`count(signals, "t` + string(rune('a'+i%26)) + string(rune('a'+i/26)) + `") >= 100`},
			Actions:    []signalbox.Action{{Type: signalbox.ActWebhook, URL: "https://example.com/hook"}},
		})
	}
	d.Automations = list[:20]
	if err := b.intake.Together(d); err != nil {
		t.Errorf("20 of them: %v", err)
	}
	d.Automations = list
	if err := b.intake.Together(d); signalbox.CodeOf(err) != signalbox.Conflict {
		t.Errorf("40 of them: %v", err)
	}
}
