package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"signalbox"
	"signalbox/app"
)

// connectorAuth is the variable that credentials are better given in than on a command line, which others on the machine can read.
const connectorAuth = "SIGNALBOX_CONNECTOR_AUTH"

// connector makes the commands about connectors.
func (p *program) connector() *cobra.Command {
	cmd := &cobra.Command{Use: "connector", Short: "Try what a linked account's records are fetched with", RunE: help, Args: noSuchCommand}
	cmd.AddCommand(p.connectorTry())
	return cmd
}

// trying are the flags of connector try.
type trying struct {
	app.ConnectorTry
	settings []string
	auth     string
	most     int
	asJSON   bool
}

func (p *program) connectorTry() *cobra.Command {
	s := newSettings()
	var t trying
	cmd := &cobra.Command{
		Use:   "try FILE",
		Short: "Fetch one page with a connector, and show what would be kept",
		Long: `Fetch the first page with a connector, and show of each record its id, the
keyed hash that would be kept of it, the fields that are compared, and what its
definition maps. The hashes are made with a key that is thrown away; nothing is
kept.

FILE is a definition (*.yaml), the connector of a request as JSON (*.json), or
the name of a definition. The address guard is that of the server whose --config
file or flags are given: without them, only public https addresses are asked.`,
		Example: `  SIGNALBOX_CONNECTOR_AUTH='{"type":"basic","username":"…"}' \
    signalbox connector try bamboohr --record-type employees --setting domain=acme
  signalbox connector try ./acme.yaml --setting tenant=my-company
  signalbox connector try ./people.json --import-dir /srv/import`,
		Args: exactly("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			t.Connector = args[0]
			return p.tryConnector(cmd, s, &t)
		},
	}
	f := cmd.Flags()
	f.StringVar(&t.RecordType, "record-type", "", "the definition's stream (default the only one)")
	f.StringArrayVar(&t.settings, "setting", nil, "a setting of the definition, name=value; repeatable")
	f.StringVar(&t.auth, "auth", "", "credentials as JSON (better: "+connectorAuth+")")
	f.IntVar(&t.most, "records", 5, "show at most this many records")
	f.BoolVar(&t.asJSON, "json", false, "write JSON, with the hash of each field")
	for _, name := range []string{"import-dir", "connectors-dir", "dev", "allow-target", "allow-ports", "target-ca", "egress-proxy", "config"} {
		f.AddFlag(s.flags.Lookup(name))
	}
	return cmd
}

func (p *program) tryConnector(cmd *cobra.Command, s *settings, t *trying) error {
	if t.most < 1 {
		return usagef("--records must be at least 1")
	}
	t.Settings = map[string]string{}
	for _, pair := range t.settings {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return usagef("--setting: %q is not name=value", clean(pair, 80))
		}
		if _, twice := t.Settings[name]; twice {
			return usagef("--setting: %s is given twice", clean(name, 80))
		}
		t.Settings[name] = value
	}
	if t.auth == "" {
		t.auth = p.env(connectorAuth)
	}
	t.Auth = []byte(t.auth)
	if problems := s.fill(p); len(problems) > 0 {
		p.complain(problems)
		return errSaid
	}
	page, err := app.TryConnector(cmd.Context(), s.Config, t.ConnectorTry)
	if err != nil {
		return tryError(err)
	}
	shown := min(len(page.Records), t.most)
	if t.asJSON {
		page.Records = page.Records[:shown]
		return writeJSON(p.stdout, page)
	}
	return p.showPage(&page, shown)
}

// tryError says which field is wrong; what is about a setting of the command is told by its flag.
func tryError(err error) error {
	var e *signalbox.Error
	if !errors.As(err, &e) || e.Param == "" {
		return err
	}
	flag := map[string]string{"record_type": "--record-type", "auth": "--auth", "setting": "--setting"}[e.Param]
	if flag == "" {
		flag = e.Param
	}
	return fmt.Errorf("%s: %s", flag, e.Msg)
}

// showPage tells of a page: of what it is, and of its first records.
func (p *program) showPage(page *app.TriedPage, shown int) error {
	of := make([]string, 0, 2)
	for _, word := range []string{page.Definition, page.RecordType} {
		if word != "" {
			of = append(of, word)
		}
	}
	if page.API != "" {
		of = append(of, "("+page.API+")")
	}
	if len(of) > 0 {
		fmt.Fprintf(p.stdout, "%-10s %s\n", "connector", clean(strings.Join(of, " "), 200))
	}
	more := "another page follows"
	if page.Last {
		more = "this is the last one"
	}
	if page.Total >= 0 {
		more += fmt.Sprintf("; %d in all, says the provider", page.Total)
	}
	fmt.Fprintf(p.stdout, "%-10s %s\n%-10s %d records, %s\n", "source", clean(page.Source, 300), "page", len(page.Records), more)
	for i := range page.Records[:shown] {
		p.showRecord(&page.Records[i])
	}
	if left := len(page.Records) - shown; left > 0 {
		fmt.Fprintf(p.stdout, "\n%d more; --records shows them\n", left)
	}
	return nil
}

func (p *program) showRecord(r *app.TriedRecord) {
	line := func(name, value string) { fmt.Fprintf(p.stdout, "  %-10s %s\n", name, value) }
	fmt.Fprintf(p.stdout, "\n%s\n", p.paint(bold, clean(r.ID, 255)))
	line("hash", r.Hash)
	line("compared", clean(strings.Join(slices.Sorted(maps.Keys(r.Fields)), ", "), 1000))
	if len(r.Unified) > 0 {
		line("unified", clean(string(r.Unified), 2000))
	}
	if len(r.Identity) > 0 {
		text, err := json.Marshal(r.Identity)
		if err == nil {
			line("about", clean(string(text), 2000))
		}
	}
	if r.Problem != "" {
		line("problem", p.paint(red, clean(r.Problem, 400)))
	}
}
