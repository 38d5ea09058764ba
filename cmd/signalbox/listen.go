package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"signalbox/client"
)

// The times of listen.
const (
	feedWait     = 25 * time.Second // how long the server may hold a request for events
	forwardLimit = 10 * time.Second // a receiver has as long as a real delivery gives it (S1-42)
	firstPause   = time.Second      // after a server that did not answer; doubles up to lastPause
	lastPause    = 15 * time.Second
	goodbye      = 5 * time.Second // for deleting the webhook at the end
)

// listening are the flags of listen.
type listening struct {
	conn   connection
	to     string
	events []string
	format string
	print  bool
}

// listen makes the command that brings webhooks to a receiver that no server can reach.
func (p *program) listen() *cobra.Command {
	var l listening
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Bring events to a receiver on this machine",
		Long: `Register a temporary webhook, read its events from the server, and send each
one to a local URL with the very headers and bytes that a real delivery has.
Nobody else is involved. The webhook is deleted when listen ends.`,
		Example: `  signalbox listen --forward-to http://localhost:3000/webhooks
  signalbox listen --events 'signal.*' --print`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := l.check(p)
			if err != nil {
				return err
			}
			return (&listener{p: p, client: c, flags: &l, http: forwarder()}).run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&l.to, "forward-to", "", "URL to send events to; without it they are only shown")
	f.StringSliceVar(&l.events, "events", []string{"*"}, "events to take: names, prefix.* or *")
	f.StringVar(&l.format, "format", "", "format of the bodies: stairoids or standard (default stairoids)")
	f.BoolVar(&l.print, "print", false, "print the bodies")
	l.conn.flags(cmd)
	return cmd
}

func (l *listening) check(p *program) (*client.Client, error) {
	if l.to != "" {
		if u, err := url.Parse(l.to); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, usagef("--forward-to: %q is not a URL such as http://localhost:3000/webhooks", clean(l.to, 80))
		}
	}
	return l.conn.open(p)
}

// forwarder sends to the local receiver: straight, whatever proxy the environment names, and without following redirects, as
// deliveries do.
func forwarder() *http.Client {
	return &http.Client{
		Timeout:       forwardLimit,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// listener is one run of listen.
type listener struct {
	p       *program
	client  *client.Client
	flags   *listening
	http    *http.Client
	webhook string // the temporary webhook's id
}

// run reads and forwards until ctx ends.
func (l *listener) run(ctx context.Context) (err error) {
	if err := l.register(ctx); err != nil {
		return err
	}
	defer l.http.CloseIdleConnections()
	defer func() { err = errors.Join(err, l.unregister(ctx)) }()
	pause := time.Duration(0)
	for cursor := ""; ctx.Err() == nil; {
		page, err := l.client.Feed(ctx, l.webhook, cursor, feedWait)
		switch {
		case err == nil:
			if pause > 0 {
				fmt.Fprintln(l.p.stderr, "The server answers again.")
			}
			pause = 0
			l.forwardAll(ctx, page.Events)
			cursor = page.NextCursor
		case ctx.Err() != nil:
		case gone(err):
			fmt.Fprintln(l.p.stderr, "The temporary webhook is gone; making a new one.")
			if err := l.register(ctx); err != nil {
				return err
			}
			cursor = ""
		case !away(err):
			return err
		default:
			if pause == 0 {
				fmt.Fprintln(l.p.stderr, "The server does not answer; trying until it does.")
			}
			pause = min(max(2*pause, firstPause), lastPause)
			wait(ctx, pause)
		}
	}
	return nil
}

// gone says whether the webhook does not exist any more.
func gone(err error) bool {
	var refused *client.Error
	return errors.As(err, &refused) && refused.NotFound()
}

// away says whether the server is stopped, starting or overloaded: it will come back.
func away(err error) bool {
	var refused *client.Error
	if errors.As(err, &refused) {
		return refused.Status >= 500 || refused.Status == http.StatusTooManyRequests
	}
	return client.NoAnswer(err)
}

// wait ends after d, or with ctx.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// register makes the temporary webhook.
func (l *listener) register(ctx context.Context) error {
	made, err := l.client.CreateWebhook(ctx, client.WebhookInput{
		Kind: "pull", Temporary: true, Events: l.flags.events, Format: l.flags.format, Label: "signalbox listen",
	})
	if err != nil {
		return err
	}
	l.webhook = made.ID
	target := l.flags.to
	if target == "" {
		target = "nowhere (give --forward-to URL)"
	}
	fmt.Fprintf(l.p.stderr, "Listening to %s, forwarding to %s. Ctrl-C ends it.\n", l.client.URL(), target)
	fmt.Fprintf(l.p.stderr, "Signing secret: %s\n", made.Secret.Reveal())
	return nil
}

// unregister deletes the temporary webhook, also after ctx has ended.
func (l *listener) unregister(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	switch err := l.client.DeleteWebhook(ctx, l.webhook); {
	case err == nil || gone(err):
	case away(err):
		fmt.Fprintln(l.p.stderr, "The server does not answer; the temporary webhook will go by itself.")
	default:
		return fmt.Errorf("delete the temporary webhook %s: %w", l.webhook, err)
	}
	return nil
}

// forwardAll sends events to the receiver in their order, and shows each with the answer.
func (l *listener) forwardAll(ctx context.Context, events []client.FeedEvent) {
	for i := range events {
		if ctx.Err() != nil {
			return
		}
		e := &events[i]
		result := ""
		if l.flags.to != "" {
			result = "  " + l.forward(ctx, e)
		}
		fmt.Fprintf(l.p.stdout, "%s  %s  %s%s\n", l.p.now().Format("15:04:05"), l.p.paint(bold, clean(e.Event, 60)), clean(e.EventID, 60), result)
		if l.flags.print {
			fmt.Fprintf(l.p.stdout, "%s\n", e.Body)
		}
	}
}

// forward sends one event and says how that went.
func (l *listener) forward(ctx context.Context, e *client.FeedEvent) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.flags.to, bytes.NewReader(e.Body))
	if err != nil {
		return l.p.paint(red, clean(err.Error(), 200))
	}
	for name, value := range e.Headers {
		req.Header.Set(name, value)
	}
	begin := time.Now()
	resp, err := l.http.Do(req)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // the URL is known
		}
		return l.p.paint(red, "no answer: "+clean(err.Error(), 200))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 16<<10)) // so that the connection can be used again
	tint := green
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		tint = red
	}
	return l.p.paint(tint, fmt.Sprint(resp.StatusCode)) + " in " + took(time.Since(begin))
}
