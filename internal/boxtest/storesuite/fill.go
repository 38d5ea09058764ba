package storesuite

import (
	"fmt"
	"strings"
	"time"

	"signalbox"
	"signalbox/decide"
)

// Fill puts n rounds of everything into a box, so that every table that a copy holds has rows: of deliveries some are sent, some retrying, some leased,
// some unread. One webhook's are leased all, so that nothing of its lane is due.
func (b *Box) Fill(n int) {
	b.Helper()
	ctx := b.Context()
	hook, busy, pull := b.NewWebhook(), b.NewWebhook(), b.NewWebhook(Pull)
	b.NewKey("first")
	b.NewMember("ann@acme.example", signalbox.RoleAdmin)
	b.define(signalbox.DefinedICP, "Mid-market", `{"parameters":[]}`)
	_, err := b.DB.CodecKey(ctx)
	b.Must(err)
	b.fillMerged()
	b.fillTrouble()
	b.fillLinked(n)
	b.follows(b.NewAccount("follows.example", "").ID)
	b.scored("scored.example", "ann@scored.example", "meeting_booked", "meeting_booked", "deal_created")
	for i := range n {
		acc := b.NewAccount(fmt.Sprintf("acme%d.example", i), strings.Repeat("Ä", i))
		con := b.NewContact(acc.ID, fmt.Sprintf("ann%d@acme.example", i), "", "")
		b.Send(Sent{Account: acc.ID, Contact: con.ID, Properties: `{"n":1}`, To: []signalbox.Webhook{hook, busy, pull}},
			Sent{Account: acc.ID, To: []signalbox.Webhook{hook}})
		b.NewJob(signalbox.JobRetention, int64(i))
		b.Must(b.DB.InsertLogs(ctx, []signalbox.LogRow{b.refused(func(l *signalbox.LogRow) { l.Ignored = []string{"acount", "a.b"} })}))
		b.Must(b.DB.PutDue(ctx, signalbox.Due{Kind: signalbox.DueJob, Subject: b.ID(), Workspace: b.WS, At: b.Now.Add(time.Hour)}))
		b.Must(b.DB.Decide(ctx, func() signalbox.Need { return signalbox.Need{Workspaces: []signalbox.WorkspaceID{b.WS}} },
			func(*signalbox.Situation) (*signalbox.Decision, error) {
				return &signalbox.Decision{
					Answered: []signalbox.Answered{{
						Key: signalbox.AnswerKey{Workspace: b.WS, Key: [16]byte{byte(i), 1}}, Day: 20_000, Body: [16]byte{2}, Signal: signalbox.SignalID(b.ID()),
						CreatedAt: b.Now,
					}},
					Meters: map[signalbox.MeterKey]signalbox.Meter{{Workspace: b.WS, Key: signalbox.KeyID(b.ID())}: {Second: int64(i)}},
				}, nil
			}))
		for k, r := range b.Claim(hook.ID, 2).Ready {
			switch (i + k) % 3 {
			case 0:
				b.Settle(r, signalbox.Delivered, "", time.Time{}, 200, "")
			case 1:
				b.Settle(r, signalbox.Retrying, "status_500", b.Now.Add(time.Minute), 500, "no\x00 \xff")
			} // the others stay leased
		}
	}
	b.Claim(busy.ID, 2*n) // all of it: nothing of this lane is due while its node lives
}

// fillTrouble puts a webhook in trouble into the box, what is told of it and what is still to be, and one that an event was recovered for.
func (b *Box) fillTrouble() {
	b.Helper()
	w := b.NewWebhook()
	b.attempt(w, false, failedForGood)
	b.telling(func(_ signalbox.Told, next func() int64) signalbox.Telling {
		return signalbox.Telling{Mails: []signalbox.Mail{{ID: signalbox.MailID(next()), Workspace: b.WS, To: "ann@acme.example", Subject: "s", Body: "b", CreatedAt: b.Now}}}
	})
	b.attempt(w, false, failedForGood)
	b.judge(w.ID, signalbox.Judgement{Failing: b.Now, Next: b.Now.Add(time.Hour)})
	b.recover(b.NewWebhook(), b.recovery(signalbox.MissedNever))
}

// fillLinked puts a linked account into the box, with a stream whose run goes on, held by this node.
func (b *Box) fillLinked(n int) {
	b.Helper()
	w, _ := b.begin(b.NewStream(b.NewLinked().ID).ID)
	b.sync(&w, func(s *signalbox.SyncSlice) {
		s.Names = []string{"id", "title"}
		seen(s, 0, n, b.Now)
		s.Run.Checkpoint, s.Run.Progress = []byte("at 6"), []byte(`{}`)
	})
}

// fillMerged puts an import and a merge of what it made into the box.
func (b *Box) fillMerged() {
	b.Helper()
	row := func(domain, name string) decide.Input {
		return decide.Input{Account: &decide.AccountAct{Row: &signalbox.AccountRow{Import: "june", Domain: domain, Patch: signalbox.AccountPatch{Name: &name}}}}
	}
	out := b.Turn(row("first.com", "First"), row("second.com", "Second"))
	b.Turn(row("second.com", "Renamed"))
	b.Merge(signalbox.AccountRecord, int64(out[0].Account.ID), int64(out[1].Account.ID))
}
