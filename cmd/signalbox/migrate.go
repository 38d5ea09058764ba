package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"signalbox/app"
)

// migrate makes the commands for the schema of a database.
func (p *program) migrate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Show and apply the migrations of a database",
		Long: `Show which migrations a database has, and apply those that are missing. serve
applies them by itself; these commands are for whoever wants to know before, or
lets another user do it than the one that serves.

They work on the embedded database in --data-dir, or on the PostgreSQL database
at --database-url (better: SIGNALBOX_DATABASE_URL, which nobody sees in a
process list).`,
		RunE: help, Args: noSuchCommand,
	}
	cmd.AddCommand(p.migrateStatus(), p.migrateUp())
	return cmd
}

// schemaFlags adds the flags that name a database.
func schemaFlags(cmd *cobra.Command, s *settings) {
	for _, name := range []string{"data-dir", "database-url", "config"} {
		cmd.Flags().AddFlag(s.flags.Lookup(name))
	}
}

// schemaConfig reads which database is meant.
func (p *program) schemaConfig(s *settings) (app.Config, error) {
	if problems := s.fill(p); len(problems) > 0 {
		return app.Config{}, errors.Join(problems...)
	}
	cfg := app.Config{DataDir: s.DataDir, DatabaseURL: s.DatabaseURL}
	s.logLevel = "warn" // what was done is told by the command itself
	cfg.Log = s.logger(p.stderr)
	return cfg, nil
}

func (p *program) migrateStatus() *cobra.Command {
	s := newSettings()
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show which migrations a database has; touches nothing",
		Long: `Show each migration with when it was applied, and whether this program can work
with the database. Nothing is touched: no file, no table, no lock, and a server
may be running. The exit status is 0 when everything is applied, 1 when
something is pending or this program cannot work with the schema.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := p.schemaConfig(s)
			if err != nil {
				return err
			}
			schema, err := app.ReadSchema(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			return p.showSchema(schema, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	schemaFlags(cmd, s)
	return cmd
}

// shownStep is a migration as the command prints it in JSON.
type shownStep struct {
	Number    int       `json:"number"`
	Name      string    `json:"name"`
	AppliedAt time.Time `json:"applied_at,omitzero"`
	Known     bool      `json:"known"` // to this program
}

func (p *program) showSchema(s app.Schema, asJSON bool) error {
	steps, rows := make([]shownStep, len(s.Steps)), make([][]string, len(s.Steps))
	for i, step := range s.Steps {
		steps[i] = shownStep{step.Number, step.Name, step.AppliedAt, step.Known}
		applied := "pending"
		if !step.AppliedAt.IsZero() {
			applied = day(step.AppliedAt)
		}
		if !step.Known {
			applied += " (by a newer program)"
		}
		rows[i] = []string{fmt.Sprint(step.Number), clean(step.Name, 60), applied}
	}
	if asJSON {
		refused := ""
		if s.Refused != nil {
			refused = s.Refused.Error()
		}
		if err := writeJSON(p.stdout, map[string]any{"migrations": steps, "pending": s.Pending(), "refused": refused}); err != nil {
			return err
		}
	} else if err := table(p.stdout, []string{"NUMBER", "NAME", "APPLIED"}, rows); err != nil {
		return err
	}
	switch {
	case s.Refused != nil:
		return s.Refused
	case s.Pending() > 0:
		fmt.Fprintf(p.stderr, "%d of %d migrations are pending: signalbox migrate up applies them, and so does the next start of serve.\n", s.Pending(), len(s.Steps))
		return errSaid
	}
	return nil
}

func (p *program) migrateUp() *cobra.Command {
	s := newSettings()
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Apply the migrations that are missing",
		Long: `Apply the migrations that are missing, each in a transaction of its own; stopped
anywhere, it goes on where it was. An embedded database must be closed, and is
copied beside itself first. One of PostgreSQL may be in use by nodes of the
version before where the migration allows that (see docs/upgrading.md).`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := p.schemaConfig(s)
			if err != nil {
				return err
			}
			return p.migrateDatabase(cmd.Context(), cfg)
		},
	}
	schemaFlags(cmd, s)
	return cmd
}

func (p *program) migrateDatabase(ctx context.Context, cfg app.Config) error {
	m, err := app.Migrate(ctx, cfg)
	if err != nil {
		return err
	}
	for _, step := range m.Applied {
		fmt.Fprintf(p.stdout, "Applied %d %s.\n", step.Number, clean(step.Name, 60))
	}
	if m.Copy != "" {
		fmt.Fprintf(p.stdout, "What the database was before is in %s.\n", m.Copy)
	}
	if len(m.Applied) == 0 {
		fmt.Fprintf(p.stdout, "Nothing to do: the schema has version %d.\n", len(m.Schema.Steps))
	}
	return nil
}
