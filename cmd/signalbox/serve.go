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
SIGNALBOX_OLD_SECRET_KEYS, SIGNALBOX_BOOTSTRAP_API_KEY,
SIGNALBOX_ADMIN_EMAIL, SIGNALBOX_ADMIN_PASSWORD, SIGNALBOX_OIDC_CLIENT_SECRET.

The first start prints an admin API key, and the first admin's e-mail and
password; without a terminal it leaves them in <data-dir>/credentials.env. If
the key was lost, start once with a key of your own, sk_live_ and at least 24
letters or digits, as SIGNALBOX_BOOTSTRAP_API_KEY. If the password was lost:
signalbox members reset-password admin@localhost.`,
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
		fmt.Fprintf(p.stdout, "Signalbox is running at %s (reference: %[1]s/docs). Ctrl-C stops it.\n", server.URL())
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
		what := "the API key and the admin's password are in a file"
		switch {
		case first.Password == "":
			what = "the API key is in a file"
		case first.APIKey == "":
			what = "the first admin's password is in a file"
		}
		log.Info("first start: "+what, "path", path, "reference", url+"/docs")
		return server.FirstStartShown(ctx)
	}
	fmt.Fprintf(p.stdout, "\n  %s\n\n", p.paint(bold, "Signalbox is running."))
	line := func(name, value, note string) {
		if value != "" {
			fmt.Fprintf(p.stdout, "  %-11s %s%s\n", name, value, note)
		}
	}
	line("Dashboard", url, "")
	line("Sign in as", first.Email, "")
	if first.Password != "" {
		line("Password", p.paint(cyan, first.Password), "   (shown once)")
	}
	line("Reference", url+"/docs", "")
	line("Workspace", first.Workspace, "")
	if first.APIKey != "" {
		line("API key", p.paint(cyan, first.APIKey), "   (admin; shown once)")
		fmt.Fprintf(p.stdout, `
  Send a first signal:

%s

  Watch what webhooks would get, from another terminal:

    SIGNALBOX_API_KEY=%s signalbox listen --server %s --forward-to http://localhost:3000/
`, firstCurl(url, first.APIKey), first.APIKey, url)
	}
	fmt.Fprint(p.stdout, "\n  Ctrl-C stops it.\n\n")
	return server.FirstStartShown(ctx)
}

// firstCurl is a command that works as it stands.
func firstCurl(url, key string) string {
	return fmt.Sprintf(`    curl %s/v1/signals \
      -H 'Authorization: Bearer %s' \
      -H 'Content-Type: application/json' \
      -d '{"type":"product_trial_started","source":"internal_app","account":{"domain":"acmecorp.com","name":"Acme Corp"},"contact":{"email":"jane.doe@acmecorp.com"},"properties":{"plan":"pro_trial"}}'`, url, key)
}
