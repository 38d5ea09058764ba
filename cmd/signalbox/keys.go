package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"signalbox"
	"signalbox/app"
	"signalbox/client"
)

// keys makes the commands for API keys.
func (p *program) keys() *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "List, make and revoke API keys; change the secret key", RunE: help, Args: noSuchCommand}
	cmd.AddCommand(p.keysList(), p.keysCreate(), p.keysRevoke(), p.keysRewrap())
	return cmd
}

// keysRewrap makes the command that ends a change of the secret key.
func (p *program) keysRewrap() *cobra.Command {
	s := newSettings()
	var forget, asJSON bool
	cmd := &cobra.Command{
		Use:   "rewrap",
		Short: "Seal every stored secret anew with the new secret key",
		Long: `Seal every stored secret anew with the secret key that is set now, while
SIGNALBOX_OLD_SECRET_KEYS still opens what older ones sealed. After it the old
key is needed no more. Stopped anywhere, the same command goes on; when nothing
is left it changes nothing.

To change the key: start the server (every node of it) with the new key and the
old one in SIGNALBOX_OLD_SECRET_KEYS; run this; start with the new key alone.
While a server has the data directory open, it does the work, with its keys.

--forget-lost is for a key that is lost for good: webhooks whose secret no given
key opens are disabled as secret_lost, and have to be made anew.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := p.ownerConfig(s)
			if err != nil {
				return err
			}
			done, err := app.Rewrap(cmd.Context(), cfg, forget)
			if err != nil {
				return stoppedOr(err, "it was stopped: the same command goes on where it was")
			}
			return p.showRewrapped(done, asJSON)
		},
	}
	cmd.Flags().BoolVar(&forget, "forget-lost", false, "disable webhooks whose secret no key opens, and forget it")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	ownerFlags(cmd, s)
	return cmd
}

func (p *program) showRewrapped(done app.Rewrapped, asJSON bool) error {
	if asJSON {
		return writeJSON(p.stdout, done)
	}
	for _, id := range done.Lost {
		fmt.Fprintf(p.stdout, "%s is disabled (secret_lost): no key opened what was sealed in it.\n", id)
	}
	what := fmt.Sprintf("%d values were sealed anew", done.Changed)
	if done.Changed == 1 {
		what = "1 value was sealed anew"
	}
	fmt.Fprintf(p.stdout, "%s: the secret key %s alone opens everything now.\n", what, done.KeyID)
	return nil
}

// shownKey is a key as the commands print it in JSON.
type shownKey struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Scope      signalbox.Scope `json:"scope"`
	Hint       string          `json:"hint"`
	CreatedAt  time.Time       `json:"created_at"`
	ExpiresAt  time.Time       `json:"expires_at,omitzero"`
	LastUsedAt time.Time       `json:"last_used_at,omitzero"`
	RevokedAt  time.Time       `json:"revoked_at,omitzero"`
	Key        string          `json:"key,omitempty"` // only when it was just made
}

func showKey(k client.APIKey) shownKey {
	return shownKey{k.ID, k.Name, k.Scope, k.Hint, k.CreatedAt, k.ExpiresAt, k.LastUsedAt, k.RevokedAt, k.Key.Reveal()}
}

func (p *program) keysList() *cobra.Command {
	var conn connection
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "List the keys of the workspace", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := conn.open(p)
			if err != nil {
				return err
			}
			return p.listKeys(cmd.Context(), c, asJSON)
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	conn.flags(cmd)
	return cmd
}

func (p *program) listKeys(ctx context.Context, c *client.Client, asJSON bool) error {
	shown, rows := []shownKey{}, [][]string{}
	for k, err := range c.Keys(ctx) {
		if err != nil {
			return err
		}
		shown = append(shown, showKey(k))
		rows = append(rows, []string{k.ID, clean(k.Name, 40), string(k.Scope), "…" + k.Hint, day(k.CreatedAt), day(k.LastUsedAt), keyState(k, p.now())})
	}
	if asJSON {
		return writeJSON(p.stdout, shown)
	}
	return table(p.stdout, []string{"ID", "NAME", "SCOPE", "KEY", "MADE", "LAST USED", "STATE"}, rows)
}

// keyState says in a word whether a key works.
func keyState(k client.APIKey, now time.Time) string {
	switch {
	case !k.RevokedAt.IsZero():
		return "revoked"
	case !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(now):
		return "expired"
	}
	return "live"
}

// scopes are what a key may do, for help and completion.
var scopes = []string{string(signalbox.ScopeIngest), string(signalbox.ScopeRead), string(signalbox.ScopeWrite), string(signalbox.ScopeReadWrite), string(signalbox.ScopeAdmin)}

func (p *program) keysCreate() *cobra.Command {
	var conn connection
	var asJSON bool
	var scope string
	var expires time.Duration
	cmd := &cobra.Command{Use: "create NAME", Short: "Make a key, shown this once", Args: exactly("NAME"),
		Example: "  signalbox keys create website --scope ingest",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(scopes, scope) {
				return usagef("--scope: %q is none of %s", scope, strings.Join(scopes, ", "))
			}
			c, err := conn.open(p)
			if err != nil {
				return err
			}
			in := client.KeyInput{Name: args[0], Scope: signalbox.Scope(scope)}
			if expires > 0 {
				in.ExpiresAt = p.now().Add(expires).UTC().Truncate(time.Second)
			}
			return p.createKey(cmd.Context(), c, in, asJSON)
		}}
	cmd.Flags().StringVar(&scope, "scope", scopes[0], "what it may do: "+strings.Join(scopes, ", "))
	cmd.Flags().DurationVar(&expires, "expires-in", 0, "how long it works, such as 720h (default for ever)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	_ = cmd.RegisterFlagCompletionFunc("scope", cobra.FixedCompletions(scopes, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that does not exist
	conn.flags(cmd)
	return cmd
}

func (p *program) createKey(ctx context.Context, c *client.Client, in client.KeyInput, asJSON bool) error {
	k, err := c.CreateKey(ctx, in)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(p.stdout, showKey(k))
	}
	fmt.Fprintln(p.stdout, k.Key.Reveal())
	fmt.Fprintf(p.stderr, "%s (%s, scope %s): this is the only time that the key is shown.\n", clean(k.Name, 80), k.ID, k.Scope)
	return nil
}

func (p *program) keysRevoke() *cobra.Command {
	var conn connection
	cmd := &cobra.Command{Use: "revoke ID", Short: "End a key at once", Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := conn.open(p)
			if err != nil {
				return err
			}
			if err := c.RevokeKey(cmd.Context(), args[0]); err != nil {
				return err
			}
			fmt.Fprintf(p.stdout, "%s is revoked.\n", args[0])
			return nil
		}}
	conn.flags(cmd)
	return cmd
}
