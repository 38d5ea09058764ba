package store

import (
	"testing"

	"signalbox"
)

// A job has the scorer of the definitions in force, and compiling them again is spared it.
func TestRemembering_AVersionHasOneScorer(t *testing.T) {
	t.Parallel()
	made := 0
	scorers := MakeScorer(func(*signalbox.Definitions) (Scorer, error) {
		made++
		return nil, nil
	}).remembering()
	ask := func(ws, version int64, want int) {
		t.Helper()
		d := &signalbox.Definitions{Version: version, Workspace: signalbox.Workspace{ID: signalbox.WorkspaceID(ws)}}
		if _, err := scorers(d); err != nil || made != want {
			t.Errorf("workspace %d at version %d: %d were made, %v, want %d", ws, version, made, err, want)
		}
	}
	ask(1, 5, 1)
	ask(1, 5, 1)
	ask(1, 6, 2)
	ask(2, 6, 3)
	ask(1, 6, 3)
	ask(1, 0, 4) // made up by whoever needs some of them alone: never the same again
	ask(1, 0, 5)
	ask(1, 6, 5)
	for ws := int64(10); ws < 10+2*rememberedScorers; ws++ {
		ask(ws, 1, int(ws-10)+6)
	}
}
