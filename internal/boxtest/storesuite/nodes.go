package storesuite

import (
	"time"

	"signalbox"
)

var nodeTests = map[string]func(*Box){
	"EachJoinIsANewGeneration": func(b *Box) {
		next, err := b.DB.JoinNode(b.Context(), "suite", b.Now)
		b.Must(err)
		if next.Generation <= b.Lease.Generation || next.Node != b.Lease.Node {
			b.Fatalf("lease %+v after %+v", next, b.Lease)
		}
	},
	"JoiningFreesWhatOlderGenerationsHeld": func(b *Box) {
		w, quiet := b.NewWebhook(), b.NewWebhook()
		b.Send(Sent{To: []signalbox.Webhook{w}}, Sent{To: []signalbox.Webhook{w}})
		if c := b.Claim(w.ID, 10); len(c.Ready) != 2 {
			b.Fatalf("claimed %d, want 2", len(c.Ready))
		}
		b.wantLane(w.ID, time.Time{})
		b.Now = b.Now.Add(time.Minute)
		var err error
		b.Lease, err = b.DB.JoinNode(b.Context(), "suite", b.Now)
		b.Must(err)
		b.wantLane(w.ID, b.Now)
		b.wantLane(quiet.ID, time.Time{}) // nothing waits there
		if c := b.Claim(w.ID, 10); len(c.Ready) != 2 {
			b.Fatalf("claimed %d after joining, want 2", len(c.Ready))
		}
	},
	"AHeartbeatTellsWhenTheLeaseHasEnded": func(b *Box) {
		h := signalbox.Heartbeat{Lease: b.Lease, Now: b.Now.Add(signalbox.HeartbeatEvery)}
		beat, err := b.DB.Heartbeat(b.Context(), h)
		b.Must(err)
		if !beat.Holds || beat.Rank != 0 || beat.Live != 1 || beat.Ended != 0 {
			b.Fatalf("beat %+v, want the lease of the only node confirmed", beat)
		}
		h.Holds = true
		if beat, err = b.DB.Heartbeat(b.Context(), h); err != nil || !beat.Holds || beat.Rank != -1 || beat.Live != 0 {
			b.Fatalf("beat %+v, %v of a node that sends nothing: nobody counts on it", beat, err)
		}
		_, err = b.DB.JoinNode(b.Context(), "suite", b.Now)
		b.Must(err)
		beat, err = b.DB.Heartbeat(b.Context(), h)
		b.Must(err)
		if beat.Holds {
			b.Fatal("an older generation's heartbeat was taken")
		}
	},
}
