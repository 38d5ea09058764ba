package storesuite

import (
	"fmt"
	"strings"
	"time"

	"signalbox"
)

// Fill puts n rounds of everything into a box, so that every table that a copy holds has rows: of deliveries some are sent, some retrying, some leased,
// some unread. One webhook's are leased all, so that nothing of its lane is due.
func (b *Box) Fill(n int) {
	b.Helper()
	ctx := b.Context()
	hook, busy, pull := b.NewWebhook(), b.NewWebhook(), b.NewWebhook(Pull)
	b.NewKey("first")
	b.NewMember("ann@acme.example", signalbox.RoleAdmin)
	_, err := b.DB.CodecKey(ctx)
	b.Must(err)
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
