package e2e

import (
	"encoding/json"
	"testing"

	"signalbox/client"
)

// published is how many payloads the package has at the version that package.json pins.
const published = 329

// githubReport is what programs/github.mjs found.
type githubReport struct {
	Payloads  int
	Accepted  int
	Delivered int
	Verified  int
	Stable    int
	Equal     int
	Accounts  []string
	Contacts  int
	Emails    int
	Problems  []string
}

// The real input of issue 2: every published payload is accepted, matched, delivered, verified and byte-stable.
// proves S0-21, S1-8, S1-12, S4-33
func TestSignal_EveryPublishedGitHubPayloadArrivesAsItWasSent(t *testing.T) {
	t.Parallel()
	s := serve(t, "--dev")
	out := output(t, []string{"SIGNALBOX_URL=" + s.url, "SIGNALBOX_API_KEY=" + apiKey}, kit.node, "programs/github.mjs")
	var got githubReport
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("the program printed %q: %v", out, err)
	}
	for _, problem := range got.Problems {
		t.Error(problem)
	}
	if got.Payloads != published {
		t.Errorf("the package has %d payloads, want %d", got.Payloads, published)
	}
	for what, n := range map[string]int{
		"accepted": got.Accepted, "delivered": got.Delivered, "verified": got.Verified, "byte-stable": got.Stable, "equal to what was sent": got.Equal,
	} {
		if n != got.Payloads {
			t.Errorf("%d of %d payloads are %s", n, got.Payloads, what)
		}
	}
	if n := s.storedSignals(); n != got.Payloads {
		t.Errorf("%d signals are stored, want %d", n, got.Payloads)
	}
	s.matchedGitHub(got)
}

// matchedGitHub checks who the payloads are about: github.com, and a contact for each address.
func (s *server) matchedGitHub(got githubReport) {
	s.t.Helper()
	var domains []string
	for a, err := range s.Accounts(s.t.Context(), client.RecordQuery{}) {
		if err != nil {
			s.t.Fatal(err)
		}
		domains = append(domains, a.Domain)
	}
	contacts := 0
	for _, err := range s.Contacts(s.t.Context(), client.RecordQuery{}) {
		if err != nil {
			s.t.Fatal(err)
		}
		contacts++
	}
	if got.Emails == 0 || contacts != got.Emails || got.Contacts != got.Emails {
		s.t.Errorf("%d addresses were sent, %d contacts were answered and %d are stored; want as many of each", got.Emails, got.Contacts, contacts)
	}
	if len(domains) != len(got.Accounts) || len(domains) == 0 {
		s.t.Errorf("the accounts are %v, the answers named %v", domains, got.Accounts)
	}
}
