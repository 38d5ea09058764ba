package storesuite

import (
	"reflect"
	"time"

	"signalbox"
)

var feedTests = map[string]func(*Box){
	"ItIsReadInTheOrderOfCommits":     feedOrder,
	"WhatIsReadCanBeReadAgain":        feedAgain,
	"AcknowledgedOnesAreDelivered":    feedAck,
	"MoreThanASliceIsAcknowledged":    feedAckMany,
	"ErasedAndSkippedOnesAreNotThere": feedGone,
	"APushWebhookHasNone":             feedPush,
}

func (b *Box) feed(w signalbox.WebhookID, after signalbox.DeliveryID, limit int) []signalbox.FeedItem {
	b.Helper()
	items, err := b.DB.Feed(b.Context(), b.WS, w, after, limit)
	b.Must(err)
	return items
}

func feedOrder(b *Box) {
	w, other := b.NewWebhook(Pull), b.NewWebhook(Pull)
	var want []signalbox.FeedItem
	for _, body := range []string{`{"n":1}`, `{"n":2}`, `{"n":3}`} {
		s := b.Send(Sent{To: []signalbox.Webhook{w, other}, Body: body})[0]
		want = append(want, signalbox.FeedItem{Delivery: s.Deliveries[0], Event: s.Event, EventName: "signal.created", Body: []byte(body), CreatedAt: b.Now})
	}
	got := b.feed(w.ID, 0, 2)
	got = append(got, b.feed(w.ID, got[1].Delivery, 2)...)
	if !reflect.DeepEqual(got, want) {
		b.Fatalf("feed %+v, want %+v", got, want)
	}
	if rest := b.feed(w.ID, want[2].Delivery, 2); len(rest) != 0 {
		b.Fatalf("behind the last: %+v", rest)
	}
}

func feedAgain(b *Box) {
	w := b.NewWebhook(Pull)
	b.Send(Sent{To: []signalbox.Webhook{w}}, Sent{To: []signalbox.Webhook{w}})
	first := b.feed(w.ID, 0, 10)
	b.Must(b.DB.AckFeed(b.Context(), b.WS, w.ID, first[1].Delivery, b.Now))
	if again := b.feed(w.ID, 0, 10); !reflect.DeepEqual(again, first) {
		b.Fatalf("again %+v, want %+v", again, first)
	}
}

func feedAck(b *Box) {
	w := b.NewWebhook(Pull)
	var sent []signalbox.DeliveryID
	for range 3 {
		sent = append(sent, b.Send(Sent{To: []signalbox.Webhook{w}})[0].Deliveries...)
	}
	later := b.Now.Add(time.Minute)
	b.Must(b.DB.AckFeed(b.Context(), b.WS, w.ID, sent[1], later))
	b.Must(b.DB.AckFeed(b.Context(), b.WS, w.ID, sent[1], later.Add(time.Minute)))
	for i, want := range []signalbox.DeliveryState{signalbox.Delivered, signalbox.Delivered, signalbox.Pending} {
		v := b.Delivery(sent[i])
		if v.State != want || want == signalbox.Delivered && (v.Reason != signalbox.ReasonRead || !v.DoneAt.Equal(later)) {
			b.Errorf("delivery %d: %+v, want %s", i, v.Delivery, want)
		}
	}
	got, err := b.DB.Webhook(b.Context(), b.WS, w.ID)
	b.Must(err)
	if !got.LastReadAt.Equal(later.Add(time.Minute)) || got.Revision != w.Revision {
		b.Fatalf("webhook %+v", got)
	}
}

func feedAckMany(b *Box) {
	w := b.NewWebhook(Pull)
	list := make([]Sent, 2100)
	for i := range list {
		list[i].To = []signalbox.Webhook{w}
	}
	sent := b.Send(list...)
	b.Must(b.DB.AckFeed(b.Context(), b.WS, w.ID, sent[2099].Deliveries[0], b.Now))
	if left := b.walkLog(w.ID, signalbox.DeliveryFilter{State: signalbox.Pending}, 100); len(left) != 0 {
		b.Fatalf("%d are left unread", len(left))
	}
}

func feedGone(b *Box) {
	w := b.NewWebhook(Pull)
	acc := b.NewAccount("acme.com", "Acme")
	list := make([]Sent, 1100)
	for i := range list {
		list[i] = Sent{Account: acc.ID, To: []signalbox.Webhook{w}}
	}
	b.Send(list...)
	off := w
	off.Enabled = false
	b.Send(Sent{To: []signalbox.Webhook{off}})
	kept := b.Send(Sent{To: []signalbox.Webhook{w}})[0]
	b.RunJob(b.NewJob(signalbox.JobEraseAccount, int64(acc.ID)).ID)
	if items := b.feed(w.ID, 0, 10); len(items) != 1 || items[0].Delivery != kept.Deliveries[0] {
		b.Fatalf("feed %+v, want %v", items, kept.Deliveries)
	}
}

func feedPush(b *Box) {
	w := b.NewWebhook()
	_, err := b.DB.Feed(b.Context(), b.WS, w.ID, 0, 10)
	b.WantCode(err, signalbox.Conflict)
	b.WantCode(b.DB.AckFeed(b.Context(), b.WS, w.ID, 1, b.Now), signalbox.Conflict)
}
