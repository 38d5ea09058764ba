package outside

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"signalbox/client"
)

// A name that has, beside whatever else, an address that may not be reached is refused when it is saved.
func TestOutside_NamesThatLeadInsideAreNotSaved(t *testing.T) {
	s := serve(t, t.TempDir())
	sentinels.take()
	before, own := opened(t), dials.Load()
	for _, kind := range []string{"mix", "split", "chain", "lead", "mapped", "inside"} {
		for i := range 20 {
			url := fmt.Sprintf("https://%s-%d.example.com/", kind, i)
			_, err := s.hook(url)
			mustRefuse(t, "saved", url, err)
		}
	}
	if n := opened(t) - before - (dials.Load() - own); n != 0 || sentinels.onlyPublic(t) != 0 {
		t.Errorf("the server opened %d connections, want none", n)
	}
}

// proves reliability S1 (DNS): names that are public, or not there, when they are saved, and then lead inside with a time to live of 0.
func TestOutside_NamesThatTurnInsideAreNotDialled(t *testing.T) {
	s := serve(t, t.TempDir())
	const perKind = 5
	var hooks []client.Webhook
	for _, kind := range []string{"late", "turn-mix", "turn-split", "turn-chain", "turn-lead", "turn-mapped", "turn-inside", "flip"} {
		for i := range perKind {
			hooks = append(hooks, s.mustHook(fmt.Sprintf("https://%s-later%d.example.com/", kind, i)))
		}
	}
	control := s.mustHook("https://pub-later.example.com/")
	sentinels.take()
	before, own := opened(t), dials.Load()
	s.signal()
	if d, ok := s.newest(control.ID); !ok || d.Status != "delivered" {
		t.Fatalf("the public receiver got nothing: %+v", d)
	}
	refused := 0
	each(len(hooks), func(i int) {
		d, ok := s.newest(hooks[i].ID) // the question after the one of saving
		if !ok || d.Reason != "refused_target" {
			t.Errorf("the delivery to %s is %s %q, want the target refused", hooks[i].URL, d.Status, d.Reason)
		}
	})
	for n := range 6 { // flips are public and bad in turn now
		for _, h := range hooks {
			result, err := s.TestWebhook(t.Context(), h.ID, "signal.created", nil)
			if err != nil {
				t.Fatal(err)
			}
			public := strings.Contains(h.URL, "flip") && n%2 == 0
			if got := result.Response != nil; got && !public {
				t.Errorf("test call %d to %s was answered with %d", n, h.URL, result.Response.Status)
			}
			if result.Response == nil {
				refused++
			}
		}
	}
	for _, h := range hooks {
		d, ok := s.newest(h.ID)
		if !ok || d.Status == "delivered" {
			t.Errorf("the delivery to %s is %+v", h.URL, d)
			continue
		}
		if _, err := s.RetryDelivery(t.Context(), d.ID); err != nil {
			t.Error(err)
		}
		if full, ok := s.attempted(d.ID, 2); !ok || !strings.Contains(h.URL, "flip") && full.Attempts[1].RemoteAddr != "" {
			t.Errorf("after a retry by hand the delivery to %s is %+v", h.URL, full)
		}
	}
	n := sentinels.onlyPublic(t)
	if opens := opened(t) - before - (dials.Load() - own); opens != int64(n) {
		t.Errorf("the server opened %d connections, of which the public receiver got %d", opens, n)
	}
	if asked := nameServer.lookups("late-later0.example.com"); asked < 8 {
		t.Errorf("the name was asked for %d times, want once for each attempt at least", asked)
	}
	t.Logf("%d connections to the public receiver, %d test calls refused", n, refused)
}

// proves reliability S1 (0 redirects followed), R19 (follow redirects)
func TestOutside_RedirectsAreNotFollowed(t *testing.T) {
	s := serve(t, t.TempDir())
	hook := s.mustHook("https://pub-redirect.example.com/")
	v6 := s.mustHook("https://[" + public6.String() + "]/")
	t.Cleanup(func() { sentinels.redirect.Store(nil) })
	sentinels.take()
	for _, a := range badAddresses() {
		for _, to := range []string{"http://" + netip.AddrPortFrom(a, 80).String() + "/", "https://" + netip.AddrPortFrom(a, 443).String() + "/", "//" + netip.AddrPortFrom(a, 443).String() + "/"} {
			sentinels.redirect.Store(&to)
			for _, id := range []string{hook.ID, v6.ID} {
				result, err := s.TestWebhook(t.Context(), id, "signal.created", nil)
				if err != nil {
					t.Fatal(err)
				}
				if result.Response == nil || result.Response.Status != 307 {
					t.Errorf("a redirect to %s: %+v, want it as the answer", to, result)
				}
			}
		}
	}
	if n := sentinels.onlyPublic(t); n < 2 {
		t.Errorf("the public receiver got %d connections", n)
	}
}
