package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"signalbox"
	"signalbox/auth"
	"signalbox/sign"
)

// The clock of feeds.
const (
	maxWait  = 30                     // seconds
	pollFeed = 250 * time.Millisecond // a lost wake-up costs this much
)

func (a *API) feedRoute() route {
	return route{
		method: http.MethodGet, pattern: "/v1/webhooks/{id}/events", id: "readFeed", tag: "Webhooks", need: auth.NeedRead,
		summary: "Read a pull webhook's events",
		detail: "In the order of their commits, oldest first: nothing is missed. `next_cursor` is always there; coming back with it says that what came before was read. " +
			"`headers` and `body` are what a push would have carried, signed anew at each reading.",
		status: http.StatusOK, also: []signalbox.Code{signalbox.Conflict},
		query:   paging(param{name: "wait", kind: integer, doc: "Wait up to so many seconds (0 to 30) for something to arrive."}),
		answers: lists(a.readFeed),
	}
}

// readFeed answers the events behind the cursor, waiting for one when asked to.
func (a *API) readFeed(c *call) (page[feedItem], error) {
	w, err := a.webhook(c)
	if err != nil {
		return page[feedItem]{}, err
	}
	p, err := c.page()
	if err != nil {
		return page[feedItem]{}, err
	}
	wait, err := c.whole("wait", 0, maxWait, 0)
	if err != nil {
		return page[feedItem]{}, err
	}
	after := signalbox.DeliveryID(p.Before)
	if c.by.key.ID != 0 { // a member looks at the feed, and takes nothing from its reader
		if err := a.cfg.Store.AckFeed(c.r.Context(), c.ws(), w.ID, after, c.now); err != nil {
			return page[feedItem]{}, err
		}
	}
	rows, err := a.waitFeed(c, w.ID, after, p.Limit, time.Duration(wait)*time.Second)
	if err != nil {
		return page[feedItem]{}, err
	}
	return a.feedPage(c, &w, after, rows)
}

// waitFeed reads the feed until it has something, the wait is over or the server stops.
func (a *API) waitFeed(c *call, id signalbox.WebhookID, after signalbox.DeliveryID, limit int, wait time.Duration) ([]signalbox.FeedItem, error) {
	if wait > 0 {
		// The request has arrived whole, and the deadline for that would end the wait. A connection that has none needs no change.
		_ = http.NewResponseController(c.ResponseWriter).SetReadDeadline(time.Time{})
	}
	for end := time.Now().Add(wait); ; {
		rows, err := a.cfg.Store.Feed(c.r.Context(), c.ws(), id, after, limit)
		left := time.Until(end)
		if err != nil || len(rows) > 0 || left <= 0 {
			return rows, err
		}
		if !a.sleep(c.r.Context(), id, min(left, pollFeed)) {
			return nil, c.r.Context().Err()
		}
	}
}

// sleep waits for a wake-up, but no longer than most; false: nobody waits for the answer any more, or the server stops.
func (a *API) sleep(ctx context.Context, id signalbox.WebhookID, most time.Duration) bool {
	nap, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	defer context.AfterFunc(a.life, cancel)()
	if a.cfg.Arrivals != nil {
		a.cfg.Arrivals.Wait(nap, id)
	} else {
		<-nap.Done()
	}
	return ctx.Err() == nil && a.life.Err() == nil
}

func (a *API) feedPage(c *call, w *signalbox.Webhook, after signalbox.DeliveryID, rows []signalbox.FeedItem) (page[feedItem], error) {
	out := page[feedItem]{open: true}
	if len(rows) > 0 {
		signer, err := a.signer(w)
		if err != nil {
			return out, err
		}
		for i := range rows {
			item, err := a.feedItem(c, w, signer, &rows[i])
			if err != nil {
				return out, err
			}
			out.items = append(out.items, item)
		}
		after = rows[len(rows)-1].Delivery
	}
	out.next = c.cursor(max(int64(after), 1)) // 1 is before every id: a reader of an empty feed can go on too
	return out, nil
}

// signer opens a webhook's secret.
func (a *API) signer(w *signalbox.Webhook) (*sign.Signer, error) {
	secret, err := a.cfg.Box.Open(secretBind(w), w.SealedSecret)
	if err != nil {
		return nil, fmt.Errorf("open the secret of a webhook: %w", err)
	}
	signer, err := sign.NewSigner([]sign.Secret{sign.Secret(secret)}, 0)
	if err != nil || len(w.SealedKey) == 0 {
		return signer, err
	}
	key, err := a.cfg.Box.Open(keyBind(w), w.SealedKey)
	if err != nil {
		return nil, fmt.Errorf("open the key of a webhook: %w", err)
	}
	return signer.WithKeys(sign.Secret(key))
}

func (a *API) feedItem(c *call, w *signalbox.Webhook, signer *sign.Signer, row *signalbox.FeedItem) (feedItem, error) {
	item := feedItem{
		EventID: c.idText(signalbox.KindEvent, int64(row.Event)), Event: row.EventName, Body: string(row.Body), Headers: map[string]string{},
	}
	h := http.Header{}
	err := signer.Headers(h, sign.Input{
		Format: sign.Format(w.Format), SignatureFormat: string(w.SignatureFormat), EventID: item.EventID, EventName: row.EventName,
		AttemptUUID: uuid.UUID(a.cfg.Codec.UUID(signalbox.KindDelivery, int64(row.Delivery))).String(), Timestamp: c.now, Body: row.Body,
		UserAgent: a.cfg.UserAgent,
	})
	if err != nil {
		return item, fmt.Errorf("sign for a feed: %w", err)
	}
	for name, values := range h {
		item.Headers[strings.ToLower(name)] = values[0]
	}
	return item, nil
}

// feedItem is one event of a feed.
type feedItem struct {
	EventID string            `json:"event_id"`
	Event   string            `json:"event"`
	Headers map[string]string `json:"headers" doc:"By lower-case name, as a push would carry them."`
	Body    string            `json:"body" doc:"The signed bytes: verify these before parsing them."`
}
