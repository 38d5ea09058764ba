package app_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/app"
	"signalbox/internal/boxtest/provider"
	"signalbox/poll"
	"signalbox/poll/connector"
	"signalbox/seal"
)

// streamOf is a stream as it is stored, with a connector and its secrets.
func streamOf(t *testing.T, box *seal.Box, connectorJSON string) *signalbox.Stream {
	t.Helper()
	s := &signalbox.Stream{ID: 2, Workspace: 1, Linked: 3, RecordType: "items"}
	setup, secrets, err := connector.ReadSetup([]byte(connectorJSON), s.RecordType, nil)
	if err == nil {
		s.Connector, err = setup.Stored()
	}
	if err == nil {
		s.Secrets, err = poll.SealSecrets(box, s.Workspace, s.ID, secrets)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func secretBox(t *testing.T) *seal.Box {
	t.Helper()
	key, err := seal.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.NewBox(key)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

const paged = `{"type":"http_json","url":"https://api.example.com/page","auth":{"type":"bearer","token":"` + provider.Secret + `"},"pagination":{"type":"page","param":"page"},"records":"data","id":"id","total":"meta.total","by_id":"https://api.example.com/items/{id}"}`

// A stream as the API stores it is fetched to its end, each page by a source of its own: as a run that goes on elsewhere.
func TestSources_OpenWhatTheAPIStores(t *testing.T) {
	t.Parallel()
	server, box := provider.Generic(), secretBox(t)
	server.Fill("items", 1, 25)
	sources := app.NewSources(server, box, "", time.Now)
	s := streamOf(t, box, paged)
	var ids []string
	var at poll.Checkpoint
	for {
		source, err := sources.Open(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		page, err := source.Next(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Records {
			ids = append(ids, r.ID)
			if !slices.IsSortedFunc(r.Fields, func(a, b poll.Field) int { return strings.Compare(a.Name, b.Name) }) {
				t.Errorf("the fields of %s are out of order", r.ID)
			}
		}
		if !source.Shifts() || page.Total != 25 {
			t.Errorf("shifts: %v, total: %d", source.Shifts(), page.Total)
		}
		if page.Last {
			break
		}
		at = slices.Clone(page.Next)
	}
	if len(ids) != 25 || ids[24] != "25" {
		t.Errorf("fetched %v", ids)
	}
	source, err := sources.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{"7": true, "70": false} {
		if found, known, err := source.ByID(t.Context(), id); found != want || !known || err != nil {
			t.Errorf("%s is there: %v, %v, %v", id, found, known, err)
		}
	}
}

func TestSources_TellFailuresInWordsForPeople(t *testing.T) {
	t.Parallel()
	server, box := provider.Generic(), secretBox(t)
	server.Fill("items", 1, 3)
	sources := app.NewSources(server, box, "", time.Now)
	open := func(text string) poll.Source {
		t.Helper()
		source, err := sources.Open(t.Context(), streamOf(t, box, text))
		if err != nil {
			t.Fatal(err)
		}
		return source
	}
	_, err := open(strings.Replace(paged, provider.Secret, "wrong", 1)).Next(t.Context(), nil)
	var told *signalbox.Error
	if !errors.As(err, &told) || !strings.Contains(told.Msg, "401") {
		t.Errorf("refused credentials are %v", err)
	}
	if _, err := open(paged).Next(t.Context(), poll.Checkpoint(`{"c":1}`)); !errors.Is(err, poll.ErrCheckpoint) {
		t.Errorf("a checkpoint of another walk is %v", err)
	}
	bare := strings.Replace(paged, `,"by_id":"https://api.example.com/items/{id}"`, "", 1)
	if _, known, err := open(bare).ByID(t.Context(), "1"); known || err != nil {
		t.Errorf("who cannot be asked says %v, %v", known, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(paged).Next(ctx, nil); err == nil {
		t.Error("a fetch that was ended goes on")
	}
}

func TestSources_OpenNothingWithAnotherSecretKey(t *testing.T) {
	t.Parallel()
	server, box := provider.Generic(), secretBox(t)
	s := streamOf(t, box, paged)
	if _, err := app.NewSources(server, secretBox(t), "", time.Now).Open(t.Context(), s); signalbox.CodeOf(err) != signalbox.Internal {
		t.Errorf("opened with another key: %v", err)
	}
	s.Connector = []byte("{")
	if _, err := app.NewSources(server, box, "", time.Now).Open(t.Context(), s); err == nil {
		t.Error("a connector that cannot be read is opened")
	}
}

// Streams of one linked account share its provider's budget, also over the turns of a run.
func TestSources_ShareTheBudgetOfALinkedAccount(t *testing.T) {
	t.Parallel()
	server, box := provider.Generic(), secretBox(t)
	server.Fill("items", 1, 3)
	now := time.Now()
	sources := app.NewSources(server, box, "", func() time.Time { return now })
	s := streamOf(t, box, strings.Replace(paged, `"records"`, `"rate_limit":{"requests":10,"per":"1s","hourly":2},"records"`, 1))
	fetch := func(of signalbox.LinkedAccountID) error {
		t.Helper()
		one := *s
		one.Linked = of
		source, err := sources.Open(t.Context(), &one)
		if err != nil {
			t.Fatal(err)
		}
		_, err = source.Next(t.Context(), nil)
		return err
	}
	for range 2 {
		if err := fetch(3); err != nil {
			t.Fatal(err)
		}
	}
	var told *signalbox.Error
	if err := fetch(3); !errors.As(err, &told) || told.RetryAfter <= 0 {
		t.Errorf("the third request in an hour: %v", err)
	}
	if err := fetch(4); err != nil {
		t.Errorf("another account has no budget: %v", err)
	}
	now = now.Add(3 * time.Hour)
	if err := fetch(5); err != nil { // forgets who was not asked for in hours
		t.Fatal(err)
	}
	if err := fetch(3); err != nil {
		t.Errorf("hours later: %v", err)
	}
}
