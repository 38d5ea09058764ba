package outside

import (
	"database/sql"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	_ "github.com/ncruces/go-sqlite3/driver" // the server's database, while it is stopped

	"signalbox/client"
)

// tally counts by name.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *tally) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[name]++
}

// The proof is worth what the sentinels see: every bad address to which the kernel connects at all reaches one.
func TestOutside_EveryAddressIsReachableHere(t *testing.T) {
	sentinels.take()
	reached, unreachable := 0, 0
	for _, a := range append(badAddresses(), public4, public6) {
		if a.IsUnspecified() {
			continue // the kernel takes it for the loopback address
		}
		at := netip.AddrPortFrom(a, 443)
		c, err := dial(t.Context(), "tcp", at.String())
		if err != nil {
			unreachable++ // multicast, broadcast, link-local without a zone
			continue
		}
		_ = c.Close()
		reached++
		for sentinels.seen(at) == 0 {
			if t.Context().Err() != nil {
				t.Fatalf("a connection to %s did not reach the sentinel", at)
			}
		}
	}
	t.Logf("%d addresses reach the sentinels, %d cannot be connected to", reached, unreachable)
	if reached < 60 || unreachable > 15 {
		t.Errorf("%d addresses reach the sentinels and %d cannot be connected to: the namespace is not what the tests need", reached, unreachable)
	}
}

// proves reliability S1 (save)
func TestOutside_NoSpellingOfABadAddressIsSaved(t *testing.T) {
	s := serve(t, t.TempDir())
	kept := s.mustHook("https://pub.example.com/")
	urls := badURLs()
	sentinels.take()
	before, own := opened(t), dials.Load()
	each(len(urls), func(i int) {
		_, err := s.hook(urls[i])
		mustRefuse(t, "saved", urls[i], err)
		_, err = s.UpdateWebhook(t.Context(), kept.ID, client.WebhookPatch{URL: &urls[i]})
		mustRefuse(t, "changed", urls[i], err)
	})
	sentinels.onlyPublic(t)
	if n := opened(t) - before - (dials.Load() - own); n != 0 {
		t.Errorf("the server opened %d connections while it judged URLs, want none", n)
	}
	t.Logf("%d URLs refused twice each", len(urls))
	if len(urls) < 1706+54 {
		t.Errorf("%d URLs, want 1,760 at least", len(urls))
	}
}

func mustRefuse(t *testing.T, what, url string, err error) {
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest || refused.Param != "url" {
		t.Errorf("%s with %s: %v, want the url refused", what, short(url), err)
	}
}

// rewrite gives webhooks other URLs behind the server's back, as if whatever judges them when they are saved had let them through.
func rewrite(t *testing.T, dir string, ids []string, urls []string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "signalbox.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT id FROM webhooks ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	var keys []int64
	for rows.Next() {
		var key int64
		if err := rows.Scan(&key); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	if err := rows.Err(); err != nil || len(keys) != len(ids) {
		t.Fatalf("%d webhooks are stored, want %d; %v", len(keys), len(ids), err)
	}
	for i, key := range keys {
		enabled := 0
		url := "https://pub.example.com/"
		if i < len(urls) {
			enabled, url = 1, urls[i]
		}
		if _, err := db.Exec(`UPDATE webhooks SET url = ?, enabled = ?, revision = revision + 1 WHERE id = ?`, url, enabled, key); err != nil {
			t.Fatal(err)
		}
	}
}

// proves reliability S1 (test, deliver, retry by hand), R19 (a URL that is only checked when it is saved)
func TestOutside_NoSpellingOfABadAddressIsDialled(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir)
	const room = 490 // a workspace has at most 500 webhooks
	ids := make([]string, room)
	for i := range ids { // in turn: their order is that of their rows
		ids[i] = s.mustHook("https://pub.example.com/").ID
	}
	s.stop()
	urls := badURLs()
	var reasons tally
	sentinels.take()
	var opens int64
	for from := 0; from < len(urls); from += room {
		part := urls[from:min(from+room, len(urls))]
		rewrite(t, dir, ids, part)
		s = serve(t, dir)
		before, own := opened(t), dials.Load()
		s.signal()
		each(len(part), func(i int) { tryAll(t, s, ids[i], part[i], &reasons) })
		opens += opened(t) - before - (dials.Load() - own)
		s.stop()
	}
	if n := sentinels.onlyPublic(t); opens != int64(n) {
		t.Errorf("the server opened %d connections, of which the public receiver got %d", opens, n)
	}
	t.Logf("%d URLs tested, delivered to and retried by hand; the reasons: %v", len(urls), maps.Clone(reasons.n))
}

// harmless says of a bad URL that it is one by its text alone: what would be dialled is the public receiver, and may be.
func harmless(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Scheme == "https" && u.Hostname() == "pub.example.com" && u.User == nil && u.Opaque == ""
}

// tryAll calls, delivers to and retries one webhook, whose URL must stop each of them.
func tryAll(t *testing.T, s *server, id, raw string, reasons *tally) {
	result, err := s.TestWebhook(t.Context(), id, "signal.created", nil)
	if err != nil {
		t.Errorf("a test call to %s: %v", short(raw), err)
		return
	}
	d, ok := s.newest(id)
	if !ok {
		t.Errorf("the delivery to %s was not attempted", short(raw))
		return
	}
	if harmless(raw) {
		reasons.add("public")
		return
	}
	if result.Response != nil || result.Error == "" {
		t.Errorf("a test call to %s: %+v", short(raw), result)
	}
	if _, err := s.RetryDelivery(t.Context(), d.ID); err != nil {
		t.Errorf("retry the delivery to %s, which is %s: %v", short(raw), d.Status, err)
		return
	}
	full, ok := s.attempted(d.ID, 2) // one by the schedule, one by hand
	if !ok {
		t.Errorf("the delivery to %s was not attempted by hand", short(raw))
		return
	}
	for _, a := range full.Attempts {
		if a.RemoteAddr != "" || a.StatusCode != 0 {
			t.Errorf("an attempt to %s reached %q", short(raw), a.RemoteAddr)
		}
	}
	reasons.add(full.Reason)
	if full.Reason != "refused_target" && full.Reason != "unprepared" { // which has no URL at all
		t.Errorf("the delivery to %s failed by %q, want the target refused", short(raw), full.Reason)
	}
}
