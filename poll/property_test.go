package poll_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/poll"
)

// history is a provider's, a stream that follows it, and what must be true of every slice.
type history struct {
	*rapid.T
	*rig
	provider *provider
	began    map[signalbox.SyncRunID]int // the provider's clock when a run began
	hashes   map[string]int              // content by id and hash
	keys     poll.Key
}

// TestStream_TellsTheDifferencesEachOnce is the promise of the room: whatever a provider does and wherever the program dies, what is told is the difference
// between successive states of the snapshot, each once; a deletion is told only of a record that was not there; the counts add up; and a provider that stands
// still for a few runs is known exactly.
func TestStream_TellsTheDifferencesEachOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t)
		for range rapid.IntRange(1, 12).Draw(t, "runs") {
			h.between()
			h.run(h.drawMood())
		}
		h.settle()
	})
}

func newHistory(t *rapid.T) *history {
	p := newProvider(t)
	one := employees()
	one.Confirmations = rapid.IntRange(1, 3).Draw(t, "confirmations")
	one.EmitCreatedOnBaseline = rapid.Bool().Draw(t, "emit")
	h := &history{T: t, rig: newRig(p, one), provider: p, began: map[signalbox.SyncRunID]int{}, hashes: map[string]int{}}
	h.table.check = h.slice
	return h
}

func (h *history) drawMood() mood {
	m := mood{crash: rapid.IntRange(0, 2).Draw(h.T, "crash") == 0}
	switch rapid.IntRange(0, 5).Draw(h.T, "mood") {
	case 0:
		m.loud = true
	case 1:
		m.lies, m.budget = true, 1
	case 2:
		m.moves = rapid.IntRange(1, 2).Draw(h.T, "walk")
	case 3:
		m.loud, m.moves = true, 1
	}
	return m
}

// between is what happens from one run to the next.
func (h *history) between() {
	for range rapid.IntRange(0, 5).Draw(h.T, "changes") {
		h.provider.change()
	}
	if rapid.IntRange(0, 9).Draw(h.T, "definition") == 0 {
		h.stream.Fingerprint = uint64(rapid.IntRange(1, 3).Draw(h.T, "fingerprint"))
		h.stream.Version++
	}
	if h.stream.Quarantine != 0 && rapid.Bool().Draw(h.T, "decide") {
		h.decide(h, h.stream.Quarantine, h.decision())
	}
}

// decision is that of somebody who looks at the provider: what is missing is gone, or it is not.
func (h *history) decision() signalbox.SyncDecision {
	for id, row := range h.stream.rows {
		if _, is := h.provider.live[id]; is && row.Seen < h.stream.Quarantine && row.Missed != signalbox.MissedKept {
			return signalbox.SyncDiscarded
		}
	}
	return rapid.SampledFrom([]signalbox.SyncDecision{signalbox.SyncApproved, signalbox.SyncDiscarded}).Draw(h.T, "decision")
}

// run has the stream fetched once, to the end of the run, through all crashes.
func (h *history) run(m mood) {
	h.provider.mood, h.provider.walk, h.provider.served = m, 0, nil
	h.now = h.now.Add(h.stream.Period())
	id, err := h.runner.SyncNow(h.Context(), workspace, streamID)
	if err != nil {
		h.Fatal(err)
	}
	h.began[id] = h.provider.clock
	for again := true; again || h.table.runs[id].Status == signalbox.SyncRunning; {
		if m.crash {
			h.table.calls, h.table.dieAt, h.table.answer = 0, rapid.IntRange(1, 12).Draw(h.T, "dies"), rapid.Bool().Draw(h.T, "answer")
		}
		again, err = h.runner.Work(h.Context(), workspace, streamID)
		if errors.Is(err, errCrash) {
			h.restart()
			m.crash = rapid.IntRange(0, 2).Draw(h.T, "more") > 0
			continue
		}
		if err != nil {
			h.Fatal(err)
		}
		h.table.dieAt = 0
	}
	h.ended(*h.table.runs[id], m)
}

// ended checks what a run has come to.
func (h *history) ended(run signalbox.SyncRun, m mood) {
	deleted, created := int64(0), int64(0)
	for _, e := range h.table.told {
		if e.run == run.ID && e.Kind == signalbox.ChangeDeleted {
			deleted++
		} else if e.run == run.ID && e.Kind == signalbox.ChangeCreated {
			created++
		}
	}
	if deleted != run.Deleted || created != run.Created || run.Status != signalbox.SyncComplete && deleted > 0 {
		h.Fatalf("a run that is %s told %d as created and %d as deleted, and counts %d and %d", run.Status, created, deleted, run.Created, run.Deleted)
	}
	if m.loud || m.lies || m.moves > 0 {
		return
	}
	// The provider stood still and told the truth: the snapshot is what it has, and what was missing often enough is gone.
	if run.Status == signalbox.SyncFailed {
		h.Fatalf("the run failed with %q, and nothing had", run.Error)
	}
	h.wantKnown()
	for id, row := range h.stream.rows {
		if _, is := h.provider.live[id]; !is && h.stream.Quarantine == 0 && int(row.Missed) >= h.stream.Confirm() {
			h.Fatalf("%s was missing in %d complete runs and is not deleted", id, row.Missed)
		}
	}
}

