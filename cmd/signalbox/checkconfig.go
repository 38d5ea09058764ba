package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"signalbox/app"
)

// checkConfig makes the command that shows what serve would run with.
func (p *program) checkConfig() *cobra.Command {
	s := newSettings()
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check-config",
		Short: "Show what serve would run with, and every problem of it",
		Long: `Read flags, SIGNALBOX_* environment variables and the --config file as serve
would, and show each setting with where it came from. Secrets stay hidden.
The exit status is 1 when serve would refuse to start.`,
		Args: exactly(),
		RunE: func(*cobra.Command, []string) error { return p.showConfig(s, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	cmd.Flags().AddFlagSet(s.flags)
	return cmd
}

// shownSetting is a setting as check-config shows it.
type shownSetting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

func (p *program) showConfig(s *settings, asJSON bool) error {
	problems := append(s.fill(p), s.check()...)
	list := s.list()
	if asJSON {
		texts := make([]string, len(problems))
		for i, problem := range problems {
			texts[i] = problem.Error()
		}
		if err := writeJSON(p.stdout, map[string]any{"settings": list, "problems": texts}); err != nil {
			return err
		}
	} else if err := p.printConfig(list); err != nil {
		return err
	}
	for _, name := range s.strangers(p) {
		fmt.Fprintf(p.stderr, "%s there is no such setting: %s\n", p.paint(yellow, "note:"), name)
	}
	if len(problems) == 0 {
		return nil
	}
	if !asJSON {
		p.complain(problems)
	}
	return errSaid
}

// list returns every setting, secrets hidden.
func (s *settings) list() []shownSetting {
	var list []shownSetting
	s.flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != "config" {
			value := f.Value.String()
			switch f.Name {
			case "database-url":
				value = app.RedactURL(value)
			case "smtp-url":
				value = app.RedactSMTP(value)
			}
			list = append(list, shownSetting{f.Name, value, s.where(f.Name)})
		}
	})
	s.secrets.VisitAll(func(f *pflag.Flag) {
		value := ""
		if s.sources[f.Name] != fromDefault {
			value = "[hidden]"
		}
		list = append(list, shownSetting{f.Name, value, s.where(f.Name)})
	})
	return list
}

// where says where a setting came from, as precisely as somebody needs who wants to change it.
func (s *settings) where(name string) string {
	switch s.sources[name] {
	case fromFlag:
		return "--" + name
	case fromEnv:
		return envName(name)
	case fromFile:
		return fmt.Sprintf("%s:%d", s.file, s.lines[name])
	}
	return string(fromDefault)
}

func (p *program) printConfig(list []shownSetting) error {
	rows := make([][]string, len(list))
	for i, one := range list {
		rows[i] = []string{one.Name, orDash(one.Value), one.Source}
	}
	return table(p.stdout, []string{"SETTING", "VALUE", "FROM"}, rows)
}

func orDash(value string) string {
	if value == "" || value == "[]" {
		return "-"
	}
	return value
}

// complain tells every problem, one to a line.
func (p *program) complain(problems []error) {
	for _, problem := range problems {
		fmt.Fprintf(p.stderr, "%s %v\n", p.paint(red, "problem:"), problem)
	}
}
