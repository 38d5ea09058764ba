package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"signalbox/app"
)

// members makes the commands for members, for whoever owns the database, as workspaces does.
func (p *program) members() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "members",
		Short: "List members; let one who is locked out in again",
		Long: `List the members of all workspaces of a database, and make one-time links for
them. These commands work on the data directory, whether or not a server has it
open, or on the PostgreSQL database at --database-url. Members are invited in
the dashboard, or with POST /v1/members.`,
		RunE: help, Args: noSuchCommand,
	}
	cmd.AddCommand(p.membersList(), p.membersReset())
	return cmd
}

func (p *program) membersList() *cobra.Command {
	s := newSettings()
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "List the members", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list []app.Member
			err := p.asOwner(cmd.Context(), s, func(o app.Owner) (err error) {
				list, err = o.Members(cmd.Context())
				return err
			})
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(p.stdout, list)
			}
			rows := make([][]string, len(list))
			for i, m := range list {
				rows[i] = []string{clean(m.Email, 60), clean(m.Name, 40), m.Role, m.Status, day(m.CreatedAt), day(m.LastSeenAt), clean(m.Workspace, 40)}
			}
			return table(p.stdout, []string{"E-MAIL", "NAME", "ROLE", "STATUS", "MADE", "LAST SEEN", "WORKSPACE"}, rows)
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	ownerFlags(cmd, s)
	return cmd
}

func (p *program) membersReset() *cobra.Command {
	s := newSettings()
	var asJSON bool
	cmd := &cobra.Command{Use: "reset-password EMAIL", Short: "Make a one-time link by which a member sets a password", Args: exactly("EMAIL"),
		Long: `Make a link by which whoever has it sets the member's password, once. It takes
the place of a link made before; the password that the member has works until
the link is used. One who never joined gets an invitation.`,
		Example: "  signalbox members reset-password admin@localhost",
		RunE: func(cmd *cobra.Command, args []string) error {
			var made app.MemberLink
			err := p.asOwner(cmd.Context(), s, func(o app.Owner) (err error) {
				made, err = o.MemberLink(cmd.Context(), args[0])
				return err
			})
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(p.stdout, made)
			}
			fmt.Fprintln(p.stdout, made.URL)
			fmt.Fprintf(p.stderr, "Whoever opens this sets the password of %s. It works once, until %s.\n", clean(made.Email, 80), made.ExpiresAt.Local().Format("2006-01-02 15:04"))
			return nil
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	ownerFlags(cmd, s)
	cmd.Flags().AddFlag(s.flags.Lookup("public-url"))
	return cmd
}

// asOwner opens the database for its owner and gives it back.
func (p *program) asOwner(ctx context.Context, s *settings, act func(app.Owner) error) (err error) {
	cfg, err := p.ownerConfig(s)
	if err != nil {
		return err
	}
	owner, err := app.Own(ctx, cfg, p.firstShown(ctx, cfg))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, owner.Close()) }()
	return act(owner)
}
