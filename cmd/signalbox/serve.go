package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"signalbox/app"
)

// serve makes the command that runs a server.
func (p *program) serve() *cobra.Command {
	s := newSettings()
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a server",
		Long: `Run a server until it is told to stop (SIGTERM or Ctrl-C: what is under way
is finished; a second signal ends it at once).

Each flag may also be set as SIGNALBOX_<NAME> in the environment or as a key
of the --config file; flags win over the environment, that over the file.
Secrets are read from the environment only: SIGNALBOX_SECRET_KEY,
SIGNALBOX_OLD_SECRET_KEYS, SIGNALBOX_BOOTSTRAP_API_KEY.

The first start prints an admin API key; without a terminal it leaves it in
<data-dir>/credentials.env. If that key was lost, start once with a key of your
own, sk_live_ and at least 24 letters or digits, as SIGNALBOX_BOOTSTRAP_API_KEY.`,
		Example: `  signalbox serve
  signalbox serve --addr :8443 --tls-cert cert.pem --tls-key key.pem
  signalbox serve --dev --allow-target 192.168.0.0/16`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runServer(cmd.Context(), s) },
	}
	cmd.Flags().AddFlagSet(s.flags)
	return cmd
}

func (p *program) runServer(ctx context.Context, s *settings) error {
	if problems := append(s.fill(p), s.check()...); len(problems) > 0 {
		p.complain(problems)
		return errSaid
	}
	log := s.logger(p.stderr)
	for _, name := range s.strangers(p) {
		log.Warn("there is no such setting", "variable", name)
	}
	cfg := s.Config
	cfg.Log, cfg.Version = log, buildVersion().Version
	if p.terminal {
		cfg.Notices = p.stdout // elsewhere the log says it
	}
	server, err := app.New(ctx, cfg)
	if err != nil {
		return err
	}
	if first, ok := server.FirstStart(); ok {
		if err := p.announce(ctx, server, cfg, first, log); err != nil {
			return errors.Join(err, server.Close())
		}
	} else if p.terminal {
		fmt.Fprintf(p.stdout, "Signalbox is running at %s (reference: %s/docs). Ctrl-C stops it.\n", server.URL(), server.URL())
	}
	app.TuneMemory()
	return server.Run(ctx)
}

// announce hands over what the first start made, once: on a terminal in words, else in a file that only its owner can read.
func (p *program) announce(ctx context.Context, server *app.App, cfg app.Config, first app.FirstStart, log *slog.Logger) error {
	url := server.URL()
	if !p.terminal {
		path, err := writeCredentials(cfg.DataDir, url, first)
		if err != nil {
			return err
		}
		log.Info("first start: the API key is in a file", "path", path, "reference", url+"/docs")
		return server.FirstStartShown(ctx)
	}
	fmt.Fprintf(p.stdout, `
  %s

  Reference   %s/docs
  Workspace   %s
  API key     %s   (admin; shown this once)

  Send a first signal:

%s

  Watch what webhooks would get, from another terminal:

    SIGNALBOX_API_KEY=%s signalbox listen --server %s --forward-to http://localhost:3000/

  Ctrl-C stops it.

`, p.paint(bold, "Signalbox is running."), url, first.Workspace, p.paint(cyan, first.APIKey), firstCurl(url, first.APIKey), first.APIKey, url)
	return server.FirstStartShown(ctx)
}

// firstCurl is a command that works as it stands.
func firstCurl(url, key string) string {
	return fmt.Sprintf(`    curl %s/v1/signals \
      -H 'Authorization: Bearer %s' \
      -H 'Content-Type: application/json' \
      -d '{"type":"product_trial_started","source":"internal_app","account":{"domain":"acmecorp.com","name":"Acme Corp"},"contact":{"email":"jane.doe@acmecorp.com"},"properties":{"plan":"pro_trial"}}'`, url, key)
}
