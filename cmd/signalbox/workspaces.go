package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"signalbox"
	"signalbox/app"
)

// workspaces makes the commands for workspaces. No API key reaches beyond its own workspace, so these are for whoever owns the database: they ask
// the server that has the data directory open through its local door, or open the database themselves.
func (p *program) workspaces() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "workspaces",
		Short: "List and make workspaces",
		Long: `List and make the workspaces of a database. An API key belongs to one
workspace, so these commands work on the data directory, whether or not a
server has it open, or on the PostgreSQL database at --database-url. With
--server, list shows the workspace of the API key.`,
		RunE: help, Args: noSuchCommand,
	}
	cmd.AddCommand(p.workspacesList(), p.workspacesCreate())
	return cmd
}

func (p *program) workspacesList() *cobra.Command {
	s, conn := newSettings(), connection{}
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "List the workspaces", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := p.allWorkspaces(cmd.Context(), s, &conn)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(p.stdout, list)
			}
			rows := make([][]string, len(list))
			for i, w := range list {
				rows[i] = []string{w.ID, clean(w.Name, 60), w.Timezone, day(w.CreatedAt)}
			}
			return table(p.stdout, []string{"ID", "NAME", "TIMEZONE", "MADE"}, rows)
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	ownerFlags(cmd, s)
	conn.serverFlags(cmd)
	return cmd
}

// offlineFlags adds the flags of a command that opens the data directory.
func offlineFlags(cmd *cobra.Command, s *settings) {
	for _, name := range []string{"data-dir", "secret-key-file", "config"} {
		cmd.Flags().AddFlag(s.flags.Lookup(name))
	}
}

// allWorkspaces asks whoever has the database, or, where another server is named, that server for the workspace of the API key.
func (p *program) allWorkspaces(ctx context.Context, s *settings, conn *connection) (list []app.Workspace, err error) {
	cfg, err := p.ownerConfig(s)
	if err != nil {
		return nil, err
	}
	mine := s.flags.Lookup("data-dir").Changed || s.flags.Lookup("database-url").Changed
	if conn.server == "" && (mine || p.env("SIGNALBOX_URL") == "") {
		owner, ownErr := app.Own(ctx, cfg, p.firstShown(ctx, cfg))
		if ownErr == nil {
			defer func() { err = errors.Join(err, owner.Close()) }()
			return owner.Workspaces(ctx)
		}
		if mine || conn.key == "" && p.env("SIGNALBOX_API_KEY") == "" {
			return nil, ownErr
		}
	}
	conn.dataDir = s.DataDir
	c, err := conn.open(p)
	if err != nil {
		return nil, err
	}
	w, err := c.Workspace(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(p.stderr, "Asked the server: this is the workspace of the API key.")
	return []app.Workspace{{ID: w.ID, Name: w.Name, Timezone: w.Timezone, CreatedAt: w.CreatedAt}}, nil
}

// firstShown hands over what a start that was cut short had made and not shown.
func (p *program) firstShown(ctx context.Context, cfg app.Config) func(*app.App, app.FirstStart) error {
	return func(server *app.App, first app.FirstStart) error {
		return p.announce(ctx, server, cfg, first, slog.New(slog.NewTextHandler(p.stderr, nil)))
	}
}

func (p *program) workspacesCreate() *cobra.Command {
	s := newSettings()
	var asJSON bool
	cmd := &cobra.Command{Use: "create NAME", Short: "Make a workspace and its first API key, shown this once", Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := strings.TrimSpace(args[0])
			if name == "" || len([]rune(name)) > signalbox.MaxName {
				return usagef("NAME must have 1 to %d characters", signalbox.MaxName)
			}
			made, err := p.createWorkspace(cmd.Context(), s, name)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(p.stdout, made)
			}
			fmt.Fprintln(p.stdout, made.APIKey)
			fmt.Fprintf(p.stderr, "Workspace %s (%s): its admin API key is shown this once.\n", clean(made.Name, 80), made.ID)
			return nil
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	ownerFlags(cmd, s)
	return cmd
}

func (p *program) createWorkspace(ctx context.Context, s *settings, name string) (made app.Workspace, err error) {
	cfg, err := p.ownerConfig(s)
	if err != nil {
		return made, err
	}
	owner, err := app.Own(ctx, cfg, p.firstShown(ctx, cfg))
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, owner.Close()) }()
	return owner.CreateWorkspace(ctx, name)
}
