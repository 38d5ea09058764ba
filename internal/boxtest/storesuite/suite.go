// Package storesuite is what every database behind the store's door must do: one table of groups, run on each of them.
// A second database joins by adding a line that calls Run with its opener; a storage bug that was fixed leaves a test here.
//
// It refuses to know which database it runs on: what only one of them has (files, its log) is tested beside that one.
package storesuite

import (
	"testing"

	"signalbox/store"
)

// Opener opens an empty database for one test and closes it when the test ends.
type Opener func(t *testing.T) *store.DB

// groups are the suite's parts; each runs its tests in parallel, on databases of their own.
var groups = []struct {
	name  string
	tests map[string]func(*Box)
}{
	{"Decide", decideTests},
	{"Claim", claimTests},
	{"Settle", settleTests},
	{"Due", dueTests},
	{"Nodes", nodeTests},
	{"Workspaces", workspaceTests},
	{"Keys", keyTests},
	{"Members", memberTests},
	{"Sessions", sessionTests},
	{"Audit", auditTests},
	{"Webhooks", webhookTests},
	{"Deliveries", deliveryTests},
	{"Feed", feedTests},
	{"Signals", signalTests},
	{"Records", recordTests},
	{"Merges", mergeTests},
	{"Jobs", jobTests},
	{"Recover", recoverTests},
	{"Notices", noticeTests},
	{"Retention", retentionTests},
	{"Unscore", unscoreTests},
	{"Ranks", rankTests},
	{"Definitions", definitionTests},
	{"Qualifications", qualificationTests},
	{"Erase", eraseTests},
	{"Foreign", foreignTests},
	{"Logs", logTests},
	{"Overview", overviewTests},
	{"Linked", linkedTests},
	{"Sync", syncTests},
}

// Run holds a database to the suite.
func Run(t *testing.T, open func(t *testing.T) *store.DB) {
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			for name, test := range g.tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(NewBox(t, open(t), Start))
				})
			}
		})
	}
}
