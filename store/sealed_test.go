package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"signalbox"
	"signalbox/internal/boxtest/storesuite"
	"signalbox/store"
)

// The list of sealed columns is the schema's: a column whose name begins with sealed_ that is not in it would be forgotten by backups and by a
// change of keys.
func TestSealedColumns_AreThoseOfTheSchema(t *testing.T) {
	t.Parallel()
	var listed []string
	for _, c := range store.SealedColumns() {
		listed = append(listed, c.Table+"."+c.Column)
	}
	slices.Sort(listed)
	for _, engine := range []string{"sqlite", "postgres"} {
		var found []string
		table := ""
		for _, line := range schemaLines(t, engine) {
			if m := regexp.MustCompile(`(?i)^(?:CREATE|ALTER) TABLE (\w+)`).FindStringSubmatch(line); m != nil {
				table = m[1]
			}
			if m := regexp.MustCompile(`\b(sealed_\w+)\s`).FindStringSubmatch(line); m != nil {
				found = append(found, table+"."+m[1])
			}
		}
		slices.Sort(found)
		found = slices.Compact(found) // a table that was made anew
		if !slices.Equal(found, listed) || len(found) == 0 {
			t.Errorf("%s has %v, the list %v", engine, found, listed)
		}
	}
}

// schemaLines are the lines of all migrations.
func schemaLines(t *testing.T, engine string) (lines []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("migrations", engine, "*.sql"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		lines = append(lines, strings.Split(read(t, f), "\n")...)
	}
	return lines
}

// sealedBox is a database with webhooks in several workspaces, and what is sealed in them.
func sealedBox(t *testing.T, pg bool) (b *storesuite.Box, all map[signalbox.WorkspaceID][]signalbox.WebhookID) {
	t.Helper()
	b = storesuite.NewBox(t, open(t, pg), storesuite.Start)
	all = map[signalbox.WorkspaceID][]signalbox.WebhookID{}
	for i := range 3 {
		b.WS = b.NewWorkspace(fmt.Sprint("workspace ", i))
		for k := range 4 {
			w := b.NewWebhook(func(w *signalbox.Webhook) {
				w.SealedSecret = fmt.Appendf(nil, "A-secret %d", w.ID)
				if k%2 == 0 {
					w.SealedHeaders, w.HeaderNames = fmt.Appendf(nil, "A-headers %d", w.ID), []string{"X-Team"}
				}
			})
			all[b.WS] = append(all[b.WS], w.ID)
		}
	}
	return b, all
}

// anew seals what "key A" sealed with "key B".
func anew(v store.Sealed) ([]byte, error) {
	if !bytes.HasSuffix(v.Value, fmt.Append(nil, v.Row)) || v.Kind != "webhook."+strings.TrimPrefix(v.Column, "sealed_") {
		return nil, fmt.Errorf("%s of %d has the value %q", v.Kind, v.Row, v.Value)
	}
	return append([]byte("B"), v.Value[1:]...), nil
}

