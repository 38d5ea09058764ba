package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"signalbox"
)

// Nodes tell each other what has happened by NOTIFY. The table is the truth and every listener polls it as well: what is told only saves
// the wait. What must not be lost is told inside the transaction that makes it, so that it is heard when that is committed; such are rare, for a
// transaction that notifies holds a lock of the whole server at its commit. All else is told after the commit.
//
// A message is the teller, a space, and one News: its kind, and where it has them workspace and webhook (or delivery) in decimal
// with a comma between.

// newsChannel is the channel of a schema: other databases of the server may be somebody else's.
const newsChannel = "'signalbox:' || current_schema()"

const tellSQL = `
SELECT pg_notify(` + newsChannel + `, n)
  FROM unnest(string_to_array($1, ';')) AS n`

// listenEvery is how long a listener whose connection broke waits between two tries.
const listenEvery = 500 * time.Millisecond

// Tell tells the other nodes of a PostgreSQL database what has happened here; on an embedded one there is nobody to tell.
func (db *DB) Tell(ctx context.Context, list ...signalbox.News) error {
	if db.pg == nil || len(list) == 0 {
		return nil
	}
	err := db.pg.single(ctx, func(t *tx) error { return t.tell(list...) })
	if err != nil {
		return fmt.Errorf("tell other nodes: %w", err)
	}
	return nil
}

// tell tells the other nodes when this transaction is committed.
func (t *tx) tell(list ...signalbox.News) error {
	if t.pg == nil {
		return nil
	}
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = t.pg.owner.self + " " + newsText(n)
	}
	return t.query(tellSQL, []any{strings.Join(texts, ";")}, func(*row) error { return nil })
}

func newsText(n signalbox.News) string {
	return fmt.Sprintf("%c%d,%d", n.Kind, n.Workspace, int64(n.Webhook)|int64(n.Delivery))
}

// parseNews reads a message; false for what this version does not know, which a newer one may have told.
func parseNews(text string) (n signalbox.News, ok bool) {
	if text == "" {
		return n, false
	}
	n.Kind = signalbox.NewsKind(text[0])
	ws, wh, cut := strings.Cut(text[1:], ",")
	w, err := strconv.ParseInt(ws, 10, 64)
	h, err2 := strconv.ParseInt(wh, 10, 64)
	n.Workspace, n.Webhook = signalbox.WorkspaceID(w), signalbox.WebhookID(h)
	if n.Kind == signalbox.NewsSettled {
		n.Webhook, n.Delivery = 0, signalbox.DeliveryID(h)
	}
	known := []signalbox.NewsKind{
		signalbox.NewsDue, signalbox.NewsLane, signalbox.NewsWebhook, signalbox.NewsArrived, signalbox.NewsWatched, signalbox.NewsStored, signalbox.NewsSettled,
	}
	return n, cut && err == nil && err2 == nil && slices.Contains(known, n.Kind)
}

// Listen calls heard for everything that other nodes tell, until ctx ends; heard must not block. Whenever it begins to listen, also after its connection
// broke, it says NewsMissed first. On an embedded database nobody tells anything.
func (db *DB) Listen(ctx context.Context, heard func(signalbox.News)) error {
	if db.pg == nil {
		<-ctx.Done()
		return nil
	}
	for {
		err := db.pg.listen(ctx, heard)
		if ctx.Err() != nil {
			return nil
		}
		db.log.Warn("other nodes are not heard", "err", err)
		select {
		case <-time.After(listenEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

// listen listens on a connection of its own until that breaks.
func (p *postgres) listen(ctx context.Context, heard func(signalbox.News)) error {
	cfg := p.pool.Config().ConnConfig
	cfg.RuntimeParams["application_name"] = "signalbox listener"
	c, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	var channel string
	if err := c.QueryRow(ctx, "SELECT quote_ident("+newsChannel+")").Scan(&channel); err != nil {
		return err
	}
	if _, err := c.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	heard(signalbox.News{Kind: signalbox.NewsMissed})
	for {
		n, err := waitFor(ctx, c)
		if err != nil {
			return err
		}
		teller, text, _ := strings.Cut(n.Payload, " ")
		if news, ok := parseNews(text); ok && teller != p.self {
			heard(news)
		}
	}
}

// askEvery is how often a silent listener asks the server whether it is still there: a connection that vanished without a word says nothing.
const askEvery = 15 * time.Second

// waitFor returns the next notification.
func waitFor(ctx context.Context, c *pgx.Conn) (*pgconn.Notification, error) {
	for {
		nap, cancel := context.WithTimeout(ctx, askEvery)
		n, err := c.WaitForNotification(nap)
		cancel()
		var timeout net.Error
		switch {
		case err == nil:
			return n, nil
		case ctx.Err() != nil || c.IsClosed() || !errors.As(err, &timeout) && !errors.Is(err, context.DeadlineExceeded):
			return nil, cmp.Or(ctx.Err(), err)
		}
		asking, cancel := context.WithTimeout(ctx, connectFor)
		err = c.Ping(asking)
		cancel()
		if err != nil {
			return nil, err
		}
	}
}
