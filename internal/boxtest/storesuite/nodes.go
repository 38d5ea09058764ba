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
		ok, err := b.DB.Heartbeat(b.Context(), b.Lease, b.Now.Add(signalbox.HeartbeatEvery))
		b.Must(err)
		if !ok {
			b.Fatal("the newest generation's heartbeat was refused")
		}
		_, err = b.DB.JoinNode(b.Context(), "suite", b.Now)
		b.Must(err)
		ok, err = b.DB.Heartbeat(b.Context(), b.Lease, b.Now)
		b.Must(err)
		if ok {
			b.Fatal("an older generation's heartbeat was taken")
		}
	},
}
