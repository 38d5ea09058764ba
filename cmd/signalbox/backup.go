package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"signalbox/app"
)

// backup makes the commands that make and check backups.
func (p *program) backup() *cobra.Command {
	s := newSettings()
	var output string
	var force bool
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Write everything that the database holds to one file",
		Long: `Write everything that the database holds to one file: every signal that was
acknowledged before the start is in it. A server may be running and goes on; the
file is read again before it gets its name. It can be restored into either kind
of database.

Stored secrets are in it as they are stored: sealed. The secret key that opens
them is NOT in it. Keep that apart, or the backup opens no secret.`,
		Example: `  signalbox backup
  signalbox backup --output /backups/signalbox.backup --force
  signalbox backup --output - | ssh backup@example.com 'cat > signalbox.backup'
  signalbox backup verify signalbox.backup`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := p.ownerConfig(s)
			if err != nil {
				return err
			}
			if output == "-" {
				return p.backupToOutput(cmd.Context(), cfg)
			}
			if output == "" {
				output = "signalbox-" + p.now().UTC().Format("20060102T150405Z") + ".backup"
			}
			return p.backupToFile(cmd.Context(), cfg, output, force)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "file to write, - for standard output (default signalbox-<time>.backup here)")
	cmd.Flags().BoolVar(&force, "force", false, "replace the file if it is there")
	ownerFlags(cmd, s)
	cmd.AddCommand(p.backupVerify())
	return cmd
}

// ownerFlags adds the flags of a command for whoever owns the database.
func ownerFlags(cmd *cobra.Command, s *settings) {
	for _, name := range []string{"data-dir", "database-url", "secret-key-file", "config"} {
		cmd.Flags().AddFlag(s.flags.Lookup(name))
	}
}

// ownerConfig reads which database is meant, and the keys.
func (p *program) ownerConfig(s *settings) (app.Config, error) {
	if problems := s.fill(p); len(problems) > 0 {
		return app.Config{}, errors.Join(problems...)
	}
	s.logLevel = "warn" // what was done is told by the command itself
	publicURL := s.PublicURL
	if publicURL == "" && s.TLSCert != "" {
		publicURL = "https://" + app.Reachable(s.Addr)
	}
	return app.Config{
		Addr: s.Addr, PublicURL: publicURL, AdminEmail: s.AdminEmail, AdminPassword: s.AdminPassword, NoPasswords: s.NoPasswords,
		DataDir: s.DataDir, DatabaseURL: s.DatabaseURL, SecretKey: s.SecretKey, SecretKeyFile: s.SecretKeyFile, OldSecretKeys: s.OldSecretKeys,
		RetentionEventDays: s.RetentionEventDays, RetentionSignalDays: s.RetentionSignalDays,
		Log: s.logger(p.stderr), Version: buildVersion().Version, Now: p.now,
	}, nil
}

func (p *program) backupToFile(ctx context.Context, cfg app.Config, path string, force bool) error {
	bar := p.newBar()
	done, err := app.BackupFile(ctx, cfg, path, force, func(b app.BackupProgress) {
		if b.Checking {
			bar.show("check", b.Bytes, b.Total)
		} else {
			bar.show("write", b.Bytes, 0)
		}
	})
	bar.end()
	if err != nil {
		return stoppedOr(err, "the backup was stopped: nothing was written")
	}
	p.describeBackup(p.stdout, done)
	fmt.Fprintf(p.stdout, "\n%s is whole: it was read again after it was written.\n%s\n", path, keyAdvice(done))
	return nil
}

func (p *program) backupToOutput(ctx context.Context, cfg app.Config) error {
	if p.terminal {
		return usagef("a backup is no text: send it on, or give --output a file")
	}
	done, err := app.BackupStream(ctx, cfg, p.stdout)
	if err != nil {
		return stoppedOr(err, "the backup was stopped: what was written is of no use")
	}
	p.describeBackup(p.stderr, done)
	fmt.Fprintf(p.stderr, "\nWhat was written is whole; signalbox backup verify says whether it arrived so.\n%s\n", keyAdvice(done))
	return nil
}

// stoppedOr says in our words that somebody stopped a command.
func stoppedOr(err error, stopped string) error {
	if errors.Is(err, context.Canceled) {
		return errors.New(stopped)
	}
	return err
}

// keyAdvice says what a backup lacks.
func keyAdvice(c app.BackupContents) string {
	if len(c.Header.KeyIDs) == 0 {
		return "Nothing in it is sealed."
	}
	return fmt.Sprintf("The secret key %s is NOT in it: keep it apart; without it no restored webhook can be sent to.", strings.Join(c.Header.KeyIDs, " and "))
}

// describeBackup prints what is in a backup.
func (p *program) describeBackup(w io.Writer, c app.BackupContents) {
	var rows [][]string
	for i, t := range c.Header.Tables {
		rows = append(rows, []string{clean(t.Name, 60), fmt.Sprint(c.Sums[i].Rows)})
	}
	_ = table(w, []string{"TABLE", "ROWS"}, append(rows, []string{"all", fmt.Sprint(c.Rows())})) // a terminal that is gone
	h := c.Header
	fmt.Fprintf(w, "\nMade    %s by Signalbox %s, from a database of kind %s, schema %d\nSize    %s\nSHA-256 %s\nKeys    %s\n",
		h.MadeAt.UTC().Format("2006-01-02 15:04:05 UTC"), clean(h.Program, 40), clean(h.Source, 40), h.Schema, bytesText(c.Bytes), c.SHA256,
		orDash(clean(strings.Join(h.KeyIDs, ", "), 200)))
}

// bytesText writes a size for people.
func bytesText(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f MiB (%d bytes)", float64(n)/(1<<20), n)
}

func (p *program) backupVerify() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Read a backup and say whether it is whole",
		Long: `Read a backup from its beginning to its end, hold it against its checksums, and
print what is in it. It needs no key and no database.`,
		Args: exactly("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.verifyBackup(cmd.Context(), args[0], asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func (p *program) verifyBackup(ctx context.Context, path string, asJSON bool) error {
	from, size := io.Reader(p.stdin), int64(0)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil {
			size = info.Size()
		}
		from = f
	}
	bar := p.newBar()
	c, err := app.CheckBackup(ctx, from, func(n int64) { bar.show("check", n, size) })
	bar.end()
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), stoppedOr(err, "it was not read to its end"))
	}
	if !asJSON {
		p.describeBackup(p.stdout, c)
		fmt.Fprintln(p.stdout, "\nIt is whole.")
		return nil
	}
	rows := map[string]int64{}
	for i, t := range c.Header.Tables {
		rows[t.Name] = c.Sums[i].Rows
	}
	h := c.Header
	return writeJSON(p.stdout, map[string]any{
		"made_at": h.MadeAt, "program": h.Program, "source": h.Source, "schema": h.Schema, "key_ids": h.KeyIDs, "rows": rows, "bytes": c.Bytes, "sha256": c.SHA256,
	})
}
