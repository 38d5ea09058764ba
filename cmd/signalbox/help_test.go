package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// each calls visit for a command and all below it.
func each(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		each(sub, visit)
	}
}

func TestHelp_IsAsWritten(t *testing.T) {
	t.Parallel()
	each(cli{}.program(io.Discard, io.Discard).root(), func(cmd *cobra.Command) {
		if cmd.Hidden || cmd.Name() == "bench" { // bench has its own room
			return
		}
		path := strings.Fields(cmd.CommandPath())
		got := cli{}.run(t, append(path[1:], "--help")...)
		if got.code != exitOK || got.err != "" {
			t.Errorf("%s --help: status %d, %s", cmd.CommandPath(), got.code, got.err)
		}
		golden(t, "help/"+strings.Join(path, "-")+".txt", got.out)
	})
}

func TestHelp_FitsATerminal(t *testing.T) {
	t.Parallel()
	each(cli{}.program(io.Discard, io.Discard).root(), func(cmd *cobra.Command) {
		for text := range strings.Lines(cmd.Long) {
			if len([]rune(text)) > 81 {
				t.Errorf("%s: the line is longer than 80 characters: %s", cmd.CommandPath(), text)
			}
		}
		if strings.HasSuffix(cmd.Short, ".") || len(cmd.Short) > 70 {
			t.Errorf("%s: short help must be a short phrase: %q", cmd.CommandPath(), cmd.Short)
		}
	})
}

func TestUsage_WrongCommandLinesAreStatus2(t *testing.T) {
	t.Parallel()
	cases := []struct {
		args []string
		says string
	}{
		{[]string{"sned"}, `there is no command "sned"; did you mean send?`},
		{[]string{"keys", "lst"}, `there is no command "lst"; did you mean list?`},
		{[]string{"serve", "--adr", ":1"}, "unknown flag: --adr"},
		{[]string{"serve", "--dev=perhaps"}, "--dev"},
		{[]string{"serve", "now"}, `"now" is one argument too many`},
		{[]string{"keys", "create"}, "NAME is missing"},
		{[]string{"keys", "create", "a", "--scope", "root"}, `"root" is none of ingest, read, write, read_write, admin`},
		{[]string{"send", "--api-key", "k"}, "a signal needs --type and --source"},
		{[]string{"send", "--api-key", "k", "--file", "a", "--jsonl", "b"}, "not both"},
		{[]string{"send", "--api-key", "k", "--file", "a", "--email", "a@b.c"}, "--email does not go with a file"},
		{[]string{"send", "--api-key", "k", "--type", "a", "--source", "b", "--property", "c"}, "not name=value"},
		{[]string{"send", "--api-key", "k", "--type", "a", "--source", "b", "--property", "c=1", "--property", "c=2"}, "c is given twice"},
		{[]string{"listen", "--api-key", "k", "--forward-to", "localhost:3000"}, "is not a URL"},
		{[]string{"verify"}, "no secret"},
		{[]string{"verify", "--secret", "s", "--header", "nothing"}, "is not 'Name: value'"},
		{[]string{"verify", "--secret", "s", "--scheme", "rot13"}, `"rot13" is none of`},
		{[]string{"verify", "--secret", "s", "--at", "noon"}, "--at"},
		{[]string{"workspaces", "create", " "}, "1 to 200 characters"},
		{[]string{"demo", "--speed", "0"}, "--speed"},
	}
	for _, tc := range cases {
		t.Run(strings.Join(tc.args, " "), func(t *testing.T) {
			t.Parallel()
			got := cli{}.run(t, tc.args...)
			if got.code != exitUsage || !strings.Contains(got.err, tc.says) || !strings.Contains(got.err, "--help") || got.out != "" {
				t.Errorf("status %d, said %q, wrote %q; want status 2 and %q", got.code, got.err, got.out, tc.says)
			}
		})
	}
}

func TestCompletion_KnowsCommandsFlagsAndValues(t *testing.T) {
	t.Parallel()
	cases := map[string][]string{
		"listen":  {"__complete", "lis"},
		"--jsonl": {"__complete", "send", "--js"},
		"ingest":  {"__complete", "keys", "create", "--scope", "in"},
	}
	for want, args := range cases {
		if got := (cli{}).run(t, args...); !strings.HasPrefix(got.out, want) {
			t.Errorf("%v: want %s, got %s", args, want, got.out)
		}
	}
	if got := (cli{}).run(t, "completion", "bash"); got.code != exitOK || !strings.Contains(got.out, "signalbox") {
		t.Errorf("completion bash: status %d", got.code)
	}
}

func TestVersion_NamesTheLibraryItself(t *testing.T) {
	t.Parallel()
	got := cli{}.run(t, "version")
	if got.code != exitOK || !strings.HasPrefix(got.out, "signalbox ") || !strings.Contains(got.out, "\nSQLite 3.") {
		t.Errorf("status %d:\n%s", got.code, got.out)
	}
	if got := (cli{}).run(t, "version", "--json"); !strings.Contains(got.out, `"sqlite": "3.`) {
		t.Errorf("json: %s", got.out)
	}
}
