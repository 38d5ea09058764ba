package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8/cwriter"
)

// The exit statuses.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// program is what the commands of one run share with the world outside.
type program struct {
	stdin    io.Reader
	stdout   io.Writer
	stderr   io.Writer
	environ  []string // NAME=value
	terminal bool     // stdout is one
	now      func() time.Time
}

// system is the program as the operating system started it.
func system() *program {
	return &program{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ(),
		terminal: cwriter.IsTerminal(int(os.Stdout.Fd())), now: time.Now,
	}
}

// run runs the command that args name and returns the exit status.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	started := false
	mark(root, &started)
	cmd, err := root.ExecuteContextC(ctx)
	switch usage := (*usageError)(nil); {
	case err == nil:
		return exitOK
	case errors.Is(err, errSaid):
		return exitFailure
	case errors.As(err, &usage) || !started:
		fmt.Fprintf(p.stderr, "signalbox: %v\nRun '%s --help' for how to use it.\n", err, cmd.CommandPath())
		return exitUsage
	default:
		fmt.Fprintf(p.stderr, "signalbox: %v\n", err)
		return exitFailure
	}
}

// mark notes in started that a command began its work: an error before that is one of the command line.
func mark(cmd *cobra.Command, started *bool) {
	if work := cmd.RunE; work != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			*started = true
			return work(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		mark(sub, started)
	}
}

// usageError is a command line that makes no sense.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// errSaid fails a command that has already told why.
var errSaid = errors.New("already told")

// env returns the value of an environment variable; an empty one counts as unset.
func (p *program) env(name string) string {
	for i := len(p.environ) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(p.environ[i], name+"="); ok {
			return value
		}
	}
	return ""
}

// root makes the command and everything below it.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "signalbox",
		Short: "Buying signals in, signed webhooks out",
		Long: `Signalbox takes signals about companies and people, keeps them, and sends
signed webhooks about them. One program, one data directory, nothing else.

  signalbox demo     see it move
  signalbox serve    run it`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		RunE:              help,
		Args:              noSuchCommand,
	}
	root.AddGroup(&cobra.Group{ID: groupServer, Title: "Run a server:"}, &cobra.Group{ID: groupClient, Title: "Use a server:"})
	root.SetHelpCommand(&cobra.Command{Hidden: true, Use: "no-help"})
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add(groupServer, p.serve(), p.demo(), p.checkConfig(), p.connector(), p.workspaces(), p.members(), p.backup(), p.restore(), p.migrate(), p.move(), p.bench())
	add(groupClient, p.send(), p.importCommand(), p.export(), p.listen(), p.verify(), p.keys())
	add("", p.healthcheck(), p.version())
	inOrder(root)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err.Error()} })
	return root
}

// inOrder lists flags in the order in which they were written: what matters most comes first.
func inOrder(cmd *cobra.Command) {
	cmd.Flags().SortFlags = false
	for _, sub := range cmd.Commands() {
		inOrder(sub)
	}
}

// The groups of the help text.
const (
	groupServer = "server"
	groupClient = "client"
)

// help is what a command that only has commands below it does.
func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// noSuchCommand refuses an argument where a command was expected, and says what may have been meant.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	meant := ""
	if cmd.SuggestionsMinimumDistance = 2; len(cmd.SuggestionsFor(args[0])) > 0 {
		meant = "; did you mean " + strings.Join(cmd.SuggestionsFor(args[0]), " or ") + "?"
	}
	return usagef("there is no command %q%s", args[0], meant)
}

// exactly demands the arguments that the names list.
func exactly(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usagef("%s is missing", names[len(args)])
		case len(args) > len(names):
			return usagef("%q is one argument too many", args[len(names)])
		}
		return nil
	}
}
