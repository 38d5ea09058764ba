package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"signalbox"
	"signalbox/app"
)

// workspaces makes the commands for workspaces. No API key reaches beyond its own workspace, so these work on the data directory
// itself, while no server has it open.
func (p *program) workspaces() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "workspaces",
		Short: "List and make workspaces, while no server runs",
		Long: `List and make the workspaces of a data directory. An API key belongs to one
workspace, so these commands open the data directory themselves: stop the
server first. While one runs, list shows the workspace of the API key.`,
		RunE: help, Args: noSuchCommand,
	}
	cmd.AddCommand(p.workspacesList(), p.workspacesCreate())
	return cmd
}

// shownWorkspace is a workspace as the commands print it in JSON.
type shownWorkspace struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Timezone  string    `json:"timezone"`
	CreatedAt time.Time `json:"created_at"`
	APIKey    string    `json:"api_key,omitempty"` // only when it was just made
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
	offlineFlags(cmd, s)
	conn.serverFlags(cmd)
	return cmd
}

// offlineFlags adds the flags of a command that opens the data directory.
func offlineFlags(cmd *cobra.Command, s *settings) {
	for _, name := range []string{"data-dir", "secret-key-file", "config"} {
		cmd.Flags().AddFlag(s.flags.Lookup(name))
	}
}

// allWorkspaces reads the data directory, or asks the server that has it open for the workspace of the API key.
func (p *program) allWorkspaces(ctx context.Context, s *settings, conn *connection) ([]shownWorkspace, error) {
	var offline error
	named := s.flags.Lookup("data-dir").Changed
	if conn.server == "" && (named || p.env("SIGNALBOX_URL") == "") {
		list, err := p.storedWorkspaces(ctx, s)
		if err == nil {
			return list, nil
		}
		offline = err
	}
	conn.dataDir = s.DataDir
	c, err := conn.open(p)
	if err != nil {
		return nil, errors.Join(offline, err)
	}
	w, err := c.Workspace(ctx)
	if err != nil {
		return nil, errors.Join(offline, err)
	}
	fmt.Fprintln(p.stderr, "Asked the server: this is the workspace of the API key; stop the server to list all.")
	return []shownWorkspace{{ID: w.ID, Name: w.Name, Timezone: w.Timezone, CreatedAt: w.CreatedAt}}, nil
}

func (p *program) storedWorkspaces(ctx context.Context, s *settings) (list []shownWorkspace, err error) {
	server, err := p.openOffline(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	stored, err := server.DB().Workspaces(ctx)
	if err != nil {
		return nil, err
	}
	list = make([]shownWorkspace, len(stored))
	for i := range stored {
		list[i] = showWorkspace(server.Codec(), &stored[i])
	}
	return list, nil
}

func showWorkspace(codec *signalbox.Codec, w *signalbox.Workspace) shownWorkspace {
	return shownWorkspace{ID: codec.Format(signalbox.KindWorkspace, int64(w.ID)), Name: w.Name, Timezone: w.Timezone, CreatedAt: w.CreatedAt}
}

// openOffline opens a data directory that is there and that no server has open, without serving anything.
func (p *program) openOffline(ctx context.Context, s *settings) (*app.App, error) {
	if problems := s.fill(p); len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if _, err := os.Stat(filepath.Join(s.DataDir, "signalbox.db")); err != nil {
		return nil, fmt.Errorf("--data-dir: there is no Signalbox database in %s", s.DataDir)
	}
	cfg := app.Config{
		Addr: "127.0.0.1:0", DataDir: s.DataDir, SecretKey: s.SecretKey, SecretKeyFile: s.SecretKeyFile, OldSecretKeys: s.OldSecretKeys,
		RetentionEventDays: s.RetentionEventDays, RetentionSignalDays: s.RetentionSignalDays, HoldDeliveries: true, Version: buildVersion().Version,
	}
	server, err := app.New(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("this needs the data directory to itself; stop the server that has it open, if one has: %w", err)
	}
	if first, ok := server.FirstStart(); ok { // a start that was cut short had made no workspace yet
		if err := p.announce(ctx, server, cfg, first, slog.New(slog.NewTextHandler(p.stderr, nil))); err != nil {
			return nil, errors.Join(err, server.Close())
		}
	}
	return server, nil
}

func (p *program) workspacesCreate() *cobra.Command {
	s := newSettings()
	var asJSON bool
	cmd := &cobra.Command{Use: "create NAME", Short: "Make a workspace and its first API key, shown this once", Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if name := strings.TrimSpace(args[0]); name == "" || len([]rune(name)) > signalbox.MaxName {
				return usagef("NAME must have 1 to %d characters", signalbox.MaxName)
			}
			made, err := p.createWorkspace(cmd.Context(), s, strings.TrimSpace(args[0]))
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
	offlineFlags(cmd, s)
	return cmd
}

func (p *program) createWorkspace(ctx context.Context, s *settings, name string) (made shownWorkspace, err error) {
	server, err := p.openOffline(ctx, s)
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	w, key, err := server.MakeWorkspace(ctx, name)
	if err != nil {
		return made, err
	}
	made = showWorkspace(server.Codec(), &w)
	made.APIKey = key
	return made, nil
}
