package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"signalbox/app"
)

// move makes the command that carries an embedded database over to PostgreSQL.
func (p *program) move() *cobra.Command {
	s := newSettings()
	var to string
	var abandon bool
	cmd := &cobra.Command{
		Use:   "move",
		Short: "Carry the data directory's database over to PostgreSQL",
		Long: `Carry everything that the database of --data-dir holds over to an empty
PostgreSQL database: ids, keys, secrets and waiting deliveries stay as they are.
Stop the server first. Until the move is complete nothing starts on either
database; stopped anywhere, the same command goes on where it was. At the end
both are read again and compared. Then servers start with --database-url.

--abandon gives up a move that is not complete: the data directory is as it was.

The password is better given in SIGNALBOX_DATABASE_URL, which nobody sees in a
process list.`,
		Example: `  signalbox move --to postgres://signalbox@db.example.com/signalbox
  signalbox move --abandon`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if problems := s.fill(p); len(problems) > 0 {
				return errors.Join(problems...)
			}
			cfg := app.Config{
				DataDir: s.DataDir, SecretKey: s.SecretKey, SecretKeyFile: s.SecretKeyFile, OldSecretKeys: s.OldSecretKeys, Now: p.now,
			}
			cfg.DatabaseURL = cmp.Or(to, s.DatabaseURL)
			switch {
			case abandon && to != "":
				return usagef("give --to or --abandon, not both")
			case abandon:
				return p.abandonMove(cmd.Context(), cfg)
			case cfg.DatabaseURL == "":
				return usagef("--to is missing: the URL of an empty PostgreSQL database, postgres://…")
			}
			return p.moveDatabase(cmd.Context(), cfg, s)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "URL of an empty PostgreSQL database, postgres://… (default SIGNALBOX_DATABASE_URL)")
	cmd.Flags().BoolVar(&abandon, "abandon", false, "give up a move that is not complete")
	offlineFlags(cmd, s)
	return cmd
}

func (p *program) abandonMove(ctx context.Context, cfg app.Config) error {
	to, err := app.AbandonMove(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "The move is given up: serve works on %s as before.\nWhat was carried to %s is of no use: empty it before you move there again.\n", cfg.DataDir, to)
	return nil
}

func (p *program) moveDatabase(ctx context.Context, cfg app.Config, s *settings) error {
	progress := &moveProgress{p: p, out: p.stderr}
	s.logLevel = "warn"
	cfg.Log = s.logger(progress)
	moved, err := app.Move(ctx, cfg, progress.show)
	progress.end()
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("the move was stopped: the same command goes on where it was, signalbox move --abandon gives it up")
	case err != nil:
		return err
	}
	var rows [][]string
	all := int64(0)
	for _, t := range moved.Tables {
		rows = append(rows, []string{t.Table, fmt.Sprint(t.Rows), t.Checksum})
		all += t.Rows
	}
	if err := table(p.stdout, []string{"TABLE", "ROWS", "CHECKSUM, THE SAME IN BOTH"}, rows); err != nil {
		return err
	}
	key, flag := fmt.Sprintf("SIGNALBOX_SECRET_KEY as it is set now (key %s)", moved.KeyID), ""
	if moved.KeyFile != "" {
		key = fmt.Sprintf("the secret key of %s (key %s), as SIGNALBOX_SECRET_KEY or as a file", moved.KeyFile, moved.KeyID)
		flag = " --secret-key-file " + moved.KeyFile
	}
	if len(cfg.OldSecretKeys) > 0 {
		key += ", and SIGNALBOX_OLD_SECRET_KEYS"
	}
	fmt.Fprintf(p.stdout, `
Everything is in %s: %d rows, read back and the same.
Its nodes need %s:

  signalbox serve --database-url '%s'%s

The data directory %s is as it was, and no server starts on its database any more.
`, moved.To, all, key, moved.To, flag, cfg.DataDir)
	return nil
}

// moveProgress shows how far a move is: a bar on a terminal, elsewhere a line for every tenth.
type moveProgress struct {
	p    *program
	bars *mpb.Progress
	bar  *mpb.Bar

	begun    bool
	checking bool
	tenth    int64

	mu  sync.Mutex
	out io.Writer // above the bar while one is shown
}

// Write passes what the log says on without tearing the bar.
func (m *moveProgress) Write(text []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.out.Write(text)
}

// above sets where lines go.
func (m *moveProgress) above(w io.Writer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.out = w
}

// stage says what is being done.
func (m *moveProgress) stage() string {
	if m.checking {
		return "check"
	}
	return "carry over"
}

func (m *moveProgress) show(now app.MoveProgress) {
	if !m.begun || now.Checking != m.checking {
		m.end()
		m.begun, m.checking, m.tenth = true, now.Checking, 0
		if m.p.terminal {
			m.bars = mpb.New(mpb.WithOutput(m.p.stderr), mpb.WithWidth(40), mpb.WithAutoRefresh())
			m.bar = m.bars.AddBar(now.Total,
				mpb.PrependDecorators(decor.Name(fmt.Sprintf("%-11s", m.stage()))),
				mpb.AppendDecorators(decor.Percentage(), decor.Name("  "), decor.CountersNoUnit("%d of %d rows"), decor.Name("  "), decor.AverageETA(decor.ET_STYLE_GO)))
			m.above(m.bars)
		}
	}
	if m.bar != nil {
		m.bar.SetCurrent(now.Done)
		return
	}
	if tenth := now.Done * 10 / max(now.Total, 1); tenth > m.tenth {
		m.tenth = tenth
		fmt.Fprintf(m, "%s: %d of %d rows, %d0%%\n", m.stage(), now.Done, now.Total, tenth)
	}
}

// end takes the bar away, as far as it came.
func (m *moveProgress) end() {
	if m.bars == nil {
		return
	}
	m.bar.Abort(false) // without effect once complete
	m.bars.Wait()
	m.above(m.p.stderr)
	m.bars, m.bar = nil, nil
}
