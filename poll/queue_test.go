package poll

import (
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"signalbox"
)

// takeNow takes what waits, without waiting.
func takeNow(q *queue) (job, bool) {
	ctx, cancel := context.WithCancel(context.Background())
	if !q.crowded() {
		cancel()
	}
	defer cancel()
	return q.take(ctx)
}

func TestQueue_NextIsOfTheWorkspaceWithTheFewestAtWork(t *testing.T) {
	t.Parallel()
	q := newQueue()
	for _, j := range []job{{1, 11}, {1, 12}, {1, 13}, {2, 21}, {3, 31}, {2, 22}} {
		q.offer(j)
	}
	var got []signalbox.StreamID
	for range 3 {
		j, _ := takeNow(q)
		got = append(got, j.stream)
	}
	q.done(job{2, 21}, false) // now it has none at work, and comes before the two others
	for range 3 {
		j, _ := takeNow(q)
		got = append(got, j.stream)
	}
	if want := []signalbox.StreamID{11, 21, 31, 22, 12, 13}; !slices.Equal(got, want) {
		t.Errorf("taken in the order %v, want %v", got, want)
	}
}

func TestQueue_EquallyBusyWorkspacesTakeTurns(t *testing.T) {
	t.Parallel()
	q := newQueue()
	for i := range 30 {
		q.offer(job{signalbox.WorkspaceID(1 + i/10), signalbox.StreamID(100*(1+i/10) + i)})
	}
	var got []signalbox.WorkspaceID
	for range 30 {
		j, _ := takeNow(q)
		q.done(j, false)
		got = append(got, j.workspace)
	}
	for i, ws := range got {
		if want := signalbox.WorkspaceID(1 + i%3); ws != want {
			t.Fatalf("turns went to %v, want them to go round", got)
		}
	}
}

func TestQueue_StreamOfferedWhileItIsAtWorkComesAgain(t *testing.T) {
	t.Parallel()
	q := newQueue()
	j := job{1, 11}
	q.offer(j)
	q.offer(j)
	q.offer(j)
	if got, ok := takeNow(q); !ok || got != j || q.crowded() {
		t.Fatalf("took %v (%t), more waits: %t, want it queued once", got, ok, q.crowded())
	}
	q.offer(j)
	if q.crowded() {
		t.Fatal("a stream at work is handed out a second time")
	}
	q.done(j, false)
	if got, ok := takeNow(q); !ok || got != j {
		t.Fatalf("took %v (%t), want what was offered meanwhile", got, ok)
	}
	q.done(j, false)
	if q.crowded() || len(q.lanes) > 0 || len(q.streams) > 0 {
		t.Errorf("%d lanes and %d streams are remembered after everything was done", len(q.lanes), len(q.streams))
	}
}

func TestQueue_IsBounded(t *testing.T) {
	t.Parallel()
	q := newQueue()
	for i := range maxQueued + 10 {
		q.offer(job{1, signalbox.StreamID(i + 1)})
	}
	if q.waiting != maxQueued || len(q.streams) != maxQueued {
		t.Errorf("%d wait, %d are remembered, want %d", q.waiting, len(q.streams), maxQueued)
	}
}

// Whatever is offered, taken and given back: each stream is at work once at most, and what waits is what was offered and not taken.
func TestQueue_HandsEachStreamOutOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := newQueue()
		working, waiting := map[job]bool{}, map[job]bool{}
		wanted := map[job]bool{}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			j := job{signalbox.WorkspaceID(rapid.IntRange(1, 3).Draw(t, "workspace")), 0}
			j.stream = signalbox.StreamID(int(j.workspace)*10 + rapid.IntRange(0, 3).Draw(t, "stream"))
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				q.offer(j)
				if wanted[j] = working[j]; !working[j] {
					waiting[j] = true
				}
			case 1:
				got, ok := takeNow(q)
				if ok != (len(waiting) > 0) || ok && (working[got] || !waiting[got]) {
					t.Fatalf("took %v (%t); %v wait, %v are at work", got, ok, waiting, working)
				}
				if ok {
					delete(waiting, got)
					working[got] = true
				}
			case 2:
				if working[j] {
					again := rapid.Bool().Draw(t, "again")
					q.done(j, again)
					delete(working, j)
					if again || wanted[j] {
						waiting[j] = true
					}
					delete(wanted, j)
				}
			}
			if q.waiting != len(waiting) {
				t.Fatalf("%d wait, want %d", q.waiting, len(waiting))
			}
		}
	})
}
