package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"signalbox/app"
)

// restore makes the command that restores a backup.
func (p *program) restore() *cobra.Command {
	s := newSettings()
	var o app.RestoreOptions
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup into an empty database",
		Long: `Put a backup into an empty place: a data directory without a database, or an
empty PostgreSQL database. Nothing is written before the whole file was read and
found whole, and the secret key that it needs is there: SIGNALBOX_SECRET_KEY,
--secret-key-file, or secret.key in the data directory. At the end the database
is read again and compared.

Deliveries that were still to be sent are sent as soon as a server starts. With
--hold-deliveries they are skipped with the reason restored, and each can be
retried by hand: for a backup restored beside the server that it is of, which
has sent them since.

A restore that was cut short leaves a database that no server starts on; with
--force it is begun anew.`,
		Example: `  install -m 600 -D secret.key new-data/secret.key
  signalbox restore signalbox.backup --data-dir new-data
  signalbox restore signalbox.backup --database-url postgres://… --hold-deliveries`,
		Args: exactly("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := p.ownerConfig(s)
			if err != nil {
				return err
			}
			return p.restoreFile(cmd.Context(), cfg, args[0], o)
		},
	}
	cmd.Flags().BoolVar(&o.Hold, "hold-deliveries", false, "skip what was still to be sent; each can be retried by hand")
	cmd.Flags().BoolVar(&o.Force, "force", false, "begin anew where a restore was cut short")
	ownerFlags(cmd, s)
	return cmd
}

func (p *program) restoreFile(ctx context.Context, cfg app.Config, path string, o app.RestoreOptions) error {
	bar := p.newBar()
	o.Report = func(r app.RestoreProgress) { bar.show(string(r.Stage), r.Done, r.Total) }
	done, err := app.Restore(ctx, cfg, path, o)
	bar.end()
	if err != nil {
		return err
	}
	p.describeBackup(p.stdout, done.Contents)
	where, flag := cfg.DataDir, "--data-dir "+cfg.DataDir
	if cfg.DatabaseURL != "" {
		where = app.RedactURL(cfg.DatabaseURL)
		flag = "--database-url '" + where + "'"
	}
	fmt.Fprintf(p.stdout, "\nEverything is in %s, read back and the same.\n", where)
	if o.Hold {
		fmt.Fprintf(p.stdout, "%d deliveries that were still to be sent are not: each can be retried by hand.\n", done.Held)
	}
	if done.Schema > done.Contents.Header.Schema {
		fmt.Fprintf(p.stdout, "The schema was brought from version %d to %d.\n", done.Contents.Header.Schema, done.Schema)
	}
	fmt.Fprintf(p.stdout, "\n  signalbox serve %s\n", flag)
	return nil
}