func headers(t *testing.T, db *store.DB) []string {
	t.Helper()
	list, err := db.SealedHeaders(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, h := range list {
		all = append(all, string(h))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestRewrap_ChangesEveryValueOnce(t *testing.T) {
	t.Parallel()
	for name, pg := range map[string]bool{"SQLite": false, "PostgreSQL": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, all := sealedBox(t, pg)
			if got := headers(t, b.DB); !slices.Equal(got, []string{"A-"}) {
				t.Errorf("before: sealed by %q", got)
			}
			for i, ws := range slices.Sorted(maps.Keys(all)) {
				before, err := b.DB.Webhook(t.Context(), ws, all[ws][0])
				b.Must(err)
				n, err := b.DB.Rewrap(t.Context(), ws, anew)
				if err != nil || n != 6 {
					t.Errorf("rewrapped %d: %v", n, err)
				}
				if n, err = b.DB.Rewrap(t.Context(), ws, anew); err != nil || n != 0 {
					t.Errorf("once more rewrapped %d: %v", n, err)
				}
				want := []string{"A-", "B-"}
				if i == 2 {
					want = []string{"B-"}
				}
				if got := headers(t, b.DB); !slices.Equal(got, want) {
					t.Errorf("after workspace %d: sealed by %q", i, got)
				}
				w, err := b.DB.Webhook(t.Context(), ws, all[ws][0])
				b.Must(err)
				if string(w.SealedSecret) != fmt.Sprint("B-secret ", w.ID) || string(w.SealedHeaders) != fmt.Sprint("B-headers ", w.ID) {
					t.Errorf("sealed %q and %q", w.SealedSecret, w.SealedHeaders)
				}
				if w.Revision != before.Revision || !w.UpdatedAt.Equal(before.UpdatedAt) {
					t.Error("sealing anew counts as a change of the definition")
				}
			}
		})
	}
}

// What lies inside JSON is sealed anew too: in automations, which count as changed then, and in what they have sent; the rest of that JSON stays to the byte.
func TestRewrap_ChangesTheHeadersOfActions(t *testing.T) {
	t.Parallel()
	for name, pg := range map[string]bool{"SQLite": false, "PostgreSQL": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := storesuite.NewBox(t, open(t, pg), storesuite.Start)
			headers := []signalbox.Header{{Name: "X-A", Sealed: []byte("A-one")}, {Name: "X-B", Sealed: []byte("A-two")}, {Name: "X-None"}}
			of, lane := b.NewAutomation("Notify", headers...)
			b.Must(store.Exec(t.Context(), b.DB, `UPDATE definitions SET body = '{"later":1,' || substr(body, 2) WHERE kind = 'automation'`))
			q := &signalbox.Request{Type: signalbox.ActWebhook, URL: "https://crm.example/?a=1&b=2", Headers: headers}
			sent := b.Send(storesuite.Sent{To: []signalbox.Webhook{lane}, Request: q, Body: `{}`})[0]
			plain := b.Send(storesuite.Sent{To: []signalbox.Webhook{lane}, Request: &signalbox.Request{Type: signalbox.ActSlack, URL: "https://hooks.example/"}, Body: `{}`})[0]
			lost := b.Send(storesuite.Sent{To: []signalbox.Webhook{lane}, Request: q, Body: `{}`})[0]
			b.Must(store.Exec(t.Context(), b.DB, fmt.Sprintf("DELETE FROM deliveries WHERE workspace_id = %d AND id = %d", b.WS, lost.Deliveries[0])))
			before, err := b.DB.Definitions(t.Context(), b.WS)
			b.Must(err)

			var seen []store.Sealed
			n, err := b.DB.Rewrap(t.Context(), b.WS, func(v store.Sealed) ([]byte, error) {
				if v.Table == "webhooks" {
					return v.Value, nil
				}
				seen = append(seen, v)
				switch string(v.Value) {
				case "A-one":
					return []byte("B-one"), nil
				case "A-two":
					return nil, nil // nothing opens it
				}
				return nil, fmt.Errorf("asked for %q", v.Value)
			})
			if err != nil || n != 4 || len(seen) != 4 {
				t.Fatalf("rewrapped %d, asked for %+v: %v", n, seen, err)
			}
			for _, v := range seen {
				if v.Row != int64(lane.ID) || v.Workspace != b.WS || v.Kind != "webhook.headers" {
					t.Errorf("asked for %+v: all is sealed for the lane %d", v, lane.ID)
				}
			}
			want := []signalbox.Header{{Name: "X-A", Sealed: []byte("B-one")}, {Name: "X-B"}, {Name: "X-None"}}
			after, err := b.DB.Definitions(t.Context(), b.WS)
			b.Must(err)
			if got := after.Automation(of).Actions[0].Headers; !reflect.DeepEqual(got, want) || after.Version == before.Version {
				t.Errorf("defined are %+v, of version %d and before of %d", got, after.Version, before.Version)
			}
			d := after.Find(signalbox.DefinedAutomation, int64(of))
			if !strings.HasPrefix(string(d.Body), `{"later":1,`) || d.Revision != 1 {
				t.Errorf("the definition became %s, revision %d", d.Body, d.Revision)
			}
			if got := b.Delivery(sent.Deliveries[0]).Request; !reflect.DeepEqual(got.Headers, want) || got.URL != q.URL {
				t.Errorf("what was sent became %+v", got)
			}
			if got := b.Delivery(plain.Deliveries[0]).Request; got.Type != signalbox.ActSlack {
				t.Errorf("what has no headers became %+v", got)
			}
			list, err := b.DB.SealedHeaders(t.Context(), 2)
			b.Must(err)
			if got := slices.IndexFunc(list, func(h []byte) bool { return string(h) == "A-" }); got >= 0 || !slices.ContainsFunc(list, func(h []byte) bool { return string(h) == "B-" }) {
				t.Errorf("sealed by %q", list)
			}
		})
	}
}

// An error of change undoes its slice, and what it found stays.
func TestRewrap_AnErrorChangesNothing(t *testing.T) {
	t.Parallel()
	for name, pg := range map[string]bool{"SQLite": false, "PostgreSQL": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, all := sealedBox(t, pg)
			n, err := b.DB.Rewrap(t.Context(), b.WS, func(v store.Sealed) ([]byte, error) {
				if v.Row == int64(all[b.WS][3]) {
					return nil, errTest
				}
				return anew(v)
			})
			if !errors.Is(err, errTest) || n != 0 {
				t.Errorf("rewrapped %d: %v", n, err)
			}
			if got := headers(t, b.DB); !slices.Equal(got, []string{"A-"}) {
				t.Errorf("sealed by %q", got)
			}
		})
	}
}

// TestRewrap_LosesNoChange changes webhooks while they are rewrapped: what was written last is there, and sealed with the new key.
func TestRewrap_LosesNoChange(t *testing.T) {
	t.Parallel()
	for name, pg := range map[string]bool{"SQLite": false, "PostgreSQL": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, all := sealedBox(t, pg)
			var wg sync.WaitGroup
			for ws, hooks := range all {
				wg.Go(func() {
					for n := range 20 {
						for _, wh := range hooks {
							_, err := b.DB.UpdateWebhook(t.Context(), ws, wh, b.Now.Add(time.Second), func(w *signalbox.Webhook) error {
								if string(w.Label) != "" && w.Label != fmt.Sprint(n-1) {
									t.Errorf("change %d finds the label %q", n, w.Label)
								}
								w.Label = fmt.Sprint(n)
								w.SealedSecret = fmt.Appendf(nil, "B-secret %d of %d", n, wh) // as a server does that has the new key
								return nil
							})
							if err != nil {
								t.Error(err)
								return
							}
						}
					}
				})
				wg.Go(func() {
					for range 20 {
						_, err := b.DB.Rewrap(t.Context(), ws, func(v store.Sealed) ([]byte, error) {
							if v.Value[0] == 'B' {
								return v.Value, nil
							}
							return append([]byte("B"), v.Value[1:]...), nil
						})
						if err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			for ws, hooks := range all {
				for _, wh := range hooks {
					w, err := b.DB.Webhook(t.Context(), ws, wh)
					b.Must(err)
					if string(w.SealedSecret) != fmt.Sprintf("B-secret 19 of %d", wh) || w.Label != "19" || w.Revision != 21 {
						t.Errorf("webhook %d: %q, label %q, revision %d", wh, w.SealedSecret, w.Label, w.Revision)
					}
				}
			}
		})
	}
}