// wantKnown checks that every record that there is is known as it is.
func (h *history) wantKnown() {
	for id, content := range h.provider.live {
		row, known := h.stream.rows[id]
		if !known || row.Seen == 0 || row.Missed != 0 || len(differing(h.content(id, row.Print), content)) > 0 {
			h.Fatalf("%s is known as %+v, and is there with content %d", id, row, content)
		}
	}
}

// settle lets the provider stand still until it must be known exactly.
func (h *history) settle() {
	for range h.stream.Confirm() + 1 {
		h.run(mood{})
		if h.stream.Quarantine != 0 {
			h.decide(h, h.stream.Quarantine, signalbox.SyncApproved) // it tells the truth
		}
	}
	h.wantKnown()
	kept := 0
	for id, row := range h.stream.rows {
		if row.Missed == signalbox.MissedKept {
			kept++
		} else if _, is := h.provider.live[id]; !is {
			h.Fatalf("%s is gone, and still known as %+v", id, row)
		}
	}
	if int64(kept) != h.stream.Kept {
		h.Fatalf("the stream counts %d kept rows and has %d", h.stream.Kept, kept)
	}
}

// content is what a print was made of.
func (h *history) content(id string, print []byte) int {
	p, err := poll.DecodePrint(print)
	if err != nil {
		h.Fatal(err)
	}
	if h.keys == (poll.Key{}) {
		h.keys = keyOf(&h.stream.Stream)
	}
	if _, have := h.hashes[id]; !have {
		h.hashes[id] = -1
		for c := range contents {
			one := poll.Fingerprint(h.keys, poll.NewNames(nil), 0, record(id, c))
			h.hashes[id+string(one.Hash[:])] = c
		}
	}
	content, have := h.hashes[id+string(p.Hash[:])]
	if !have {
		h.Fatalf("%s has a print of nothing that it ever was", id)
	}
	return content
}

// slice checks one slice against the rows that it replaces, before they are.
func (h *history) slice(st *stream, c *signalbox.SyncSlice) {
	changes := map[string]signalbox.LinkedChange{}
	for _, e := range c.Changes {
		if _, twice := changes[e.Record.ID]; twice {
			h.Fatalf("%s is told twice in one slice", e.Record.ID)
		}
		changes[e.Record.ID] = e
	}
	spec := uint32(st.Fingerprint)
	told := 0
	for _, row := range c.Rows {
		e, is := changes[row.Record]
		old, had := st.rows[row.Record]
		want := h.difference(old, had, row, spec)
		if is != (want != "" && !c.Run.Silent) || is && e.Kind != want {
			h.Fatalf("%s is told as %q (%t), want %q; silent %t", row.Record, e.Kind, is, want, c.Run.Silent)
		}
		if is {
			told++
		}
		if is && e.Kind == signalbox.ChangeUpdated {
			if want := differing(h.content(row.Record, old.Print), h.content(row.Record, row.Print)); !slices.Equal(e.Record.Changed, want) {
				h.Fatalf("%s is told to differ in %q, want %q", row.Record, e.Record.Changed, want)
			}
		}
	}
	for _, id := range c.Drop {
		e, is := changes[id]
		old := st.rows[id]
		p, err := poll.DecodePrint(old.Print)
		if err != nil || is != (p.Spec == spec && !c.Run.Silent) || is && e.Kind != signalbox.ChangeDeleted {
			h.Fatalf("%s is dropped and told as %q (%t), seen under %d; silent %t", id, e.Kind, is, p.Spec, c.Run.Silent)
		}
		if is {
			told++
		}
		if !h.provider.wasAbsent(id, h.began[c.Run.ID]) {
			h.Fatalf("%s was dropped by run %d, and was there all the time", id, c.Run.ID)
		}
	}
	if told != len(c.Changes) {
		h.Fatalf("%d changes are told, and %d of them are none", len(c.Changes), len(c.Changes)-told)
	}
}

// difference is what a row becomes: created, updated, or as it was.
func (h *history) difference(old signalbox.Snapshot, had bool, row signalbox.Snapshot, spec uint32) signalbox.ChangeKind {
	if !had {
		return signalbox.ChangeCreated
	}
	if row.Print == nil {
		return ""
	}
	before, err := poll.DecodePrint(old.Print)
	after, err2 := poll.DecodePrint(row.Print)
	if err != nil || err2 != nil || after.Spec != spec {
		h.Fatalf("%s has prints %v, %v under %d, want both readable, and the new one under %d", row.Record, err, err2, after.Spec, spec)
	}
	if before.Spec != spec || bytes.Equal(before.Hash[:], after.Hash[:]) {
		return ""
	}
	return signalbox.ChangeUpdated
}
