package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"signalbox/app"
	"signalbox/client"
)

// demoLabel names the webhook of a demo, so that a later one on the same data directory can remove it.
const demoLabel = "signalbox demo"

// demoGrace is how long --once waits for the last deliveries.
const demoGrace = 30 * time.Second

// demonstration are the flags of demo.
type demonstration struct {
	dataDir  string
	port     int
	speed    float64
	duration time.Duration
	once     bool
}

// demo makes the command that shows a newcomer what Signalbox does.
func (p *program) demo() *cobra.Command {
	var d demonstration
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it move: a server, a receiver and a story, on this machine",
		Long: `Start a server on a data directory of its own and a receiver that verifies
every signature, and play two and a half minutes in the life of twelve
companies. Nothing leaves this machine; without --data-dir nothing stays on it.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !(d.speed > 0 && d.speed <= 10000) {
				return usagef("--speed must be above 0 and at most 10000")
			}
			return p.runDemo(cmd.Context(), d)
		},
	}
	f := cmd.Flags()
	f.StringVar(&d.dataDir, "data-dir", "", "keep everything in this directory (default a temporary one)")
	f.IntVar(&d.port, "port", 0, "port of the server (default a free one)")
	f.Float64Var(&d.speed, "speed", 1, "how many times faster than life the story goes")
	f.DurationVar(&d.duration, "duration", 0, "stop after this long (default when you press Ctrl-C)")
	f.BoolVar(&d.once, "once", false, "stop when the story is over and everything has arrived")
	return cmd
}

// runDemo starts the server, plays, and stops the server again.
func (p *program) runDemo(ctx context.Context, d demonstration) (err error) {
	if d.dataDir == "" {
		dir, err := os.MkdirTemp("", "signalbox-demo-")
		if err != nil {
			return err
		}
		d.dataDir = dir
		defer func() { _ = os.RemoveAll(dir) }() // a temporary directory: whoever cleans those up takes what is left
	}
	server, err := app.New(ctx, app.Config{
		Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(d.port)), DataDir: d.dataDir, Dev: true, Version: buildVersion().Version,
		Log: slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return err
	}
	seat, err := demoSeat(ctx, d.dataDir, server)
	if err != nil {
		return errors.Join(err, server.Close())
	}
	// The server outlives the story: what is under way when the story stops is still taken and delivered.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	playing, halt := context.WithCancel(ctx)
	defer halt()
	var g errgroup.Group
	g.Go(func() error {
		defer halt()
		return server.Run(serving)
	})
	if err = p.tellStory(playing, d, client.New(server.URL(), seat.key), seat); playing.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil // told to stop before the story began; or the server failed, and says so itself
	}
	stop()
	return errors.Join(err, g.Wait())
}

// demoSeat is from where to watch: the key of the demo's server, and whom to sign in as. A directory that is kept keeps them in the file of a first start.
func demoSeat(ctx context.Context, dataDir string, server *app.App) (s seat, err error) {
	if first, ok := server.FirstStart(); ok {
		if _, err := writeCredentials(dataDir, server.URL(), first); err != nil {
			return s, err
		}
		if err := server.FirstStartShown(ctx); err != nil {
			return s, err
		}
	}
	held, err := allCredentials(dataDir)
	s = seat{key: held["SIGNALBOX_API_KEY"], email: held["SIGNALBOX_ADMIN_EMAIL"], password: held["SIGNALBOX_ADMIN_PASSWORD"]}
	if err == nil && s.key == "" {
		err = fmt.Errorf("%s was not made by demo: there is no %s in it", dataDir, credentialsFile)
	}
	return s, err
}

type seat struct{ key, email, password string }

// tellStory sets the scene, plays, and says at the end what there is.
func (p *program) tellStory(ctx context.Context, d demonstration, c *client.Client, from seat) error {
	defer c.CloseIdle()
	r, err := startReceiver()
	if err != nil {
		return err
	}
	defer r.close()
	if err := removeOldDemos(ctx, c); err != nil {
		return err
	}
	hook, err := c.CreateWebhook(ctx, client.WebhookInput{URL: r.url, Events: []string{"signal.created"}, Label: demoLabel})
	if err != nil {
		return err
	}
	r.serve(hook.Secret.Reveal())
	p.setScene(c.URL(), from)
	story, cancel := ctx, context.CancelFunc(func() {})
	if d.duration > 0 {
		story, cancel = context.WithTimeout(ctx, d.duration)
	}
	defer cancel()
	s := &stage{p: p, client: c, receiver: r, outstanding: map[string]time.Time{}, early: map[string]arrival{}}
	if err := s.play(story, d); err != nil {
		return err
	}
	return s.curtain(context.WithoutCancel(ctx), d)
}

// removeOldDemos removes the webhooks whose receivers went with earlier demos.
func removeOldDemos(ctx context.Context, c *client.Client) error {
	for w, err := range c.Webhooks(ctx) {
		if err != nil {
			return err
		}
		if w.Label == demoLabel {
			if err := c.DeleteWebhook(ctx, w.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *program) setScene(url string, from seat) {
	fmt.Fprintf(p.stdout, `
  %s   %s
`, p.paint(bold, "Signalbox demo"), p.paint(cyan, url))
	if from.password != "" {
		fmt.Fprintf(p.stdout, "  Watch in the dashboard: sign in as %s with %s\n", from.email, p.paint(cyan, from.password))
	}
	fmt.Fprintf(p.stdout, `
  Twelve companies, two and a half minutes. Each line is one signal: stored with
  its delivery in one commit, signed, sent, and verified by the receiver here.

  Look around from another terminal while it runs:

    export SIGNALBOX_URL=%[1]s SIGNALBOX_API_KEY=%[2]s
    curl -H "Authorization: Bearer $SIGNALBOX_API_KEY" $SIGNALBOX_URL/v1/accounts
    curl -H "Authorization: Bearer $SIGNALBOX_API_KEY" "$SIGNALBOX_URL/v1/signals?account_domain=northwindlabs.example"
    signalbox send --type demo_requested --source me --email you@example.com
    signalbox listen --print

`, url, from.key)
}
